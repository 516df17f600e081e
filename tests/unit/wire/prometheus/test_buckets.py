"""Cumulative buckets of real histogram points."""

from __future__ import annotations

from typing import cast

from opentelemetry.sdk.metrics.export import Buckets, ExponentialHistogramDataPoint, HistogramDataPoint

from flext_observability.wire.prometheus.buckets import explicit_buckets, exponential_buckets
from tests.backends.telemetry import make_metrics


def exponential(
    scale: int, positive: tuple[int, list[int]], negative: tuple[int, list[int]] = (0, []), zero: int = 0
) -> ExponentialHistogramDataPoint:
    count = sum(positive[1]) + sum(negative[1]) + zero
    return ExponentialHistogramDataPoint(
        attributes={},
        start_time_unix_nano=0,
        time_unix_nano=0,
        count=count,
        sum=0.0,
        scale=scale,
        zero_count=zero,
        positive=Buckets(*positive),
        negative=Buckets(*negative),
        flags=0,
        min=0.0,
        max=0.0,
    )


def test_explicit_bounds_add_up() -> None:
    def record(meter: object) -> None:
        histogram = meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 2])  # type: ignore[attr-defined]
        for value in (0.5, 1, 1.5, 9):
            histogram.record(value)

    data = make_metrics(record)
    point = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    assert explicit_buckets(cast("HistogramDataPoint", point)) == [(1, 2), (2, 3)]


def test_fine_scales_are_merged_to_powers_of_two() -> None:
    # At scale 1 the buckets from index 0 are (1, 1.41], (1.41, 2], (2, 2.83], (2.83, 4].
    assert exponential_buckets(exponential(1, (0, [1, 2, 3, 4]))) == [(2.0, 3), (4.0, 10)]


def test_empty_buckets_between_are_kept_and_around_are_not() -> None:
    point = exponential(0, (-1, [0, 1, 0, 0, 2, 0]))
    assert exponential_buckets(point) == [(2.0, 1), (4.0, 1), (8.0, 1), (16.0, 3)]


def test_coarse_scales_stay() -> None:
    assert exponential_buckets(exponential(-1, (0, [1, 2]))) == [(4.0, 1), (16.0, 3)]


def test_negative_values_and_zero() -> None:
    point = exponential(0, (0, [1]), (0, [2, 3]), zero=4)
    assert exponential_buckets(point) == [(-2.0, 3), (-1.0, 5), (0.0, 9), (2.0, 10)]


def test_bounds_that_no_float_holds_are_left_to_infinity() -> None:
    assert exponential_buckets(exponential(0, (1022, [1, 2]))) == [(2.0**1023, 1)]


def test_bounds_that_underflow_are_not_written_twice() -> None:
    assert exponential_buckets(exponential(0, (-1077, [1, 1]), zero=1)) == [(0.0, 1)]


def test_no_values() -> None:
    assert exponential_buckets(exponential(0, (0, []))) == []
