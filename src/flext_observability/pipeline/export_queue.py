"""Bounded queue of one exporter, which counts every item once.

The owner holds a lock for everything but ``items``: items are appended to a plain queue without one.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar, cast, final

from flext_observability.domain.report import InheritedCounts
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.queue_bytes import QueueBytes
from flext_observability.values.named_tuple import NamedTuple

ItemT = TypeVar("ItemT")
_APPENDED_SHARE: Final = 64
"""A full plain queue grows by one of this many items before the oldest ones are dropped."""


class QueueCounts(NamedTuple):
    """Counts of one queue, as in ``ExporterCounts``.

    ``finished = queued + in_flight + exported + spooled + sum(dropped)``.
    """

    finished: int = 0
    queued: int = 0
    in_flight: int = 0
    exported: int = 0
    spooled: int = 0
    dropped: Mapping[str, int] = MappingProxyType[str, int]({})
    inherited: InheritedCounts = InheritedCounts()


class StoredBatch(NamedTuple):
    """Outcome of storing a batch: its first items are stored or rejected, the rest is not stored.

    Attributes:
        stored: Number of stored items (metrics: data points).
        rejected: Number of items that cannot be encoded.
        reason: Reason of the rejected ones.
    """

    stored: int = 0
    rejected: int = 0
    reason: str = ""


class _Items(Protocol[ItemT]):
    """Queued items: a ``deque`` or ``LatestByKey``. ``append`` and ``appendleft`` return an item that is replaced."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[ItemT]: ...
    def append(self, item: ItemT, /) -> ItemT | None: ...
    def appendleft(self, item: ItemT, /) -> ItemT | None: ...
    def popleft(self) -> ItemT: ...


@final
class LatestByKey(Generic[ItemT]):
    """Queue policy that keeps the latest item of each key, at the position of the earlier one."""

    def __init__(self, key: Callable[[ItemT], Hashable]) -> None:
        self._key = key
        self._items: OrderedDict[Hashable, ItemT] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[ItemT]:
        return iter(self._items.values())

    def get(self, key: Hashable) -> ItemT | None:
        """Return the item of a key."""
        return self._items.get(key)

    def append(self, item: ItemT, /) -> ItemT | None:
        """Add an item, and return the earlier one of the same key."""
        key = self._key(item)
        earlier = self._items.get(key)
        self._items[key] = item
        return earlier

    def appendleft(self, item: ItemT, /) -> ItemT | None:
        """Return an item to the head; a later one of the same key moves to the head instead."""
        key = self._key(item)
        replaced = key in self._items
        self._items.setdefault(key, item)
        self._items.move_to_end(key, last=False)
        return item if replaced else None

    def popleft(self) -> ItemT:
        """Remove and return the head."""
        return self._items.popitem(last=False)[1]


