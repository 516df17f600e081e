"""Items of one (signal, exporter) → a bounded queue that knows the fate of each (no lock, no thread: the owner guards it)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, TypeVar

from flext_observability.domain.report import ExporterCounts, Signal
from flext_observability.extensions.ports import ExportOutcome

ItemT = TypeVar("ItemT")


class ExportQueue(Generic[ItemT]):
    """A queue whose counts add up: ``finished = queued + in_flight + exported + spooled + dropped``.

    Args:
        signal: The signal of the items.
        exporter: The exporter's name.
        max_queue_size: Items that may wait; the oldest gives way to the newest.
        sizer: What an item counts for (metrics: its data points); 1 each by default.
    """

    __slots__ = (
        "_dropped",
        "_exported",
        "_exporter",
        "_finished",
        "_in_flight",
        "_items",
        "_max_queue_size",
        "_signal",
        "_sizer",
        "put_total",
        "settled_total",
    )

    def __init__(
        self, signal: Signal, exporter: str, max_queue_size: int, sizer: Callable[[ItemT], int] | None = None
    ) -> None:
        self._signal: Signal = signal
        self._exporter = exporter
        self._max_queue_size = max_queue_size
        self._sizer = sizer
        self._items: deque[ItemT] = deque()
        self._in_flight: list[ItemT] = []
        self._finished = 0
        self._exported = 0
        self._dropped: Counter[str] = Counter()
        self.put_total = 0
        self.settled_total = 0

    def __len__(self) -> int:
        """Items that wait."""
        return len(self._items)

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is being sent."""
        return not self._items and not self._in_flight

    @property
    def overflow(self) -> int:
        """Items that a full queue has cost."""
        return self._dropped["queue_full"]

    def put(self, item: ItemT) -> None:
        """Add an item; when the queue is full, the oldest one is dropped as ``queue_full``."""
        self._finished += self._size(item)
        self.put_total += 1
        if len(self._items) >= self._max_queue_size:
            self._drop(self._items.popleft(), "queue_full")
        self._items.append(item)

    def replace(self, item: ItemT) -> None:
        """Add an item that contains all that the waiting ones hold (cumulative metrics); those are uncounted."""
        while self._items:
            self._finished -= self._size(self._items.popleft())
            self.settled_total += 1
        self.put(item)

    def reject(self, item: ItemT, reason: str) -> None:
        """Count an item that comes too late to be queued."""
        self._finished += self._size(item)
        self.put_total += 1
        self._drop(item, reason)

    def pop_batch(self, max_items: int) -> list[ItemT]:
        """Move up to ``max_items`` items from the head into flight."""
        self._in_flight = [self._items.popleft() for _ in range(min(max_items, len(self._items)))]
        return self._in_flight

    def complete(self, outcome: ExportOutcome) -> None:
        """Give each item in flight its fate; those to be sent again return to the head, oldest first."""
        batch, self._in_flight = self._in_flight, []
        if not batch:
            return  # given up meanwhile: counted as dropped, never twice
        total = sum(map(self._size, batch))
        accepted = min(max(outcome.accepted, 0), total)
        rejected = min(max(outcome.rejected, 0), total - accepted)
        self._exported += accepted
        self._dropped[outcome.reason or "rejected"] += rejected
        rest = self._rest(batch, accepted + rejected)
        self.settled_total += len(batch) - len(rest)
        if outcome.retry:
            self._put_back(rest)
            return
        for item in rest:
            self._drop(item, outcome.reason or "error")

    def _rest(self, batch: list[ItemT], known: int) -> list[ItemT]:
        """Items whose fate is open: the last ones; of an item that was taken in part, the open points are given up."""
        if self._sizer is None:
            return batch[known:]
        rest = deque(batch)
        while rest and known >= (points := self._sizer(rest[0])):
            known -= points
            rest.popleft()
        if known:
            self._dropped["rejected"] += self._sizer(rest.popleft()) - known
        return list(rest)

    def drop_all(self, reason: str) -> int:
        """Drop all that waits or is in flight; return how many items that was."""
        rest = [*self._in_flight, *self._items]
        self._in_flight = []
        self._items.clear()
        for item in rest:
            self._drop(item, reason)
        return len(rest)

    def counts(self) -> ExporterCounts:
        """Return the counts of this moment."""
        return ExporterCounts(
            signal=self._signal,
            exporter=self._exporter,
            finished=self._finished,
            queued=sum(map(self._size, self._items)),
            in_flight=sum(map(self._size, self._in_flight)),
            exported=self._exported,
            dropped={reason: count for reason, count in self._dropped.items() if count},
        )

    def _put_back(self, items: list[ItemT]) -> None:
        self._items.extendleft(reversed(items))
        while len(self._items) > self._max_queue_size:
            self._drop(self._items.popleft(), "queue_full")

    def _drop(self, item: ItemT, reason: str) -> None:
        self._dropped[reason] += self._size(item)
        self.settled_total += 1

    def _size(self, item: ItemT) -> int:
        return 1 if self._sizer is None else self._sizer(item)
