"""Values of a histogram → count, sum, minimum, maximum and counts of exponential buckets (base 2).

Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import floor, frexp, ldexp, log
from sys import float_info
from typing import Final, final

from flext_observability.engine.metrics.distribution import total_of

MAX_SIZE: Final = 160
"""Maximum number of buckets of each sign."""
MAX_SCALE: Final = 20
MIN_SCALE: Final = -10
_MIN_NORMAL: Final = float_info.min
_MIN_EXPONENT: Final = -1022
_MAX_EXPONENT: Final = 1023
Counts = dict[int, int]


@final
class Exponential:
    """Values of one interval, in exponential buckets. Not changed after its creation.

    Attributes:
        count: Number of values.
        total: Sum of the values.
        low: Minimum.
        high: Maximum.
        zeros: Number of zeros.
        scale: The bounds are powers of ``2 ** 2 ** -scale``.
        positive: Number of values by index of their bucket.
        negative: The same for negative values.
    """

    __slots__ = ("count", "high", "low", "negative", "positive", "scale", "total", "zeros")

    def __init__(
        self, values: tuple[int, float, float, float, int], scale: int, positive: Counts, negative: Counts
    ) -> None:
        self.count, self.total, self.low, self.high, self.zeros = values
        change = max(_scale_change(positive), _scale_change(negative))
        self.scale = scale - change
        self.positive = _downscaled(positive, change)
        self.negative = _downscaled(negative, change)

    @classmethod
    def of(cls, values: list[float], scale: int = MAX_SCALE) -> Exponential:
        """Return the distribution of values, with this scale or a smaller one."""
        index = index_at(scale)
        positive: Counts = {}
        negative: Counts = {}
        zeros = 0
        for value in values:
            if value > 0:
                place = index(value)
                positive[place] = positive.get(place, 0) + 1
            elif value < 0:
                place = index(-value)
                negative[place] = negative.get(place, 0) + 1
            else:
                zeros += 1
        return cls((len(values), total_of(values), min(values), max(values), zeros), scale, positive, negative)

    def merged(self, other: Exponential) -> Exponential:
        """Return the distribution of the values of both."""
        scale = min(self.scale, other.scale)
        return Exponential(
            (
                self.count + other.count,
                total_of((self.total, other.total)),
                min(self.low, other.low),
                max(self.high, other.high),
                self.zeros + other.zeros,
            ),
            scale,
            _added(_downscaled(each.positive, each.scale - scale) for each in (self, other)),
            _added(_downscaled(each.negative, each.scale - scale) for each in (self, other)),
        )


def index_at(scale: int) -> Callable[[float], int]:
    """Return the function from positive value to the index of its bucket."""
    if scale <= 0:
        shift = -scale
        lowest = (_MIN_EXPONENT >> shift) - (shift < 2)

        def by_exponent(value: float) -> int:
            if value < _MIN_NORMAL:
                return lowest
            mantissa, exponent = frexp(value)
            return (exponent - (2 if mantissa == 0.5 else 1)) >> shift

        return by_exponent
    factor = ldexp(1 / log(2), scale)
    lowest, highest = (_MIN_EXPONENT << scale) - 1, ((_MAX_EXPONENT + 1) << scale) - 1

    def by_logarithm(value: float) -> int:
        if value <= _MIN_NORMAL:
            return lowest
        mantissa, exponent = frexp(value)
        if mantissa == 0.5:
            return ((exponent - 1) << scale) - 1
        return min(floor(log(value) * factor), highest)

    return by_logarithm


def _scale_change(counts: Counts) -> int:
    """Return by how much the scale must decrease, so that there are at most ``MAX_SIZE`` buckets."""
    if not counts:
        return 0
    low, high, change = min(counts), max(counts), 0
    while high - low >= MAX_SIZE:
        low, high, change = low >> 1, high >> 1, change + 1
    return change


def _downscaled(counts: Counts, change: int) -> Counts:
    if not change:
        return counts
    merged: Counts = {}
    for index, count in counts.items():
        merged[index >> change] = merged.get(index >> change, 0) + count
    return merged


def _added(both: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for counts in both:
        for index, count in counts.items():
            total[index] = total.get(index, 0) + count
    return total
