"""First exports under way → a fork that waits for them, so that no child inherits a module that is imported by half.

A worker imports what its exporter needs during its first export. A child forked meanwhile has the half-made modules and not the
thread that would finish them: nothing could be exported there, ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

LONGEST_SECONDS = 0.5


@final
class ForkBarrier:
    """What workers do once; at most ``LONGEST_SECONDS`` of it is waited for, as it may hang on the network."""

    __slots__ = ("_changed", "_ends")

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._ends: set[float] = set()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Run the body as part of it; a fork that is being made is waited for first."""
        end = time.monotonic() + LONGEST_SECONDS
        with self._changed:
            self._ends.add(end)
        try:
            yield
        finally:
            with self._changed:
                self._ends.discard(end)
                self._changed.notify_all()

    def hold(self) -> None:
        """Wait for what is under way, and let nothing begin until ``let_go`` (called before a fork)."""
        self._changed.acquire()
        while self._ends and (left := max(self._ends) - time.monotonic()) > 0:
            self._changed.wait(left)

    def let_go(self) -> None:
        """Let others begin again (called in the parent after a fork)."""
        self._changed.release()

    def reinit_after_fork(self) -> None:
        """Forget what was under way in the parent (called in a forked child)."""
        self._changed = threading.Condition(threading.RLock())
        self._ends = set()


FORK_BARRIER: Final = ForkBarrier()
