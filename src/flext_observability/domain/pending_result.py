"""PendingResult: a result whose work starts on the first await, and the choice between it and work done at once."""

from __future__ import annotations

import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flext_observability.domain.result import FlextResult, compose_message
from flext_observability.values.foreign import plain_text
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Coroutine, Generator
    from concurrent.futures import Future

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)

_PENDING: Final = "This result is pending"
_PENDING_FIX: Final = "await it: the work starts then"
_ELSE_BLOCK: Final = ", or pass blocking=True where nothing can be awaited"


class PendingResult(FlextResult[T_co]):
    """Result of work that starts on the first ``await``. Operations return it inside a running event loop.

    Before the ``await`` it reads as a failure with the code ``not_awaited``, afterwards as the outcome. The work runs
    once, also with several awaits. ``map``, ``flat_map`` and the other composing methods return pending results, which
    must be awaited instead. Python warns (``RuntimeWarning``) when one is dropped without an await.
    """

    __slots__ = ("_operation", "_outcome", "_task", "_used", "_work")

    def __init__(self, work: Callable[[], Coroutine[Any, Any, FlextResult[T_co]]], operation: str = "") -> None:
        """Store ``work``, which runs on the first await.

        Args:
            work: Coroutine function without arguments.
            operation: Call in the messages, such as ``flush()``, which must have a parameter ``blocking``.
        """
        self._used = False
        self._operation = plain_text(operation) or ""
        super().__init__(
            error=_PENDING, code="not_awaited", fix=_PENDING_FIX + (_ELSE_BLOCK if self._operation else "")
        )
        self._work = work
        self._task: Task[FlextResult[T_co]] | None = None
        self._outcome: FlextResult[T_co] | None = None

    def __await__(self) -> Generator[Any, None, FlextResult[T_co]]:
        """Do the work, on the first await, and return its outcome."""
        self._used = True
        return self._settle().__await__()

    def __del__(self) -> None:
        """Warn if the work never started: an operation in an event loop was called like a blocking one."""
        if getattr(self, "_used", True) or sys.is_finalizing():  # without it: created with invalid arguments
            return
        what, fix = "The work of a PendingResult was not done", "Await it"
        if self._operation:
            what, fix = f"{self._operation} did nothing", f"Await it{_ELSE_BLOCK}"
        message = compose_message(f"{what}: inside an event loop, its result must be awaited", fix)
        warnings.warn(message, RuntimeWarning, stacklevel=2, source=self)

    async def _settle(self) -> FlextResult[T_co]:
        if self._outcome is None:
            from asyncio import ensure_future, shield

            # Shielded: cancelling one waiter must not cancel the work for the others.
            self._task = self._task or ensure_future(self._run())
            return await shield(self._task)
        return self._outcome

    async def _run(self) -> FlextResult[T_co]:
        try:
            outcome = await self._work()
            fields = outcome._fields()
        except BaseException as error:  # noqa: BLE001 - foreign errors become failures here
            reraise_interrupt(error)
            from flext_observability.values.exceptions import describe_error

            outcome = FlextResult[T_co](error=describe_error(error), code="internal")
            fields = outcome._fields()
        self._data, self._message, self._code, self._fix = fields
        self._outcome = outcome
        return outcome

    def _then(self, step: Callable[[FlextResult[T_co]], FlextResult[U]]) -> FlextResult[U]:
        if self._outcome is not None:
            return step(self._outcome)

        async def work() -> FlextResult[U]:
            return step(await self._settle())

        self._used = True  # the composed result starts the work
        return PendingResult(work, self._operation)

    def map(self, fn: Callable[[T_co], U]) -> FlextResult[U]:
        """Return a pending result that maps the outcome."""
        return self._then(lambda outcome: outcome.map(fn))

    def flat_map(self, fn: Callable[[T_co], FlextResult[U]]) -> FlextResult[U]:
        """Return a pending result that continues from the outcome."""
        return self._then(lambda outcome: outcome.flat_map(fn))

    def map_error(self, fn: Callable[[str], str]) -> FlextResult[T_co]:
        """Return a pending result that rewrites the outcome's message."""
        return self._then(lambda outcome: outcome.map_error(fn))

    def or_else(self, fn: Callable[[str], FlextResult[U]]) -> FlextResult[T_co | U]:
        """Return a pending result that recovers from a failed outcome."""
        return self._then(lambda outcome: outcome.or_else(fn))

    def tap(self, fn: Callable[[T_co], object]) -> FlextResult[T_co]:
        """Return a pending result that passes the value to ``fn``."""
        return self._then(lambda outcome: outcome.tap(fn))


def settle(
    work: Callable[[], Coroutine[Any, Any, FlextResult[T]]], operation: str, *, blocking: bool = False
) -> FlextResult[T]:
    """Run the work when no event loop runs in this thread, otherwise return a ``PendingResult``.

    Args:
        work: Coroutine function without arguments that returns a result.
        operation: See ``PendingResult``.
        blocking: Whether to run the work inside a running loop too, on another thread, while this one waits.
    """
    if not inside_event_loop():
        return _run(work)
    return _run_on_thread(work) if blocking is True else PendingResult(work, operation)


def settle_blocking(work: Callable[[], T], operation: str, *, blocking: bool = False) -> FlextResult[T]:
    """Run blocking work when no event loop runs in this thread, otherwise return a ``PendingResult``.

    The pending work runs in a thread.

    Args:
        work: Function without arguments that does not raise.
        operation: See ``PendingResult``.
        blocking: Whether to run the work here also inside a running loop, which is blocked meanwhile.
    """
    if blocking is True or not inside_event_loop():
        return FlextResult.ok(work())

    async def in_thread() -> FlextResult[T]:
        from asyncio import wrap_future
        from concurrent.futures import Future
        from contextvars import copy_context
        from threading import Thread

        outcome: Future[T] = Future()
        context = copy_context()
        try:  # not the executor of the loop, which needs one more thread to end
            Thread(
                target=_run_into, args=(outcome, partial(context.run, work)), name="flext-pending", daemon=True
            ).start()
        except (RuntimeError, MemoryError):  # no thread can be started: the loop waits
            return FlextResult.ok(work())
        return FlextResult.ok(await wrap_future(outcome))

    return PendingResult(in_thread, operation)


def _run_into(outcome: Future[T], work: Callable[[], T]) -> None:
    outcome.set_running_or_notify_cancel()  # cancelling the caller does not end the work
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - passed to the caller
        reraise_interrupt(error)
        outcome.set_exception(error)


def inside_event_loop() -> bool:
    """Return whether an event loop runs in this thread."""
    if "asyncio" not in sys.modules:
        return False  # no loop can run, and asyncio is slow to import
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


def _run(work: Callable[[], Coroutine[Any, Any, FlextResult[T]]]) -> FlextResult[T]:
    import asyncio

    async def wait() -> FlextResult[T]:
        return await PendingResult(work)

    # Not asyncio.run: it would unset the loop that the program has set for this thread.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(wait())


def _run_on_thread(work: Callable[[], Coroutine[Any, Any, FlextResult[T]]]) -> FlextResult[T]:
    from contextvars import copy_context
    from threading import Thread

    outcomes: list[FlextResult[T]] = []
    context = copy_context()
    thread = Thread(target=lambda: outcomes.append(context.run(_run, work)), name="flext-blocking", daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        from flext_observability.runtime.daemon import THREAD_FIX

        return FlextResult[T].fail(f"Blocking inside an event loop failed: {error}", code="shortage", fix=THREAD_FIX)
    thread.join()
    return outcomes[0]
