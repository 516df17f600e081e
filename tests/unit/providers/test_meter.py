"""Metric readers: one for all, and further ones for delta temporality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import AggregationTemporality, ExponentialHistogram, Histogram, MetricsData
from opentelemetry.sdk.resources import Resource

from flext_observability.providers.meter import MetricReaders
from flext_observability.settings.config import FlextObservabilityConfig

Settings = Callable[..., FlextObservabilityConfig]
RESOURCE = Resource({"service.name": "shop"})


def only(data: MetricsData) -> Any:
    return data.resource_metrics[0].scope_metrics[0].metrics[0].data


def test_page_and_push_share_one_reader(settings: Settings) -> None:
    config = settings()
    state = MetricReaders(config, RESOURCE, 1)
    state.make_provider(config, RESOURCE).get_meter("m").create_counter("x").add(2)
    assert list(state.for_push([object()] * 2)) == [state.cumulative] * 2
    assert only(state.cumulative.collect()).data_points[0].value == 2


@pytest.mark.parametrize(
    ("preference", "counter", "up_down"),
    [
        ("delta", AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE),
        ("lowmemory", AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE),
    ],
)
def test_temporality_applies_to_push_exporters_alone(
    settings: Settings, preference: str, counter: AggregationTemporality, up_down: AggregationTemporality
) -> None:
    config = settings(metrics_temporality_preference=preference)
    state = MetricReaders(config, RESOURCE, 1)
    meter = state.make_provider(config, RESOURCE).get_meter("m")
    meter.create_counter("x").add(2)
    assert only(next(state.for_push([object()])).collect()).aggregation_temporality is counter
    assert only(state.cumulative.collect()).aggregation_temporality is AggregationTemporality.CUMULATIVE
    meter.create_up_down_counter("y").add(2)
    assert only(next(state.for_push([object()])).collect()).aggregation_temporality is up_down


@pytest.mark.parametrize(
    ("name", "kind"),
    [("explicit_bucket_histogram", Histogram), ("base2_exponential_bucket_histogram", ExponentialHistogram)],
)
def test_histogram_aggregation(settings: Settings, name: str, kind: type) -> None:
    config = settings(metrics_default_histogram_aggregation=name)
    state = MetricReaders(config, RESOURCE, 1)
    state.make_provider(config, RESOURCE).get_meter("m").create_histogram("x").record(2)
    assert isinstance(only(state.cumulative.collect()), kind)


@pytest.mark.parametrize(("name", "count"), [("always_on", 1), ("always_off", 0), ("trace_based", 0)])
def test_exemplar_filter(settings: Settings, name: str, count: int) -> None:
    config = settings(metrics_exemplar_filter=name)
    state = MetricReaders(config, RESOURCE, 1)
    state.make_provider(config, RESOURCE).get_meter("m").create_counter("x").add(2)
    assert len(only(state.cumulative.collect()).data_points[0].exemplars) == count


def test_key_depends_on_resource_and_metric_settings(settings: Settings) -> None:
    key = MetricReaders(settings(), RESOURCE, 1).key
    assert MetricReaders(settings(service_name="other words"), RESOURCE, 1).key == key
    assert MetricReaders(settings(), Resource({"service.name": "other"}), 1).key != key
    assert MetricReaders(settings(metrics_exemplar_filter="always_off"), RESOURCE, 1).key != key
    assert MetricReaders(settings(), RESOURCE, 2).key == key


def test_each_delta_push_exporter_has_its_own_reader(settings: Settings) -> None:
    config = settings(metrics_temporality_preference="delta")
    state = MetricReaders(config, RESOURCE, 2)
    state.make_provider(config, RESOURCE).get_meter("m").create_counter("x").add(2)
    assert [only(each.collect()).data_points[0].value for each in state.for_push([object()] * 2)] == [2, 2]
    assert MetricReaders(config, RESOURCE, 1).key != state.key
