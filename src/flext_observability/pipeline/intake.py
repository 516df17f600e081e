"""Intake: items of any thread → the queue of a worker, without a lock unless the worker has something to do."""

from __future__ import annotations

from math import inf
from threading import Condition, RLock
from typing import TYPE_CHECKING, Generic, TypeVar

from flext_observability.pipeline.schedule import Pace, Schedule

if TYPE_CHECKING:
    from flext_observability.pipeline.export_queue import ExportQueue
    from flext_observability.runtime.daemon import DaemonThread

ItemT = TypeVar("ItemT")


class Intake(Generic[ItemT]):
    """Base of a worker: accepts items, and wakes the thread when there is a first one, or a batch.

    A thread appends an item first and reads ``attention`` afterwards. A thread that sets ``attention`` reads the queue
    afterwards. So at least one of the two sees the other.

    Attributes:
        items: The queued items. The thread that appends one calls ``attend`` if there are ``attention`` or more.
        attention: Number of queued items at which the worker has something to do; 0 after the end.
    """

    def __init__(self, queue: ExportQueue[ItemT], schedule: Schedule, thread: DaemonThread) -> None:
        self.items = queue.items
        self.attention: float = 1
        self._awaited: float = 1  # number of queued items that the thread waits for
        self._store_from: float = inf  # number of queued items from which they are stored, if there is a spool
        self._is_plain = queue.is_plain
        self._queue = queue
        self._schedule = schedule
        self._pace = Pace(schedule)
        self._thread = thread
        self._lock = RLock()
        self._wake = Condition(self._lock)
        self._closed = False

    def enqueue(self, item: ItemT) -> None:  # measured: benchmarks, recorded span
        """Queue an item. After the end it is counted as dropped."""
        if self._is_plain:
            self.items.append(item)
        else:
            with self._lock:
                self._queue.put(item)
        if len(self.items) >= self.attention:
            self.attend(item)

    def attend(self, item: ItemT) -> None:
        """Do what a new item needs: a place in the queue, a thread, a batch; or drop it after the end."""
        with self._lock:
            if self._closed:
                self._queue.drop_late(item, "after_shutdown")
                return
            self._queue.evict()
            if self._thread.is_active and self._awaited > self._queue.pending:
                self._await(self._awaited)
                return
            is_starting = not self._thread.is_active
            if is_starting:
                self._thread.start()  # if this fails, items stay in the queue
            if self._awaited <= self._queue.pending:
                if self._awaited == 1:
                    self._pace.expect_first_item()
                self._wake.notify_all()
                self._await(self._schedule.max_batch if self._awaited == 1 else inf)
            else:
                self._await(self._awaited)
        if is_starting:
            self._thread.report()

    def _await_item(self) -> None:
        """Set the number of queued items that ends the wait of the thread, before it reads the number again."""
        batch = self._schedule.max_batch
        queued = self._queue.pending
        self._await(1 if queued == 0 else batch if queued < batch else inf)
        if queued == 0 and len(self._queue):  # added meanwhile, perhaps without `attend`
            self._pace.expect_first_item()
            self._await(batch)

    def _await(self, items: float) -> None:
        """Set the number of queued items that ends the wait of the thread."""
        self._awaited = items
        limit = items if self._thread.is_active else 1
        self.attention = 0 if self._closed else min(limit, self._queue.evict_from, self._store_from)

    def _release(self) -> None:
        self._thread.release()
        self._await(1)

    def _end(self) -> None:
        """Accept no items from now on. Those added before are queued, those added later are dropped by ``attend``."""
        self._closed = True
        self.attention = 0
