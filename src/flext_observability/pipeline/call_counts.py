"""Histogram of the durations of monitored functions → counter of their calls: the same number, measured once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import Metric, NumberDataPoint, ScopeMetrics, Sum

from flext_observability.adapters.function_calls import CALLS_DESCRIPTION, CALLS_NAME, CALLS_UNIT, DURATION_NAME
from flext_observability.adapters.metric import SCOPE_NAME


def with_call_counts(scope: ScopeMetrics) -> Sequence[Metric]:
    """Return the metrics of a scope, the counter of calls added when it has their durations."""
    if scope.scope.name != SCOPE_NAME:
        return scope.metrics
    durations = [metric for metric in scope.metrics if metric.name == DURATION_NAME]
    return [
        *(metric for metric in scope.metrics if metric.name != CALLS_NAME or not durations),
        *map(_calls, durations),
    ]


def _calls(durations: Metric) -> Metric:
    data: Any = durations.data  # of either kind of histogram
    points = [
        NumberDataPoint(point.attributes, point.start_time_unix_nano, point.time_unix_nano, point.count)
        for point in data.data_points
    ]
    counted = Sum(points, data.aggregation_temporality, is_monotonic=True)
    return Metric(CALLS_NAME, CALLS_DESCRIPTION, CALLS_UNIT, counted)
