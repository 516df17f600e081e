"""Histogram point, explicit or exponential → cumulative classic buckets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Buckets, ExponentialHistogramDataPoint, HistogramDataPoint

# Upper bound, number of values up to it.
Bucket = tuple[float, int]
_MAX_EXPONENT = 1023


def explicit_buckets(point: HistogramDataPoint) -> list[Bucket]:
    """Return the buckets of an explicit histogram, the one without bound left out."""
    total = 0
    found: list[Bucket] = []
    for bound, count in zip(point.explicit_bounds, point.bucket_counts, strict=False):
        total += count
        found.append((bound, total))
    return found


def exponential_buckets(point: ExponentialHistogramDataPoint) -> list[Bucket]:
    """Return classic buckets at powers of two, the one without bound left out.

    Finer histograms are merged to scale 0: their own bounds change whenever the range of values grows, these do not. Coarser ones keep their scale.
    """
    total = 0
    found: list[Bucket] = []
    for bound, count in _counts(point):
        total += count
        if math.isfinite(bound) and (not found or bound > found[-1][0]):
            found.append((bound, total))
    return found


def _counts(point: ExponentialHistogramDataPoint) -> Iterator[Bucket]:
    """Yield (upper bound, values of this bucket alone), ascending."""
    shift = max(point.scale, 0)
    scale = min(point.scale, 0)
    negative = _merged(point.negative, shift)
    for index in sorted(negative, reverse=True):
        yield -_power(index, scale), negative[index]
    if negative or point.zero_count:
        yield 0.0, point.zero_count
    positive = _merged(point.positive, shift)
    for index in sorted(positive):
        yield _power(index + 1, scale), positive[index]


def _merged(buckets: Buckets, shift: int) -> dict[int, int]:
    """Return counts by index at the lower scale, from the first to the last bucket with values."""
    merged: dict[int, int] = {}
    for index, count in enumerate(buckets.bucket_counts, buckets.offset):
        merged[index >> shift] = merged.get(index >> shift, 0) + count
    filled = [index for index, count in merged.items() if count]
    return {index: merged[index] for index in range(min(filled), max(filled) + 1)} if filled else {}


def _power(index: int, scale: int) -> float:
    exponent = index << -scale
    return math.ldexp(1.0, exponent) if exponent <= _MAX_EXPONENT else math.inf
