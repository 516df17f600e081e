"""Durations of monitored functions (histogram) → counter of their calls, so that a call is measured once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import Metric, NumberDataPoint, ScopeMetrics, Sum

from flext_observability.values.names import (
    FUNCTION_CALLS_DESCRIPTION,
    FUNCTION_CALLS_NAME,
    FUNCTION_CALLS_UNIT,
    FUNCTION_DURATION_NAME,
    SCOPE_NAME,
)


def with_call_counts(scope: ScopeMetrics) -> Sequence[Metric]:
    """Return the metrics of a scope, with the counter of calls if the scope has their durations."""
    if scope.scope.name != SCOPE_NAME:
        return scope.metrics
    durations = [metric for metric in scope.metrics if metric.name == FUNCTION_DURATION_NAME]
    return [
        *(metric for metric in scope.metrics if metric.name != FUNCTION_CALLS_NAME or not durations),
        *map(_calls, durations),
    ]


def _calls(durations: Metric) -> Metric:
    data: Any = durations.data  # of either kind of histogram
    points = [
        NumberDataPoint(point.attributes, point.start_time_unix_nano, point.time_unix_nano, point.count)
        for point in data.data_points
    ]
    counted = Sum(points, data.aggregation_temporality, is_monotonic=True)
    return Metric(FUNCTION_CALLS_NAME, FUNCTION_CALLS_DESCRIPTION, FUNCTION_CALLS_UNIT, counted)
