"""SharedMetricReader over the engine: every consumer gets the same points, with exemplars and calls."""

from __future__ import annotations

from typing import Any

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource

from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.engine.metrics.provider import EngineMeterProvider, EngineReader
from flext_observability.pipeline.shared_metric_reader import SharedMetricReader, count_points
from flext_observability.values.names import FUNCTION_CALLS_NAME, FUNCTION_DURATION_NAME, SCOPE_NAME


class Shared:
    """A reader of the engine behind our global provider."""

    def __init__(self) -> None:
        provider = EngineMeterProvider(Resource({}), "always_on")
        self.reader = SharedMetricReader(engine=EngineReader(provider))
        self.meters = DelegatingMeterProvider()
        self.meters.set_delegate(provider)


def metrics_of(data: MetricsData) -> dict[str, Any]:
    return {
        metric.name: metric.data
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_each_collection_has_totals_and_exemplars() -> None:
    shared = Shared()
    assert shared.reader.collect_for_push() is None
    shared.meters.get_meter("m").create_counter("sold").add(3, {"item": "tea"})
    for _ in range(2):
        data = shared.reader.collect_for_push()
        assert data is not None
        (point,) = metrics_of(data)["sold"].data_points
        assert (point.value, len(point.exemplars)) == (3, 1)


def test_calls_are_derived_from_durations() -> None:
    shared = Shared()
    shared.reader.counts_calls = True
    shared.meters.get_meter(SCOPE_NAME).create_histogram(FUNCTION_DURATION_NAME, "s").record(0.5)
    assert metrics_of(shared.reader.collect())[FUNCTION_CALLS_NAME].data_points[0].value == 1


def test_callbacks_run_once_and_may_collect() -> None:
    shared, calls = Shared(), 0

    def observe(_: CallbackOptions) -> list[Observation]:
        nonlocal calls
        calls += 1
        return [Observation(count_points(shared.reader.collect()))]

    shared.meters.get_meter("m").create_observable_gauge("x", [observe])
    assert metrics_of(shared.reader.collect())["x"].data_points[0].value == 0
    assert calls == 1
