"""Exponential histograms as native histograms: every count is in the bucket of its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st
from opentelemetry.sdk.metrics.export import Buckets, ExponentialHistogramDataPoint

from flext_observability.wire.prometheus.native import native_histogram

BUCKETS = st.builds(Buckets, st.integers(-1000, 1000), st.lists(st.sampled_from((0, 0, 0, 1, 5, 2**40)), max_size=40))


def point(scale: int, positive: Buckets, negative: Buckets, zeros: int = 0) -> ExponentialHistogramDataPoint:
    count = sum(positive.bucket_counts) + sum(negative.bucket_counts) + zeros
    return ExponentialHistogramDataPoint({}, 0, 0, count, 0.0, scale, zeros, positive, negative, 0, 0, 0)


def counts(spans: Sequence[tuple[int, int]], deltas: Sequence[int]) -> dict[int, int]:
    """Return the non-empty buckets by index, as Prometheus reads them."""
    found: dict[int, int] = {}
    rest, index, count = iter(deltas), 0, 0
    for number, (offset, length) in enumerate(spans):
        assert length > 0
        assert number == 0 or offset > 0, "spans are not adjacent"
        index += offset
        for _ in range(length):
            count += next(rest)
            assert count >= 0
            if count:
                found[index] = count
            index += 1
    assert next(rest, None) is None
    return found


def expected(buckets: Buckets, shift: int) -> dict[int, int]:
    """Return the non-empty buckets by the index of Prometheus, whose upper bound is the base to that power."""
    found: Counter[int] = Counter()
    for index, count in enumerate(buckets.bucket_counts, buckets.offset):
        found[(index >> shift) + 1] += count
    return {index: count for index, count in found.items() if count}


@given(st.integers(-4, 20), BUCKETS, BUCKETS, st.integers(0, 3))
def test_every_bucket_arrives(scale: int, positive: Buckets, negative: Buckets, zeros: int) -> None:
    native = native_histogram(point(scale, positive, negative, zeros))
    assert native is not None
    assert (native.schema, native.zero_count) == (min(scale, 8), zeros)
    assert counts(*native.positive) == expected(positive, max(scale - 8, 0))
    assert counts(*native.negative) == expected(negative, max(scale - 8, 0))


def test_short_gaps_are_empty_buckets_and_long_gaps_begin_a_span() -> None:
    native = native_histogram(point(0, Buckets(-2, [1, 0, 0, 4, 0, 0, 0, 2]), Buckets(0, [])))
    assert native is not None
    assert native.positive == ([(-1, 4), (3, 1)], [1, -1, 0, 4, -2])
    assert native.negative == ([], [])


@pytest.mark.parametrize("scale", [-5, -10])
def test_a_scale_that_native_histograms_do_not_have(scale: int) -> None:
    assert native_histogram(point(scale, Buckets(0, [1]), Buckets(0, []))) is None