@final
class ExportQueue(Generic[ItemT]):
    """Queue whose counts add up at any time; see ``QueueCounts``.

    Args:
        max_queue_size: Maximum number of queued items, at least 1; one more drops the oldest.
        sizer: Size of an item in the counts (metrics: its data points); 1 by default.
        policy: Order of queued items; first in, first out by default.
        max_bytes: Limit of the bytes of the queued items of a plain queue, estimated; further ones drop the oldest.

    Attributes:
        items: The queued items. A plain ``deque`` may be appended to at any time; call ``evict`` afterwards if it has
            ``evict_from`` items or more.
        max_queue_size: See above.
        settled_total: Number of items exported, spooled, dropped or replaced so far.
    """

    __slots__ = (
        "_bytes",
        "_dropped",
        "_exported",
        "_in_flight",
        "_sizer",
        "_spooled",
        "_storing",
        "_too_many",
        "items",
        "max_queue_size",
        "settled_total",
    )

    def __init__(
        self,
        max_queue_size: int,
        sizer: Callable[[ItemT], int] | None = None,
        policy: LatestByKey[ItemT] | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self.max_queue_size = max_queue_size
        self._sizer = sizer
        self.items: _Items[ItemT] = deque[ItemT]() if policy is None else policy
        self._in_flight: list[ItemT] = []
        self._storing: list[ItemT] = []
        self._exported = self._spooled = 0
        self._dropped: Counter[str] = Counter()
        self._too_many = 0
        self.settled_total = 0
        self._bytes: QueueBytes[ItemT] | None = None
        if max_bytes is not None and self.is_plain:
            self._bytes = QueueBytes(cast("deque[ItemT]", self.items), max_bytes, max_queue_size)

    def __len__(self) -> int:
        """Return the number of queued items, without those in flight."""
        return len(self.items)

    @property
    def is_plain(self) -> bool:
        """Whether ``items`` is a plain queue of items of size 1."""
        return isinstance(self.items, deque) and self._sizer is None

    @property
    def evict_from(self) -> int:
        """Number of items of a plain queue from which to call ``evict``.

        A full one may grow by some items, which are dropped at once. What is read or taken is exact all the same.
        """
        most = self.max_queue_size + self.max_queue_size // _APPENDED_SHARE + 1
        return most if self._bytes is None else min(most, self._bytes.next_check)

    @property
    def pending(self) -> int:
        """Number of queued items, for schedules: that of a full queue if they have half of the bytes of the limit."""
        queued = len(self.items)
        return max(queued, self.max_queue_size) if self._bytes is not None and self._bytes.is_half_full else queued

    @property
    def overflow(self) -> int:
        """Size of the items dropped because the queue was full, by number or bytes."""
        return self._too_many + self._dropped["queue_bytes"]

    @property
    def empty(self) -> bool:
        """Whether no item is queued or in flight."""
        return not (self.items or self._in_flight or self._storing)

    @property
    def is_being_stored(self) -> bool:
        """Whether items are taken to be stored."""
        return bool(self._storing)

    @property
    def put_total(self) -> int:
        """Number of items put so far."""
        return self.settled_total + len(self._in_flight) + len(self._storing) + len(self.items)

    def put(self, item: ItemT) -> None:
        """Add an item. A full queue drops its oldest item as ``queue_full``."""
        if self.items.append(item) is not None:
            self.settled_total += 1  # a replaced one: a later item carries its content
        self.evict()

    def evict(self) -> None:
        """Drop the oldest items of a queue that is more than full."""
        items, limit, sizer = self.items, self.max_queue_size, self._sizer
        while len(items) > limit:
            item = self._pop()
            self._too_many += 1 if sizer is None else sizer(item)
            self.settled_total += 1
        if self._bytes is not None:
            self._bytes.check()
            while self._bytes.is_over:
                self._drop(self._pop(), "queue_bytes")

    def drop_late(self, item: ItemT, reason: str) -> None:
        """Drop an item that was added after the end, if it is still queued."""
        items = cast("deque[ItemT]", self.items)
        for position in range(len(items) - 1, -1, -1):
            if items[position] is item:
                del items[position]
                if self._bytes is not None:
                    self._bytes.removed(position)
                self._drop(item, reason)
                return

    def pop_batch(self, max_items: int) -> list[ItemT]:
        """Move up to ``max_items`` items from the head into flight."""
        self.evict()
        self._in_flight = self._pop_items(max_items)
        return self._in_flight

    def pop_to_store(self, max_items: int) -> list[ItemT]:
        """Take up to ``max_items`` items from the head, to store them; one batch at a time."""
        self.evict()
        self._storing = self._pop_items(max_items)
        return self._storing

    def return_in_flight(self) -> None:
        """Return the items in flight to the head: their attempt does not count any more."""
        batch, self._in_flight = self._in_flight, []
        self._put_back(batch)

    def settle_storing(self, outcome: StoredBatch) -> None:
        """Count the taken items. Those that are not stored return to the head."""
        batch, self._storing = self._storing, []
        total = sum(map(self._size, batch))
        stored = min(outcome.stored, total)
        rejected = min(outcome.rejected, total - stored)
        self._spooled += stored
        if rejected:
            self._dropped[outcome.reason or "rejected"] += rejected
        rest = self._rest(batch, stored + rejected)
        self.settled_total += len(batch) - len(rest)
        self._put_back(rest)

    def complete(self, outcome: ExportOutcome) -> list[ItemT]:
        """Count the items in flight by the outcome of their export. Items to retry return to the head, in order.

        Returns:
            The dropped items, of which none is known to have arrived.
        """
        batch, self._in_flight = self._in_flight, []
        if not batch:
            return []
        total = sum(map(self._size, batch))
        accepted = min(max(outcome.accepted, 0), total)
        rejected = min(max(outcome.rejected, 0), total - accepted)
        self._exported += accepted
        self._dropped[outcome.reason or "rejected"] += rejected
        rest = self._rest(batch, accepted + rejected)
        self.settled_total += len(batch) - len(rest)
        if outcome.retry:
            self._put_back(rest)
            return []
        for item in rest:
            self._drop(item, outcome.reason or "error")
        return batch if rejected == total else rest

    def drop_all(self, reason: str) -> int:
        """Drop all items, queued and in flight, and return their size."""
        self.evict()
        rest, self._in_flight, self._storing = [*self._in_flight, *self._storing], [], []
        while self.items:  # not ``clear``: another thread may append
            rest.append(self.items.popleft())
        if self._bytes is not None:
            self._bytes.clear()
        for item in rest:
            self._drop(item, reason)
        return sum(map(self._size, rest))

    def counts(self) -> QueueCounts:
        """Return the current counts."""
        self.evict()
        in_flight = sum(map(self._size, self._in_flight)) + sum(map(self._size, self._storing))
        queued, surplus = len(self.items), 0
        if self._sizer is not None:
            queued = sum(map(self._sizer, self.items))
        elif queued > self.max_queue_size:  # other threads have appended meanwhile: the oldest ones go next
            queued, surplus = self.max_queue_size, queued - self.max_queue_size
        reasons = {"queue_full": self._too_many + surplus, **self._dropped}
        dropped = {reason: count for reason, count in reasons.items() if count}
        # Each item that was added is in one of these, so that nothing has to be counted when it is added.
        finished = queued + in_flight + self._exported + self._spooled + sum(dropped.values())
        return QueueCounts(finished, queued, in_flight, self._exported, self._spooled, dropped)

    def _rest(self, batch: list[ItemT], settled: int) -> list[ItemT]:
        """Return the items after the settled ones. The open points of an item settled in part are dropped."""
        if self._sizer is None:
            return batch[settled:]
        rest = deque(batch)
        while rest and settled >= (points := self._sizer(rest[0])):
            settled -= points
            rest.popleft()
        if settled:
            self._dropped["rejected"] += self._sizer(rest.popleft()) - settled
        return list(rest)

    def _put_back(self, items: list[ItemT]) -> None:
        for item in reversed(items):
            if self.items.appendleft(item) is not None:
                self.settled_total += 1
            if self._bytes is not None:
                self._bytes.returned(item)
        self.evict()

    def _pop(self) -> ItemT:
        item = self.items.popleft()
        if self._bytes is not None:
            self._bytes.removed()
        return item

    def _pop_items(self, max_items: int) -> list[ItemT]:
        most = max_items if self._bytes is None else self._bytes.batch_size(max_items)
        return [self._pop() for _ in range(min(most, len(self.items)))]

    def _drop(self, item: ItemT, reason: str) -> None:
        self._dropped[reason] += self._size(item)
        self.settled_total += 1

    def _size(self, item: ItemT) -> int:
        return 1 if self._sizer is None else self._sizer(item)
