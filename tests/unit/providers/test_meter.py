"""Metric readers: one for all, and further ones for delta temporality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    Histogram,
    InMemoryMetricReader,
    MetricsData,
)
from opentelemetry.sdk.resources import Resource

from flext_observability.providers.meter import MetricReaders, is_lean
from flext_observability.providers.notices import Notices
from flext_observability.settings.config import FlextObservabilityConfig

Settings = Callable[..., FlextObservabilityConfig]
RESOURCE = Resource({"service.name": "shop"})


def only(data: MetricsData) -> Any:
    return data.resource_metrics[0].scope_metrics[0].metrics[0].data


ENGINES = pytest.mark.parametrize("lean", [False, True])


@ENGINES
def test_page_and_push_share_one_reader(settings: Settings, lean: bool) -> None:
    config = settings()
    state = MetricReaders(config, RESOURCE, 1, lean=lean)
    state.make_provider(config, RESOURCE).get_meter("m").create_counter("x").add(2)
    assert list(state.for_push([object()] * 2)) == [state.cumulative] * 2
    assert only(state.cumulative.collect()).data_points[0].value == 2


@ENGINES
@pytest.mark.parametrize(
    ("preference", "counter", "up_down"),
    [
        ("delta", AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE),
        ("lowmemory", AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE),
    ],
)
def test_temporality_applies_to_push_exporters_alone(
    settings: Settings, preference: str, counter: AggregationTemporality, up_down: AggregationTemporality, lean: bool
) -> None:
    config = settings(metrics_temporality_preference=preference)
    state = MetricReaders(config, RESOURCE, 1, lean=lean)
    meter = state.make_provider(config, RESOURCE).get_meter("m")
    meter.create_counter("x").add(2)
    assert only(next(state.for_push([object()])).collect()).aggregation_temporality is counter
    assert only(state.cumulative.collect()).aggregation_temporality is AggregationTemporality.CUMULATIVE
    meter.create_up_down_counter("y").add(2)
    assert only(next(state.for_push([object()])).collect()).aggregation_temporality is up_down


@ENGINES
@pytest.mark.parametrize(
    ("name", "kind"),
    [("explicit_bucket_histogram", Histogram), ("base2_exponential_bucket_histogram", ExponentialHistogram)],
)
def test_histogram_aggregation(settings: Settings, name: str, kind: type, lean: bool) -> None:
    config = settings(metrics_default_histogram_aggregation=name)
    state = MetricReaders(config, RESOURCE, 1, lean=lean)
    state.make_provider(config, RESOURCE).get_meter("m").create_histogram("x").record(2)
    assert isinstance(only(state.cumulative.collect()), kind)


@ENGINES
@pytest.mark.parametrize(("name", "count"), [("always_on", 1), ("always_off", 0), ("trace_based", 0)])
def test_exemplar_filter(settings: Settings, name: str, count: int, lean: bool) -> None:
    config = settings(metrics_exemplar_filter=name)
    state = MetricReaders(config, RESOURCE, 1, lean=lean)
    state.make_provider(config, RESOURCE).get_meter("m").create_counter("x").add(2)
    assert len(only(state.cumulative.collect()).data_points[0].exemplars) == count


def test_key_depends_on_resource_and_metric_settings(settings: Settings) -> None:
    key = MetricReaders(settings(), RESOURCE, 1).key
    assert MetricReaders(settings(service_name="other words"), RESOURCE, 1).key == key
    assert MetricReaders(settings(), Resource({"service.name": "other"}), 1).key != key
    assert MetricReaders(settings(metrics_exemplar_filter="always_off"), RESOURCE, 1).key != key
    assert MetricReaders(settings(), RESOURCE, 2).key == key


@ENGINES
def test_each_delta_push_exporter_has_its_own_reader(settings: Settings, lean: bool) -> None:
    config = settings(metrics_temporality_preference="delta")
    state = MetricReaders(config, RESOURCE, 2, lean=lean)
    state.make_provider(config, RESOURCE).get_meter("m").create_counter("x").add(2)
    assert [only(each.collect()).data_points[0].value for each in state.for_push([object()] * 2)] == [2, 2]
    assert MetricReaders(config, RESOURCE, 1).key != state.key


def test_the_sdk_aggregates_for_readers_of_exporters_and_by_setting(settings: Settings) -> None:
    foreign, notices = [InMemoryMetricReader()], Notices()
    assert is_lean(settings(engine="lean"), (), notices)
    assert not is_lean(settings(engine="sdk"), (), notices)
    assert notices.all() == ()
    assert not is_lean(settings(engine="lean"), foreign, notices)
    (notice,) = notices.all()
    assert "The SDK aggregates the metrics, because an exporter has its own reader" in notice.message
    assert "otlp" in notice.fix
    assert not notice.degrades


def test_the_cardinality_limit_is_a_setting(settings: Settings) -> None:
    config = settings(metrics_cardinality_limit=2)
    state = MetricReaders(config, RESOURCE, 1, lean=True)
    counter = state.make_provider(config, RESOURCE).get_meter("m").create_counter("x")
    for number in range(9):
        counter.add(1, {"k": number})
    points = only(state.cumulative.collect()).data_points
    assert [(dict(point.attributes), point.value) for point in points][2:] == [({"otel.metric.overflow": True}, 7)]
