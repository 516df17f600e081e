"""Bytes of a plain queue: a sample while its items are small, all of them once a large one was found.

A large item is one of more than ``max_bytes / max_items``: without any, a full queue is below the limit. So nothing is
weighed for small items, except one of some thirty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar, final

from flext_observability.pipeline.item_bytes import item_bytes

ItemT = TypeVar("ItemT")
_GROWTH: Final = 4
"""The next sample of a short queue is taken when it has this many times as many items."""
_MAX_STEP: Final = 32
"""Maximum number of items between two checks of a queue."""
_BATCH_SHARE: Final = 8
"""A batch has at most one of this many parts of the limit, or one item."""
_STRIDE: Final = 13  # prime to the maximum: samples do not follow a pattern of the program


@final
class QueueBytes(Generic[ItemT]):
    """Bytes of the items of one queue. The owner of the queue calls it under its lock.

    Args:
        items: The queue. Other threads may append to it.
        max_bytes: Limit of the bytes of all items.
        max_items: Maximum number of items.
        weigh: Returns the bytes of an item.

    Attributes:
        total: Bytes of the weighed items; 0 while the queue is sampled.
        max_bytes: See above.
        next_check: Number of items at which to call ``check`` again.
    """

    __slots__ = ("_items", "_large", "_step", "_weigh", "_weights", "max_bytes", "next_check", "total")

    def __init__(
        self, items: deque[ItemT], max_bytes: int, max_items: int, weigh: Callable[[ItemT], int] = item_bytes
    ) -> None:
        self.total = 0
        self.max_bytes = max_bytes
        self.next_check = 1
        self._items = items
        self._large = max_bytes // max_items
        self._step = 0
        self._weigh = weigh
        self._weights: deque[int] = deque()  # of the oldest items; empty while the queue is sampled

    @property
    def is_over(self) -> bool:
        """Whether the items have more bytes than the limit, and there is more than one."""
        return self.total > self.max_bytes and len(self._items) > 1

    @property
    def is_half_full(self) -> bool:
        """Whether the items have more than half of the bytes of the limit."""
        return self.total > self.max_bytes // 2

    def check(self, *, at_all: bool = False) -> None:
        """Weigh new items: one of them, or all after a large one. Without ``at_all``, only if it is time to."""
        queued, weights = len(self._items), self._weights
        if not queued or (queued < self.next_check and not (at_all and weights)):
            return
        if not weights and self._weigh(self._items[queued - 1]) <= self._large:
            self._step = (self._step + _STRIDE) % _MAX_STEP
            self.next_check = min(queued * _GROWTH, queued + _MAX_STEP // 2 + self._step // 2 + 1)
            return
        largest = self._large + 1
        for position in range(len(weights), queued):
            weights.append(weight := self._weigh(self._items[position]))
            self.total += weight
            largest = max(largest, weight)
        mark = self.max_bytes if self.is_half_full else self.max_bytes // 2
        self.next_check = queued + min(max((mark - self.total) // largest, 1), _MAX_STEP)

    def removed(self, position: int = 0) -> None:
        """Note that an item was removed: the oldest one, or that of a position."""
        if position < len(self._weights):
            self.total -= self._weights[position]
            del self._weights[position]
        self.next_check = max(self.next_check - 1, 1)

    def returned(self, item: ItemT) -> None:
        """Note that an item was added at the head."""
        if self._weights:
            self._weights.appendleft(weight := self._weigh(item))
            self.total += weight

    def batch_size(self, max_items: int) -> int:
        """Return the number of the oldest items that make up a batch."""
        self.check(at_all=True)
        left = self.max_bytes // _BATCH_SHARE
        for count, weight in enumerate(self._weights):
            left -= weight
            if count == max_items or (left < 0 and count):
                return count
        return min(max_items, len(self._items))

    def clear(self) -> None:
        """Note that all items were removed."""
        self._weights.clear()
        self.total, self.next_check = 0, 1
