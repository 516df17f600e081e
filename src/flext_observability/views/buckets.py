"""Bounds and counts of a histogram, explicit or exponential → buckets in rising order (pure)."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from flext_observability.views.model import BucketView

IndexedCounts = tuple[int, Iterable[int]]
"""Index of the first bucket, and the counts from there on."""


def explicit_buckets(bounds: Sequence[float], counts: Sequence[int]) -> tuple[BucketView, ...]:
    """Return the buckets between rising bounds. The first and the last one are open."""
    edges = pairwise((-math.inf, *bounds, math.inf))
    return tuple(BucketView(lower, upper, count) for (lower, upper), count in zip(edges, counts, strict=False))


def exponential_buckets(
    scale: int, zero_count: int, positive: IndexedCounts, negative: IndexedCounts
) -> tuple[BucketView, ...]:
    """Return the non-empty buckets of an exponential histogram.

    Args:
        scale: Resolution: bounds are powers of ``2 ** (2 ** -scale)``.
        zero_count: Measurements too close to zero for a bucket.
        positive: Buckets above zero.
        negative: Buckets below zero, by magnitude.

    Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
    """
    below = [BucketView(-upper, -lower, count) for lower, upper, count in _edges(scale, negative) if count]
    zero = [BucketView(0.0, 0.0, zero_count)] if zero_count else []
    above = [BucketView(lower, upper, count) for lower, upper, count in _edges(scale, positive) if count]
    return (*reversed(below), *zero, *above)


def power_of_two_buckets(
    scale: int, zero_count: int, positive: IndexedCounts, negative: IndexedCounts
) -> list[tuple[float, int]]:
    """Return (upper bound, measurements up to it) of an exponential histogram, merged to powers of two.

    The bounds of a finer histogram change whenever its range grows, powers of two do not. A coarser scale is kept.
    Each side includes the empty buckets between its first and its last measurement. Each finite bound is returned once.

    Args:
        scale: As for ``exponential_buckets``.
        zero_count: As for ``exponential_buckets``.
        positive: As for ``exponential_buckets``.
        negative: As for ``exponential_buckets``.
    """
    shift, coarse = max(scale, 0), min(scale, 0)
    counts = [(-lower, count) for lower, _, count in _edges(coarse, _merge(negative, shift))][::-1]
    if counts or zero_count:
        counts.append((0.0, zero_count))
    counts += [(upper, count) for _, upper, count in _edges(coarse, _merge(positive, shift))]
    total = 0
    reached: dict[float, int] = {}
    for upper, count in counts:
        total += count
        if upper < sys.float_info.max:
            reached.setdefault(upper, total)
    return list(reached.items())


def _merge(counts: IndexedCounts, shift: int) -> IndexedCounts:
    """Return the counts at a scale lower by ``shift``, from the first to the last bucket with measurements."""
    merged: dict[int, int] = {}
    for index, count in enumerate(counts[1], counts[0]):
        if count:
            merged[index >> shift] = merged.get(index >> shift, 0) + count
    first, last = min(merged, default=0), max(merged, default=-1)
    return first, [merged.get(index, 0) for index in range(first, last + 1)]


def _edges(scale: int, counts: IndexedCounts) -> Iterator[tuple[float, float, int]]:
    for index, count in enumerate(counts[1], counts[0]):
        yield _power(scale, index), _power(scale, index + 1), count


def _power(scale: int, index: int) -> float:
    """Return the lower bound of a bucket, limited to the largest float for any scale and index."""
    exponent = math.ldexp(float(index), -max(-10, min(scale, 60)))
    return 2.0**exponent if exponent < 1024 else sys.float_info.max
