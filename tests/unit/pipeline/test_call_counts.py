"""Durations of monitored functions → how often they were called, and nothing else touched."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, ScopeMetrics
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

from flext_observability.pipeline.call_counts import with_call_counts
from flext_observability.values.names import FUNCTION_CALLS_NAME, FUNCTION_DURATION_NAME, SCOPE_NAME

DELTA = AggregationTemporality.DELTA


class Meters:
    """A real SDK provider, read as often as a test likes."""

    def __init__(self, **reader: Any) -> None:
        self._reader = InMemoryMetricReader(**reader)
        self.provider = MeterProvider([self._reader], shutdown_on_exit=False)

    def scope(self) -> ScopeMetrics:
        data = self._reader.get_metrics_data()
        assert data is not None
        return data.resource_metrics[0].scope_metrics[0]


def counted(scope: ScopeMetrics) -> Any:
    (metric,) = [metric for metric in with_call_counts(scope) if metric.name == FUNCTION_CALLS_NAME]
    return metric


@pytest.mark.parametrize("aggregation", [{}, {Histogram: ExponentialBucketHistogramAggregation()}])
def test_each_series_of_durations_has_its_calls(aggregation: dict[type, Any]) -> None:
    meters = Meters(preferred_aggregation=aggregation)
    duration = meters.provider.get_meter(SCOPE_NAME).create_histogram(FUNCTION_DURATION_NAME, "s")
    for outcome, calls in (("ok", 3), ("error", 2)):
        for _ in range(calls):
            duration.record(0.1, {"flext.outcome": outcome})
    metric = counted(scope := meters.scope())
    assert {point.attributes["flext.outcome"]: point.value for point in metric.data.data_points} == {
        "ok": 3,
        "error": 2,
    }
    assert (metric.unit, metric.data.is_monotonic) == ("{call}", True)
    theirs: Any = scope.metrics[0].data.data_points[0]
    assert metric.data.data_points[0].start_time_unix_nano == theirs.start_time_unix_nano
    assert metric.data.data_points[0].time_unix_nano == theirs.time_unix_nano


def test_deltas_stay_deltas() -> None:
    meters = Meters(preferred_temporality={Histogram: DELTA})
    duration = meters.provider.get_meter(SCOPE_NAME).create_histogram(FUNCTION_DURATION_NAME, "s")
    for calls in (1, 2):
        for _ in range(calls):
            duration.record(0.1)
        data = counted(meters.scope()).data
        assert (data.aggregation_temporality, data.data_points[0].value) == (DELTA, calls)


def test_a_counter_that_was_written_while_the_provider_changed_counts_no_call_twice() -> None:
    meters = Meters()
    meter = meters.provider.get_meter(SCOPE_NAME)
    meter.create_histogram(FUNCTION_DURATION_NAME, "s").record(0.1)
    meter.create_counter(FUNCTION_CALLS_NAME, "{call}").add(1)
    assert counted(meters.scope()).data.data_points[0].value == 1


def test_other_metrics_and_other_scopes_are_left_alone() -> None:
    ours = Meters()
    ours.provider.get_meter(SCOPE_NAME).create_counter(FUNCTION_CALLS_NAME, "{call}").add(1)
    assert [metric.name for metric in with_call_counts(ours.scope())] == [FUNCTION_CALLS_NAME]
    theirs = Meters()
    theirs.provider.get_meter("theirs").create_histogram(FUNCTION_DURATION_NAME, "s").record(1)
    assert [metric.name for metric in with_call_counts(theirs.scope())] == [FUNCTION_DURATION_NAME]
