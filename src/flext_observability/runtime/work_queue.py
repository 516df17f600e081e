"""Bounded queue whose items are handled in order by one worker thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition
from time import monotonic
from typing import Generic, TypeVar, final

from flext_observability.runtime.daemon import DaemonThread
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")

CAPACITY = 1000
IDLE_SECONDS = 5.0
RETRY_SECONDS = 0.1
"""Time between two looks at the thread during a flush."""


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
        self._thread = self._new_thread()
        self._busy = False
        self._put = self._done = 0
        register_fork_aware(self)

    def put(self, item: T) -> bool:
        """Add an item. Never blocks. Return False when the queue is full or the system can start no thread."""
        with self._changed:
            added = len(self._waiting) < self._capacity and (self._thread.start() or self._thread.is_restarting)
            if added:
                self._waiting.append(item)
                self._put += 1
                self._changed.notify_all()
        self._thread.report()
        return added

    def flush(self, deadline: float) -> bool:
        """Wait for the items added so far; return whether all were handled by ``deadline`` (monotonic seconds)."""
        with self._changed:
            goal = self._put
        while True:
            with self._changed:
                left = deadline - monotonic()
                if self._done >= goal or left <= 0:
                    return self._done >= goal
                if self._waiting:
                    self._thread.start()  # it may have been ended
                self._changed.wait(min(left, RETRY_SECONDS))
            self._thread.report()

    def replace_worker(self) -> None:
        """Abandon a hung worker with its item, and continue with a new one."""
        with self._changed:
            if not self._busy:
                return
            self._busy = False
            self._thread = self._new_thread()
            self._done += 1
            if self._waiting:
                self._thread.start()
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Number of queued items, without the one in progress."""
        return len(self._waiting)

    def reinit_after_fork(self) -> None:
        """Drop the items and the thread of the parent."""
        self._changed = Condition()
        self._waiting.clear()
        self._thread = self._new_thread()
        self._busy = False
        self._put = self._done = 0

    def _new_thread(self) -> DaemonThread:
        what = f"the thread of {self._name}"
        thread = DaemonThread(f"flext-{self._name}", lambda: self._work(thread), what=what)
        return thread

    def _work(self, thread: DaemonThread) -> None:
        changed = self._changed
        # A call that forks returns in the child too, where `_changed` was replaced and may never be released.
        while self._changed is changed and (item := self._next(thread)) is not None:
            try:
                self._call(item[0])
            finally:
                if self._changed is changed:
                    self._settle(thread)

    def _next(self, thread: DaemonThread) -> tuple[T] | None:
        """Wait for an item. Return None when there was none for ``IDLE_SECONDS``, or the thread was replaced."""
        with self._changed:
            if self._thread is thread and self._changed.wait_for(lambda: bool(self._waiting), IDLE_SECONDS):
                self._busy = True
                return (self._waiting.popleft(),)
            thread.release()
            return None

    def _settle(self, thread: DaemonThread) -> None:
        with self._changed:
            if self._thread is thread:
                self._busy = False
                self._done += 1
                self._changed.notify_all()

    def _call(self, item: T) -> None:
        try:
            self._handle(item)
        except BaseException as error:  # noqa: BLE001 - SystemExit too: the worker continues with the next item
            reraise_interrupt(error)
            report_once(self._name, error)
