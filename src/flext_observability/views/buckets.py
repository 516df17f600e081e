"""Bounds and counts of a histogram, explicit or exponential → buckets by rising bounds (pure)."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise

from flext_observability.views.model import BucketView


def explicit_buckets(bounds: Sequence[float], counts: Sequence[int]) -> tuple[BucketView, ...]:
    """Return the buckets between rising bounds; the first and the last one are open."""
    edges = pairwise((-math.inf, *bounds, math.inf))
    return tuple(BucketView(lower, upper, count) for (lower, upper), count in zip(edges, counts, strict=False))


def exponential_buckets(
    scale: int, zero_count: int, positive: tuple[int, Iterable[int]], negative: tuple[int, Iterable[int]]
) -> tuple[BucketView, ...]:
    """Return the buckets of an exponential histogram that hold anything.

    Args:
        scale: Resolution: bounds are powers of ``2 ** (2 ** -scale)``.
        zero_count: Measurements too near to zero for a bucket.
        positive: Index of the first bucket above zero, and the counts from there on.
        negative: The same below zero.

    Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
    """
    below = [BucketView(-upper, -lower, count) for lower, upper, count in _powers(scale, *negative)]
    zero = [BucketView(0.0, 0.0, zero_count)] if zero_count else []
    above = [BucketView(lower, upper, count) for lower, upper, count in _powers(scale, *positive)]
    return (*reversed(below), *zero, *above)


def _powers(scale: int, offset: int, counts: Iterable[int]) -> Iterable[tuple[float, float, int]]:
    for index, count in enumerate(counts, offset):
        if count:
            yield _power(scale, index), _power(scale, index + 1), count


def _power(scale: int, index: int) -> float:
    """Return the lower bound of a bucket, the largest float at the most, whatever the sender says."""
    exponent = math.ldexp(float(index), -max(-10, min(scale, 60)))
    return 2.0**exponent if exponent < 1024 else sys.float_info.max
