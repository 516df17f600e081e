"""Items put by any thread → one call each on a thread of the mailbox's own, in order, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread, current_thread
from time import monotonic
from typing import Generic, TypeVar, final

from flext_observability.background.fork_watch import in_children
from flext_observability.domain.mishap import report_once

T = TypeVar("T")

CAPACITY = 1000
IDLE_SECONDS = 5.0


@final
class Mailbox(Generic[T]):
    """A bounded queue with one worker thread, which starts with the first item and ends after some idle seconds.

    Safe from threads; a forked child begins with an empty one.

    Attributes:
        name: Of the thread, and in log lines.
        handled: Items whose call has returned or raised.
        failed: Items whose call raised; the first of each type of error is logged.
        dropped: Items that were not taken because the mailbox was full or closed, or given up by ``replace_worker``.
    """

    def __init__(self, name: str, handle: Callable[[T], object], *, capacity: int = CAPACITY) -> None:
        """Make a mailbox; no thread yet.

        Args:
            name: Of the thread, and in log lines: "Notifier pager".
            handle: Called with each item, by one thread at a time.
            capacity: Items that wait at most.
        """
        self.name = name
        self.handled = self.failed = self.dropped = 0
        self._handle = handle
        self._capacity = capacity
        self._changed = Condition()
        self._waiting: deque[T] = deque()
        self._worker: Thread | None = None
        self._since: float | None = None
        self._closed = False
        self._put = self._done = 0
        in_children(self)

    def put(self, item: T) -> bool:
        """Hand an item over without waiting; False when the mailbox is full or closed, or no thread can be started."""
        with self._changed:
            if self._closed or len(self._waiting) >= self._capacity or not self._has_worker():
                self.dropped += 1
                return False
            self._waiting.append(item)
            self._put += 1
            self._changed.notify_all()
        return True

    def flush(self, deadline: float) -> bool:
        """Wait until all that was put before has been handled; whether that was so before ``deadline`` (monotonic seconds)."""
        with self._changed:
            goal = self._put
            return self._changed.wait_for(lambda: self._done >= goal, max(deadline - monotonic(), 0.0))

    def close(self, deadline: float) -> bool:
        """Take nothing more, and flush; what is left at the deadline is dropped and counted."""
        with self._changed:
            self._closed = True
        flushed = self.flush(deadline)
        with self._changed:
            self.dropped += len(self._waiting)
            self._done += len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        return flushed

    def stuck_seconds(self) -> float:
        """Return how long the item of this moment has been in hand; 0 when there is none."""
        with self._changed:
            return 0.0 if self._since is None else monotonic() - self._since

    def replace_worker(self) -> None:
        """Leave a worker that hangs to itself, give its item up, and go on with a new one."""
        with self._changed:
            if self._since is None:
                return
            self._since = None
            self._worker = None
            self.dropped += 1
            self._done += 1
            if self._waiting:
                self._has_worker()
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Items that wait, without the one in hand."""
        return len(self._waiting)

    def begin_again(self) -> None:
        """Empty the mailbox in a forked child: items and thread are the parent's."""
        self._changed = Condition()
        self._waiting.clear()
        self._worker = self._since = None
        self._closed = False
        self._put = self._done = self.handled = self.failed = self.dropped = 0

    def _has_worker(self) -> bool:
        """Start a worker when there is none; whether there is one now."""
        if self._worker is None:
            worker = Thread(target=self._work, name=f"flext-{self.name}", daemon=True)
            try:
                worker.start()
            except RuntimeError as error:  # the interpreter is ending, or the system has no more threads
                report_once(f"Starting the thread of {self.name}", error)
                return False
            self._worker = worker
        return True

    def _work(self) -> None:
        changed, me = self._changed, current_thread()
        while True:
            with changed:
                if not changed.wait_for(lambda: bool(self._waiting), IDLE_SECONDS):
                    self._worker = None
                    return
                item = self._waiting.popleft()
                self._since = monotonic()
            failed = self._call(item)
            if self._changed is not changed:  # the call forked, and this is the child: the lock may be held for ever
                return
            with changed:
                if self._worker is not me:
                    return
                self._since = None
                self._done += 1
                self.handled += 1
                self.failed += failed
                changed.notify_all()

    def _call(self, item: T) -> bool:
        try:
            self._handle(item)
        except BaseException as error:  # noqa: BLE001 - SystemExit too: the worker serves others after it
            report_once(self.name, error)
            return True
        return False
