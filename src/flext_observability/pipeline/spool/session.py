"""The spool of one configuration: its store, the thread that writes during long attempts, and the workers to wake."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Final, final

from flext_observability.runtime.work_queue import WorkQueue

if TYPE_CHECKING:
    from flext_observability.pipeline.spool.store import Spool

ADOPT_INTERVAL_SECONDS: Final = 60.0
"""Time between two looks for what ended processes left; a worker of a server may end at any time."""


@final
class SpoolSession:
    """What the workers of one configuration share. Thread-safe.

    Args:
        store: The store on disk.

    Attributes:
        store: The store on disk.
    """

    def __init__(self, store: Spool) -> None:
        self.store = store
        self._queue: WorkQueue[Callable[[], object]] = WorkQueue("spool", _call)
        self._kicks: list[Callable[[], object]] = []
        self._lock = Lock()
        self._adopt_at = 0.0

    def add(self, kick: Callable[[], object]) -> None:
        """Add a function that starts a worker if there are stored requests for it."""
        self._kicks.append(kick)

    def submit(self, call: Callable[[], object]) -> bool:
        """Call a function on the thread of the spool; return whether there is a thread."""
        return self._queue.put(call)

    def check(self) -> None:
        """Look for what ended processes left, on the thread of the spool, once in a while."""
        now = time.monotonic()
        with self._lock:
            if now < self._adopt_at:
                return
            self._adopt_at = now + ADOPT_INTERVAL_SECONDS
        self._queue.put(self._adopt)

    def adopt_now(self) -> None:
        """Look for what ended processes left, in the calling thread."""
        self.store.adopt()

    def close(self) -> None:
        """Let other processes take what is left."""
        self.store.close()

    def _adopt(self) -> None:
        if self.store.adopt():
            for kick in self._kicks:
                kick()


def _call(call: Callable[[], object]) -> None:
    call()
