"""LRU cache with a limit of items and of weight. Not thread-safe: the owner has a lock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class WeightedLRU(Generic[KeyT, ValueT]):
    """Items by key, the least recently used ones evicted.

    Args:
        max_items: Maximum number of items.
        max_weight: Maximum total weight, in a unit of the owner.

    Attributes:
        weight: Total weight.
        evicted: Number of evicted items.
    """

    __slots__ = ("_items", "_max_items", "_max_weight", "evicted", "weight")

    def __init__(self, max_items: int, max_weight: int) -> None:
        self._items: OrderedDict[KeyT, tuple[ValueT, int]] = OrderedDict()
        self._max_items = max_items
        self._max_weight = max_weight
        self.weight = 0
        self.evicted = 0

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def get(self, key: KeyT) -> ValueT | None:
        """Return an item and mark it as used; None if there is none."""
        if key not in self._items:
            return None
        self._items.move_to_end(key)
        return self._items[key][0]

    def put(self, key: KeyT, value: ValueT, weight: int) -> None:
        """Set an item."""
        self.weight += weight - self._items.pop(key, (None, 0))[1]
        self._items[key] = (value, weight)
        while len(self._items) > self._max_items or self.weight > self._max_weight:
            self.weight -= self._items.popitem(last=False)[1][1]
            self.evicted += 1

    def values(self) -> Iterable[ValueT]:
        """Return all items, the most recently used one last."""
        return [value for value, _ in self._items.values()]
