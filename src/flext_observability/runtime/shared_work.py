"""Work that is done once, by one of the threads that need its result (standard library only)."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import TIMEOUT_MAX, Condition, get_ident
from typing import Generic, TypeVar, final

from flext_observability.runtime.fork import register_fork_aware

T = TypeVar("T")


@final
class SharedWork(Generic[T]):
    """Work of one thread at a time. The others wait for it, each until its own deadline.

    A thread that is interrupted (Ctrl-C) leaves the work to the next one. A nested call of the same thread (in a signal
    handler) does the work itself, as it cannot wait for the outer one. So the work must be repeatable.

    Attributes:
        result: Result of the work; None until then.
    """

    def __init__(self) -> None:
        self.result: T | None = None
        self._changed = Condition()
        self._worker = 0  # identifier of the thread that works
        register_fork_aware(self)

    def do(self, work: Callable[[], T], deadline: float) -> T | None:
        """Do the work, or wait for the thread that does it, at most until ``deadline`` (monotonic seconds).

        Returns:
            The result; None when the deadline came first.
        """
        while self._begin(deadline):
            try:
                self.settle(work())
            finally:
                with self._changed:
                    self._worker = 0
                    self._changed.notify_all()
        return self.result

    def settle(self, result: T) -> bool:
        """Set the result, unless there is one; return whether it was set."""
        with self._changed:
            if self.result is not None:
                return False
            self.result = result
            self._changed.notify_all()
            return True

    def wait(self, deadline: float) -> None:
        """Wait until no thread works, at most until ``deadline`` (monotonic seconds)."""
        with self._changed:
            self._changed.wait_for(lambda: self._worker == 0, _seconds_until(deadline))

    def reinit_after_fork(self) -> None:
        """Drop the thread of the parent."""
        self._changed = Condition()
        self._worker = 0

    def _begin(self, deadline: float) -> bool:
        """Wait for the result or for the turn of this thread; return whether this thread is to work."""
        me = get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self.result is not None or self._worker in {0, me}, _seconds_until(deadline))
            if self.result is not None or self._worker not in {0, me}:
                return False
            self._worker = me
            return True


def _seconds_until(deadline: float) -> float:
    return min(max(deadline - time.monotonic(), 0.0), TIMEOUT_MAX)
