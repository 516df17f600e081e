from __future__ import annotations

from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import Aggregation, ExponentialBucketHistogramAggregation

from flext_observability.pipeline.shared_metric_reader import SharedMetricReader
from flext_observability.providers.points import to_metric_points
from flext_observability.views.metric_point import MetricPoint


def meter_of(aggregation: Aggregation | None = None) -> tuple[MeterProvider, SharedMetricReader]:
    state = SharedMetricReader(preferred_aggregation={Histogram: aggregation} if aggregation else {})
    assert isinstance(state.reader, InMemoryMetricReader)
    return MeterProvider(metric_readers=[state.reader], shutdown_on_exit=False), state


def only(state: SharedMetricReader) -> MetricPoint:
    (point,) = to_metric_points(state.collect())
    return point


def test_nothing_recorded_gives_no_point() -> None:
    _, state = meter_of()
    assert to_metric_points(state.collect()) == []


def test_sums_and_gauges_keep_kind_value_and_attributes() -> None:
    provider, state = meter_of()
    meter = provider.get_meter("t")
    meter.create_counter("orders", "{order}").add(2, {"paid": True})
    meter.create_up_down_counter("open").add(-1)
    meter.create_gauge("level", "%").set(0.5)
    found = {point.name: point for point in to_metric_points(state.collect())}
    assert {name: (point.kind, point.value, point.unit) for name, point in found.items()} == {
        "orders": ("counter", 2, "{order}"),
        "open": ("up_down_counter", -1, ""),
        "level": ("gauge", 0.5, "%"),
    }
    assert found["orders"].attributes == {"paid": True}
    assert found["orders"].time_ns > 0


def test_each_series_is_a_point() -> None:
    provider, state = meter_of()
    counter = provider.get_meter("t").create_counter("orders")
    for shop in "ab":
        counter.add(1, {"shop": shop})
    assert sorted(str(point.attributes["shop"]) for point in to_metric_points(state.collect())) == ["a", "b"]


def test_a_histogram_has_mean_count_total_and_buckets() -> None:
    provider, state = meter_of()
    histogram = provider.get_meter("t").create_histogram("d", "s", explicit_bucket_boundaries_advisory=[1.0, 2.0])
    for value in (0.5, 1.5, 4.0):
        histogram.record(value)
    point = only(state)
    assert (point.kind, point.value, point.count, point.total) == ("histogram", 2.0, 3, 6.0)
    assert (point.bounds, point.buckets) == ((1.0, 2.0), (1, 1, 1))


def test_an_exponential_histogram_has_classic_buckets() -> None:
    provider, state = meter_of(ExponentialBucketHistogramAggregation())
    histogram = provider.get_meter("t").create_histogram("d", "s")
    for value in (0.75, 1.5, 3.0, 3.5):
        histogram.record(value)
    point = only(state)
    assert (point.kind, point.count, point.total) == ("histogram", 4, 8.75)
    assert sum(point.buckets) == 4
    assert len(point.buckets) == len(point.bounds) + 1
    assert dict(zip(point.bounds, point.buckets, strict=False))[4.0] == 2
