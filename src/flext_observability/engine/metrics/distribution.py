"""Values of a histogram → count, sum, minimum, maximum and counts of explicit buckets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import reduce
from math import inf
from operator import add
from typing import Any, cast, final


def total_of(values: Sequence[Any]) -> float:
    """Return the sum of numbers; integers stay integers. Never raises."""
    try:
        return cast("float", sum(values))
    except OverflowError:  # an integer beyond the floats
        return reduce(add, map(_as_float, values))


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


@final
class Distribution:
    """Values of one interval, in explicit buckets. Not changed after its creation.

    Attributes:
        count: Number of values.
        total: Sum of the values.
        low: Minimum.
        high: Maximum.
        counts: Number of values of each bucket: at most its bound, and above the bound before it.
    """

    __slots__ = ("count", "counts", "high", "low", "total")

    def __init__(self, count: int, total: float, low: float, high: float, counts: list[int]) -> None:
        self.count = count
        self.total = total
        self.low = low
        self.high = high
        self.counts = counts

    @classmethod
    def of(cls, values: list[float], bounds: Sequence[float]) -> Distribution:
        """Return the distribution of values, which are sorted in place: a search for each bound, not for each value."""
        total = total_of(values)
        values.sort()
        counts: list[int] = []
        below = 0
        for bound in bounds:
            up_to = bisect_right(values, bound, below)
            counts.append(up_to - below)
            below = up_to
        counts.append(len(values) - below)
        return cls(len(values), total, values[0], values[-1], counts)

    def merged(self, other: Distribution) -> Distribution:
        """Return the distribution of the values of both."""
        return Distribution(
            self.count + other.count,
            total_of((self.total, other.total)),
            min(self.low, other.low),
            max(self.high, other.high),
            list(map(add, self.counts, other.counts)),
        )
