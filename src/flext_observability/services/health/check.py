"""One health check: run its callable within a time limit, cache the result, and share a run among callers."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from math import inf
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, cast

from flext_observability.domain.result import FlextResult
from flext_observability.extensions.ports import Clock
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.encoding import encode_tag
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck

_GRACE_SECONDS: Final = 1.0
"""Time after its limit in which a shared run reports its own timeout to the other callers."""
_MAX_MESSAGE_BYTES: Final = 1024
_Outcome = tuple[object, BaseException | None]  # return value or exception of a sync call
_inside: ContextVar[bool] = ContextVar("flext_inside_health_check", default=False)


class _CheckAborted(Exception):
    """Raised when a run ends without an outcome. The arguments are status and message."""


@dataclass(slots=True)
class RegisteredCheck:
    """A registered check: how to run it, and its latest result.

    Attributes:
        name: Name of the check.
        call: Function without arguments. It returns a bool, a status, a ``FlextHealthCheck``, a ``FlextResult``, None
            for healthy, or an awaitable of one of these. It raises for unhealthy.
        critical: See ``CheckOptions``, also for the fields up to ``probes``.
        clock: Source of time.
        identity: Function that returns id and time of a result. Default: a random id and the current time.
        latest: Latest result.
    """

    name: str
    call: Callable[[], object]
    critical: bool = True
    timeout_seconds: float = 5.0
    interval_seconds: float | None = None
    cache_seconds: float = 1.0
    depends_on: tuple[str, ...] = ()
    probes: tuple[str, ...] = ("ready",)
    clock: Clock = time
    identity: Callable[[], dict[str, Any]] = dict
    latest: FlextHealthCheck | None = None
    _checked_at: float = -inf
    _started_at: float = -inf
    _lock: ForkSafeLock = field(default_factory=ForkSafeLock)
    _started_call: Future[_Outcome] | None = None
    _inflight: Future[FlextHealthCheck | None] | None = None

    async def evaluate(self, *, own_loop: bool, force: bool = False) -> tuple[FlextHealthCheck, bool]:
        """Return the cached result or the result of a run, and whether this call made the run.

        Args:
            own_loop: Whether an async check runs on a thread with its own event loop instead of the caller's loop.
            force: Whether to ignore the cache. A run in progress is still shared.
        """
        while True:
            now = self.clock.monotonic()  # not under the lock: it may be the program's clock
            with self._lock:
                if not force and self.latest is not None and now - self._checked_at < self._ttl():
                    return self.latest, False
                inflight, first = self._inflight, self._inflight is None
                if inflight is None:
                    inflight = self._inflight = Future["FlextHealthCheck | None"]()
                    inflight.set_running_or_notify_cancel()  # waiting callers cannot cancel it
                    self._started_at = time.monotonic()
            if first:
                return await self._run_shared(inflight, own_loop=own_loop), True
            result = await self._join(inflight)
            if result is not None:
                return result, False

    async def run(self, *, own_loop: bool = False) -> FlextHealthCheck:
        """Run the check once and return its result. Never raises an ``Exception``.

        A sync check runs on its own thread. After the time limit the result is ``unknown``. The thread continues, and
        the check is not started again before it ends.
        """
        started_at = self.clock.monotonic()
        try:
            result = self._interpret(await self._with_timeout(self._await_call(own_loop=own_loop)))
        except _CheckAborted as aborted:
            result = self.make_result(*aborted.args)
        except BaseException as error:  # noqa: BLE001 - the check may raise anything
            reraise_interrupt(error)  # the caller was cancelled, for instance, not the check
            result = self.make_result("unhealthy", describe_error(error))
        return result.model_copy(update={"duration_seconds": max(self.clock.monotonic() - started_at, 0.0)})

    def skip(self, reason: str) -> FlextHealthCheck:
        """Record and return that the check was not run. The result is not cached."""
        result = self.make_result("unknown", f"not run: {reason}")
        with self._lock:
            self.latest, self._checked_at = result, -inf
        return result

    def make_result(self, status: str, message: str = "") -> FlextHealthCheck:
        """Return a result of this check."""
        from flext_observability.domain.health_check import FlextHealthCheck

        text = encode_tag(message, max_bytes=_MAX_MESSAGE_BYTES)
        return FlextHealthCheck(name=self.name, status=status, message=text, **self.identity())

    def known(self) -> FlextHealthCheck:
        """Return the latest result without details. ``unknown`` before the first one, and while a run is late.

        Never waits, and runs no foreign code.
        """
        from flext_observability.domain.health_check import FlextHealthCheck

        latest, running, seconds = self.latest, self.is_running(), time.monotonic() - self._started_at
        if latest is not None and not (running and seconds > self.timeout_seconds):
            return latest.model_copy(update={"details": {}})
        message = f"no result after {seconds:.1f} s" if running else "not run yet"
        return FlextHealthCheck(name=self.name, status="unknown", message=message)

    def is_running(self) -> bool:
        """Return whether a run is in progress."""
        return self._inflight is not None

    def reinit_after_fork(self) -> None:
        """Drop the runs of the parent in a forked child."""
        self._inflight = self._started_call = None

    def _ttl(self) -> float:
        """Return how long a result is valid: with an interval, until the next background run must have ended."""
        background = 0.0 if self.interval_seconds is None else self.interval_seconds + self.timeout_seconds
        return max(self.cache_seconds, background)

    async def _run_shared(self, inflight: Future[FlextHealthCheck | None], *, own_loop: bool) -> FlextHealthCheck:
        result, checked_at = None, -inf
        token = _inside.set(True)
        try:
            result = await self.run(own_loop=own_loop)
            checked_at = self.clock.monotonic()
            return result
        finally:
            _inside.reset(token)
            with self._lock:
                if result is not None:
                    self.latest, self._checked_at = result, checked_at
                self._inflight = None
            inflight.set_result(result)

    async def _join(self, inflight: Future[FlextHealthCheck | None]) -> FlextHealthCheck | None:
        """Return the result of a run in progress, None when that run was cancelled."""
        from asyncio import timeout, wrap_future

        if _inside.get():  # the caller may be this check, which would wait for itself
            return self.latest or self.make_result("unknown", "already running; a check does not wait for another run")
        try:
            async with timeout(self.timeout_seconds + _GRACE_SECONDS):
                return await wrap_future(inflight)
        except TimeoutError:
            return self.make_result("unknown", "the previous run has not ended")

    async def _with_timeout(self, work: Awaitable[object]) -> object:
        from asyncio import timeout

        limit = timeout(self.timeout_seconds)
        try:
            async with limit:
                return await work
        except TimeoutError:
            if limit.expired():
                raise _CheckAborted("unknown", f"no result within {self.timeout_seconds:g} s") from None
            raise

    async def _await_call(self, *, own_loop: bool) -> object:
        from asyncio import wrap_future

        if not own_loop and inspect.iscoroutinefunction(self.call):
            return await self.call()
        future = self._start_thread(own_loop=own_loop)
        try:
            value, error = await wrap_future(future)
        except BaseException:
            future.add_done_callback(_close_unawaited)
            raise
        if isinstance(error, Exception):
            raise error
        if error is not None:  # KeyboardInterrupt, for instance, must not reach the program
            raise _CheckAborted("unhealthy", describe_error(error))
        return await cast("Awaitable[object]", value) if inspect.isawaitable(value) else value

    def _start_thread(self, *, own_loop: bool) -> Future[_Outcome]:
        with self._lock:
            if self._started_call is not None and not self._started_call.done():
                raise _CheckAborted("unknown", "the previous run has not ended")
            future = Future[_Outcome]()
            future.set_running_or_notify_cancel()
            arguments = (_call_into, future, self._call_in_own_loop if own_loop else self.call)
            name = f"flext-check-{self.name}"[:60]
            Thread(target=copy_context().run, args=arguments, name=name, daemon=True).start()
            self._started_call = future
        return future

    def _interpret(self, outcome: object) -> FlextHealthCheck:
        from flext_observability.domain.health_check import HEALTH_STATUSES, FlextHealthCheck

        if isinstance(outcome, FlextResult):
            result = cast("FlextResult[object]", outcome)
            return self._interpret(result.data) if result.success else self.make_result("unhealthy", result.error or "")
        if isinstance(outcome, FlextHealthCheck):
            renamed = outcome.model_copy(update={"name": self.name})
            return renamed.validate_business_rules().map(lambda _: renamed).unwrap()
        if outcome is None or isinstance(outcome, bool):
            return self.make_result("unhealthy" if outcome is False else "healthy")
        if isinstance(outcome, str) and outcome in HEALTH_STATUSES:
            return self.make_result(outcome)
        allowed = f"None, a bool, a FlextHealthCheck, a FlextResult, or one of {', '.join(HEALTH_STATUSES)}"
        message = f"invalid return value: {encode_tag(outcome, max_bytes=100)}. Return {allowed}"
        return self.make_result("unknown", message)

    def _call_in_own_loop(self) -> object:
        value = self.call()
        if not inspect.isawaitable(value):
            return value
        from asyncio import run

        return run(self._with_timeout(cast("Awaitable[object]", value)))


def _call_into(future: Future[_Outcome], call: Callable[[], object]) -> None:
    outcome: _Outcome
    try:
        outcome = call(), None
    except BaseException as error:  # noqa: BLE001 - passed to the waiting caller, SystemExit included
        reraise_interrupt(error)
        outcome = None, error
    future.set_result(outcome)


def _close_unawaited(future: Future[_Outcome]) -> None:
    """Close a coroutine that was created after the time limit. Python would warn that it was never awaited."""
    value, _ = future.result()
    if inspect.iscoroutine(value):
        value.close()
