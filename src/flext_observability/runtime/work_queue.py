"""Bounded queue whose items are handled in order by one worker thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread, current_thread
from time import monotonic
from typing import Generic, TypeVar, final

from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")

CAPACITY = 1000
IDLE_SECONDS = 5.0


@final
class WorkQueue(Generic[T]):
    """A bounded queue with one worker thread, which starts with the first item and ends after ``IDLE_SECONDS`` without
    one.

    Thread-safe. A forked child starts with an empty queue. A call that raises is logged once per exception type.
    """

    def __init__(self, name: str, handle: Callable[[T], object], *, capacity: int = CAPACITY) -> None:
        """Create the queue without a thread.

        Args:
            name: Name of the thread and of the queue in log lines: "plug-ins".
            handle: Called with each item, by one thread at a time.
            capacity: Maximum number of queued items.
        """
        self._name = name
        self._handle = handle
        self._capacity = capacity
        self._changed = Condition()
        self._waiting: deque[T] = deque()
        self._worker: Thread | None = None
        self._busy = False
        self._put = self._done = 0
        register_fork_aware(self)

    def put(self, item: T) -> bool:
        """Add an item. Never blocks. Return False when the queue is full or no thread can be started."""
        with self._changed:
            if len(self._waiting) >= self._capacity or not self._has_worker():
                return False
            self._waiting.append(item)
            self._put += 1
            self._changed.notify_all()
        return True

    def flush(self, deadline: float) -> bool:
        """Wait for the items added so far; return whether all were handled by ``deadline`` (monotonic seconds)."""
        with self._changed:
            goal = self._put
            return self._changed.wait_for(lambda: self._done >= goal, max(deadline - monotonic(), 0.0))

    def replace_worker(self) -> None:
        """Abandon a hung worker with its item, and continue with a new one."""
        with self._changed:
            if not self._busy:
                return
            self._busy = False
            self._worker = None
            self._done += 1
            if self._waiting:
                self._has_worker()
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Number of queued items, without the one in progress."""
        return len(self._waiting)

    def reinit_after_fork(self) -> None:
        """Drop the items and the thread of the parent."""
        self._changed = Condition()
        self._waiting.clear()
        self._worker = None
        self._busy = False
        self._put = self._done = 0

    def _has_worker(self) -> bool:
        """Start a worker unless there is one; return whether there is one now."""
        if self._worker is None:
            self._worker = start_daemon(f"flext-{self._name}", self._work, what=f"the thread of {self._name}")
        return self._worker is not None

    def _work(self) -> None:
        changed, me = self._changed, current_thread()
        while True:
            with changed:
                if not changed.wait_for(lambda: bool(self._waiting), IDLE_SECONDS):
                    self._worker = None
                    return
                item = self._waiting.popleft()
                self._busy = True
            self._call(item)
            if self._changed is not changed:  # the call forked, and this is the child: the lock may never be released
                return
            with changed:
                if self._worker is not me:
                    return
                self._busy = False
                self._done += 1
                changed.notify_all()

    def _call(self, item: T) -> None:
        try:
            self._handle(item)
        except BaseException as error:  # noqa: BLE001 - SystemExit too: the worker continues with the next item
            reraise_interrupt(error)
            report_once(self._name, error)
