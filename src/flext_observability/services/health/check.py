"""A check's callable, sync or async → one FlextHealthCheck, within its time limit; callers at one time share one run."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from math import inf
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, cast

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.encoding import encode_tag
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.extensions.ports import Clock

TIMEOUT_SECONDS: Final = 5.0
CACHE_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 1.0  # for a run that others wait for to say that its own time is up
_MAX_MESSAGE_BYTES: Final = 1024
_inside: ContextVar[bool] = ContextVar("flext_inside_health_check", default=False)


class _CheckAborted(Exception):
    """What is found without an outcome: status and message."""


@dataclass(slots=True)
class RegisteredCheck:
    """A check, how to run it, and what it found last.

    Attributes:
        name: What is checked.
        call: Takes nothing; returns, or gives on awaiting: a bool, a status, a ``FlextHealthCheck``, a ``FlextResult``, or None for
            healthy; raises for unhealthy.
        critical: Whether its failure makes the whole unhealthy, not only degraded.
        timeout_seconds: Time limit of one run.
        interval_seconds: Time between runs in the background; None: it runs when somebody asks.
        cache_seconds: How long what was found stays good for those who ask.
        depends_on: Names of the checks without which this one is not run.
        probes: Probes that it counts for.
        identity: Gives id and time of a finding; empty for a random id and the time of now.
        latest: What it found last.
    """

    name: str
    call: Callable[[], object]
    critical: bool = True
    timeout_seconds: float = TIMEOUT_SECONDS
    interval_seconds: float | None = None
    cache_seconds: float = CACHE_SECONDS
    depends_on: tuple[str, ...] = ()
    probes: tuple[str, ...] = ("ready",)
    identity: Callable[[], dict[str, Any]] = dict
    latest: FlextHealthCheck | None = None
    _found_at: float = -inf
    _lock: ForkSafeLock = field(default_factory=ForkSafeLock)
    _running: tuple[Thread, Future[_Outcome]] | None = None
    _flight: Future[FlextHealthCheck | None] | None = None

    async def look(self, clock: Clock, *, apart: bool, again: bool = False) -> tuple[FlextHealthCheck, bool]:
        """Return what is known while it is fresh, or else the outcome of a run, and whether this call made that run.

        Args:
            clock: Source of time.
            apart: Whether an async check runs on a thread with a loop of its own, instead of in the caller's loop.
            again: Whether to run it however fresh the last outcome is. A run that is under way counts.
        """
        while True:
            with self._lock:
                if not again and self.latest is not None and clock.monotonic() - self._found_at < self._ttl():
                    return self.latest, False
                flight, leads = self._flight, self._flight is None
                if flight is None:
                    flight = self._flight = Future["FlextHealthCheck | None"]()
                    flight.set_running_or_notify_cancel()  # those who wait cannot cancel it
            if leads:
                return await self._lead(flight, clock, apart=apart), True
            found = await self._follow(flight)
            if found is not None:
                return found, False

    async def run(self, clock: Clock, *, apart: bool = False) -> FlextHealthCheck:
        """Run the check once and tell what it found; never raises an ``Exception``.

        A sync check runs in a thread of its own. One that does not end in time is ``unknown``, keeps its one thread, and is not
        started again before it ends.
        """
        from asyncio import CancelledError

        began = clock.monotonic()
        try:
            found = self._interpret(await self._within(self._await_call(apart=apart)))
        except _CheckAborted as finding:
            found = self.found(*finding.args)
        except CancelledError as error:
            if _is_cancelled():
                raise
            found = self.found("unhealthy", describe_error(error))
        except SystemExit as error:
            found = self.found("unhealthy", describe_error(error))
        except Exception as error:  # noqa: BLE001 - a check that raises says that something is wrong
            found = self.found("unhealthy", describe_error(error))
        return found.model_copy(update={"duration_seconds": max(clock.monotonic() - began, 0.0)})

    def skip(self, reason: str) -> FlextHealthCheck:
        """Keep and return that it was not run, and why; who asks next is not answered from memory."""
        found = self.found("unknown", f"not run: {reason}")
        with self._lock:
            self.latest, self._found_at = found, -inf
        return found

    def found(self, status: str, message: str = "") -> FlextHealthCheck:
        """Return a finding."""
        from flext_observability.domain.health_check import FlextHealthCheck

        text = encode_tag(message, max_bytes=_MAX_MESSAGE_BYTES)
        return FlextHealthCheck(name=self.name, status=status, message=text, **self.identity())

    def runs(self) -> bool:
        """Whether a run is under way."""
        return self._flight is not None

    def reinit_after_fork(self) -> None:
        """Forget in a forked child what runs in the parent."""
        self._flight = self._running = None

    def _ttl(self) -> float:
        """With an interval what was found is good until the next background run must have ended."""
        background = 0.0 if self.interval_seconds is None else self.interval_seconds + self.timeout_seconds
        return max(self.cache_seconds, background)

    async def _lead(self, flight: Future[FlextHealthCheck | None], clock: Clock, *, apart: bool) -> FlextHealthCheck:
        found = None
        mark = _inside.set(True)
        try:
            found = await self.run(clock, apart=apart)
            return found
        finally:
            _inside.reset(mark)
            with self._lock:
                if found is not None:
                    self.latest, self._found_at = found, clock.monotonic()
                self._flight = None
            flight.set_result(found)

    async def _follow(self, flight: Future[FlextHealthCheck | None]) -> FlextHealthCheck | None:
        """Return what the run under way finds; None when it was cancelled."""
        from asyncio import timeout, wrap_future

        if _inside.get():  # it may be this very check that asks, and would wait for itself
            return self.latest or self.found("unknown", "it runs; a check does not wait for another run")
        try:
            async with timeout(self.timeout_seconds + _GRACE_SECONDS):
                return await wrap_future(flight)
        except TimeoutError:
            return self.found("unknown", "the run before has not ended")

    async def _within(self, work: Awaitable[object]) -> object:
        from asyncio import timeout

        limit = timeout(self.timeout_seconds)
        try:
            async with limit:
                return await work
        except TimeoutError:
            if limit.expired():
                raise _CheckAborted("unknown", f"no answer within {self.timeout_seconds:g} s") from None
            raise

    async def _await_call(self, *, apart: bool) -> object:
        from asyncio import wrap_future

        if not apart and inspect.iscoroutinefunction(self.call):
            return await self.call()
        started = self._start_thread(apart=apart)
        try:
            outcome = await wrap_future(started)
        except BaseException:
            started.add_done_callback(_close_unawaited)
            raise
        if isinstance(outcome.error, Exception):
            raise outcome.error
        if (
            outcome.error is not None
        ):  # such as KeyboardInterrupt: not to be mistaken for one that is meant for the program
            raise _CheckAborted("unhealthy", describe_error(outcome.error))
        return await cast("Awaitable[object]", outcome.value) if inspect.isawaitable(outcome.value) else outcome.value

    def _start_thread(self, *, apart: bool) -> Future[_Outcome]:
        with self._lock:
            # A thread that is not alive leaves no outcome: it could not start, or the process was forked meanwhile.
            if self._running is not None and self._running[0].is_alive() and not self._running[1].done():
                raise _CheckAborted("unknown", "the run before has not ended")
            future = Future[_Outcome]()
            future.set_running_or_notify_cancel()
            work = self._call_apart if apart else self.call
            arguments = (_settle, future, work)
            thread = Thread(
                target=copy_context().run, args=arguments, name=f"flext-check-{self.name}"[:60], daemon=True
            )
            thread.start()
            self._running = (thread, future)
        return future

    def _interpret(self, outcome: object) -> FlextHealthCheck:
        from flext_observability.domain.health_check import HEALTH_STATUSES, FlextHealthCheck

        if isinstance(outcome, FlextResult):
            result = cast("FlextResult[object]", outcome)
            return self._interpret(result.data) if result.success else self.found("unhealthy", result.error or "")
        if isinstance(outcome, FlextHealthCheck):
            named = outcome.model_copy(update={"name": self.name})
            return named.validate_business_rules().map(lambda _: named).unwrap()
        if outcome is None or isinstance(outcome, bool):
            return self.found("unhealthy" if outcome is False else "healthy")
        if isinstance(outcome, str) and outcome in HEALTH_STATUSES:
            return self.found(outcome)
        kinds = f"None, a bool, a FlextHealthCheck, a FlextResult, or one of {', '.join(HEALTH_STATUSES)}"
        return self.found("unknown", f"the check returned {encode_tag(outcome, max_bytes=100)}; use {kinds}")

    def _call_apart(self) -> object:
        value = self.call()
        if not inspect.isawaitable(value):
            return value
        from asyncio import run

        return run(self._within(cast("Awaitable[object]", value)))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a sync check returned or raised."""

    value: object = None
    error: BaseException | None = None


def _is_cancelled() -> bool:
    """Whether somebody cancelled the running task, rather than the check having raised ``CancelledError`` by itself."""
    from asyncio import current_task

    task = current_task()
    return task is not None and task.cancelling() > 0


def _settle(future: Future[_Outcome], call: Callable[[], object]) -> None:
    try:
        outcome = _Outcome(call())
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits, SystemExit too
        outcome = _Outcome(error=error)
    future.set_result(outcome)


def _close_unawaited(future: Future[_Outcome]) -> None:
    """Close the coroutine that a check made after its time was up: Python would complain of it."""
    value = future.result().value
    if inspect.iscoroutine(value):
        value.close()
