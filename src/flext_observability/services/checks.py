"""A check's callable, sync or async → one FlextHealthCheck, within its time limit."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, cast

from flext_observability.domain.encoding import encode_tag
from flext_observability.domain.exceptions import describe_error
from flext_observability.domain.locks import ForkSafeLock
from flext_observability.domain.result import FlextResult

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.ports import Clock

TIMEOUT_SECONDS = 5.0
_MAX_MESSAGE_BYTES = 1024


class _Late(Exception):
    """There is no outcome yet."""


@dataclass(slots=True)
class RegisteredCheck:
    """A check and how to run it.

    Attributes:
        name: What is checked.
        call: Takes nothing; returns, or gives on awaiting: a bool, a status, a ``FlextHealthCheck``, a ``FlextResult``, or None for
            healthy; raises for unhealthy.
        critical: Whether its failure makes the whole unhealthy, not only degraded.
        timeout_seconds: Time limit of one run.
        interval_seconds: How long what was found stays fresh, for those who run checks on a schedule; None: they do not.
    """

    name: str
    call: Callable[[], object]
    critical: bool = True
    timeout_seconds: float = TIMEOUT_SECONDS
    interval_seconds: float | None = None
    _lock: ForkSafeLock = field(default_factory=ForkSafeLock)
    _running: tuple[Thread, Future[_Outcome]] | None = None

    async def run(self, clock: Clock) -> FlextHealthCheck:
        """Run the check once and tell what it found; never raises an ``Exception``.

        A sync check runs in a thread of its own. One that does not end in time is ``unknown``, keeps its one thread, and is not
        started again before it ends.
        """
        began = clock.monotonic()
        try:
            found = _interpret(self.name, await self._answer())
        except _Late as late:
            found = _check(self.name, "unknown", str(late))
        except Exception as error:  # noqa: BLE001 - a check that raises says that something is wrong
            found = _check(self.name, "unhealthy", describe_error(error))
        return found.model_copy(update={"duration_seconds": max(clock.monotonic() - began, 0.0)})

    async def _answer(self) -> object:
        import asyncio

        limit = asyncio.timeout(self.timeout_seconds)
        try:
            async with limit:
                return await self._await_call()
        except TimeoutError:
            if limit.expired():
                raise _Late(f"no answer within {self.timeout_seconds:g} s") from None
            raise
        except SystemExit as error:
            raise RuntimeError("the check tried to end the program") from error

    async def _await_call(self) -> object:
        from asyncio import wrap_future

        if inspect.iscoroutinefunction(self.call):
            return await self.call()
        started = self._start_thread()
        try:
            outcome = await wrap_future(started)
        except BaseException:
            started.add_done_callback(_close_unawaited)
            raise
        if outcome.error is not None:
            raise outcome.error
        return await cast("Awaitable[object]", outcome.value) if inspect.isawaitable(outcome.value) else outcome.value

    def _start_thread(self) -> Future[_Outcome]:
        with self._lock:
            # A thread that is not alive leaves no outcome: it could not start, or the process was forked meanwhile.
            if self._running is not None and self._running[0].is_alive() and not self._running[1].done():
                raise _Late("the run before has not ended")
            future = Future[_Outcome]()
            future.set_running_or_notify_cancel()
            arguments = (_settle, future, self.call)
            thread = Thread(target=copy_context().run, args=arguments, name=f"flext-check-{self.name}", daemon=True)
            thread.start()
            self._running = (thread, future)
        return future


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a sync check returned or raised."""

    value: object = None
    error: BaseException | None = None


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


def _interpret(name: str, outcome: object) -> FlextHealthCheck:
    from flext_observability.domain.health_check import HEALTH_STATUSES, FlextHealthCheck

    if isinstance(outcome, FlextResult):
        result = cast("FlextResult[object]", outcome)
        return _interpret(name, result.data) if result.success else _check(name, "unhealthy", result.error or "")
    if isinstance(outcome, FlextHealthCheck):
        named = outcome.model_copy(update={"name": name})
        return named.validate_business_rules().map(lambda _: named).unwrap()
    if outcome is None or isinstance(outcome, bool):
        return _check(name, "unhealthy" if outcome is False else "healthy")
    if isinstance(outcome, str) and outcome in HEALTH_STATUSES:
        return _check(name, outcome)
    kinds = f"None, a bool, a FlextHealthCheck, a FlextResult, or one of {', '.join(HEALTH_STATUSES)}"
    return _check(name, "unknown", f"the check returned {encode_tag(outcome, max_bytes=100)}; use {kinds}")


def _check(name: str, status: str, message: str = "") -> FlextHealthCheck:
    from flext_observability.domain.health_check import FlextHealthCheck

    return FlextHealthCheck(name=name, status=status, message=encode_tag(message, max_bytes=_MAX_MESSAGE_BYTES))
