"""Things by key, each with a weight → the newest of them, within a number and a weight (no lock: the owner guards it)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Shelf(Generic[KeyT, ValueT]):
    """Keeps what was used last.

    Args:
        max_items: Things at the most.
        max_weight: Their weight at the most, in the owner's unit.
    """

    __slots__ = ("_items", "_max_items", "_max_weight", "evicted", "weight")

    def __init__(self, max_items: int, max_weight: int) -> None:
        self._items: OrderedDict[KeyT, tuple[ValueT, int]] = OrderedDict()
        self._max_items = max_items
        self._max_weight = max_weight
        self.weight = 0
        self.evicted = 0

    def __len__(self) -> int:
        """Return how many things are kept."""
        return len(self._items)

    def get(self, key: KeyT) -> ValueT | None:
        """Return a thing and count it as used, or None."""
        if key not in self._items:
            return None
        self._items.move_to_end(key)
        return self._items[key][0]

    def put(self, key: KeyT, value: ValueT, weight: int) -> list[KeyT]:
        """Keep a thing, in place of what has the same key; return the keys that had to go."""
        self.weight += weight - self._items.pop(key, (None, 0))[1]
        self._items[key] = (value, weight)
        gone: list[KeyT] = []
        while len(self._items) > self._max_items or self.weight > self._max_weight:
            oldest, (_, relief) = self._items.popitem(last=False)
            self.weight -= relief
            gone.append(oldest)
        self.evicted += len(gone)
        return gone

    def values(self) -> Iterable[ValueT]:
        """Return all things, the one used last at the end."""
        return [value for value, _ in self._items.values()]
