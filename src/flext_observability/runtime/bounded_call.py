"""Call of foreign code on a thread of its own → its outcome, awaited up to a deadline (standard library only)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from logging import currentframe  # that of inspect is slow to import
from threading import TIMEOUT_MAX, Condition
from types import FrameType
from typing import Generic, TypeVar, final

from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")
_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"


@final
class BoundedCall(Generic[T]):
    """One call, which begins at once. Any number of threads may wait for it, each up to its own deadline.

    The call runs on a daemon thread with the context of the caller. When no thread can be started (an interpreter that
    ends), it runs in the calling thread, without a limit.

    Attributes:
        what: The call, for log lines.
        value: What the call returned; None until then.
        error: What the call raised; None for nothing.
        done: Whether the call has ended.
    """

    def __init__(self, what: str, work: Callable[[], T], *, in_this_thread: bool = False) -> None:
        """Begin the call.

        Args:
            what: The call in the name of the thread and in log lines: "the factory of the exporter x".
            work: The foreign code.
            in_this_thread: Whether to run it here, without a limit.
        """
        self.value: T | None = None
        self.error: BaseException | None = None
        self.done = False
        self.what = what
        self._work = work
        self._late: Callable[[T], object] | None = None
        self._changed = Condition()
        context = copy_context()
        if in_this_thread or start_daemon(f"flext {what}", lambda: context.run(self._run), what=what) is None:
            self._run()

    def wait(self, deadline: float) -> bool:
        """Wait for the end; return whether it came before ``deadline`` (monotonic seconds)."""
        with self._changed:
            left = min(max(deadline - time.monotonic(), 0.0), TIMEOUT_MAX)
            return self._changed.wait_for(lambda: self.done, left)

    def abandon(self, late: Callable[[T], object]) -> None:
        """Pass the value to ``late`` when the call returns after all."""
        with self._changed:
            if not self.done:
                self._late = late
                return
        self._discard(late)

    def _run(self) -> None:
        value, error = None, None
        try:
            value = self._work()
        except BaseException as raised:  # noqa: BLE001 - foreign code
            reraise_interrupt(raised)
            error = raised
        with self._changed:
            self.value, self.error, self.done = value, error, True
            late, self._late = self._late, None
            self._changed.notify_all()
        if late is not None:
            self._discard(late)

    def _discard(self, late: Callable[[T], object]) -> None:
        if self.value is None:
            return
        try:
            late(self.value)
        except BaseException as error:  # noqa: BLE001 - foreign code
            reraise_interrupt(error)
            report_once(f"Discarding the late result of {self.what}", error)


def call_at_start(what: str, work: Callable[[], T], seconds: float, *, in_this_thread: bool = False) -> BoundedCall[T]:
    """Call foreign code while telemetry starts, and wait for it up to ``seconds``.

    Inside an import the call runs in the calling thread, without a limit: another thread that imports a module of the
    same package would wait for this one.
    """
    call = BoundedCall(what, work, in_this_thread=in_this_thread or _is_importing())
    call.wait(time.monotonic() + seconds)
    return call


def _is_importing() -> bool:
    caller: FrameType | None = currentframe()
    while caller is not None:
        if caller.f_code.co_filename == _IMPORT_SYSTEM:
            return True
        caller = caller.f_back
    return False
