"""Durations of monitored functions (histogram) → counter of their calls, so that a call is measured once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flext_observability.values.metric_points import point_classes
from flext_observability.values.names import (
    FUNCTION_CALLS_DESCRIPTION,
    FUNCTION_CALLS_NAME,
    FUNCTION_CALLS_UNIT,
    FUNCTION_DURATION_NAME,
    SCOPE_NAME,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, ScopeMetrics


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
    classes = point_classes()
    points = [
        classes.NumberDataPoint(point.attributes, point.start_time_unix_nano, point.time_unix_nano, point.count)
        for point in data.data_points
    ]
    counted = classes.Sum(points, data.aggregation_temporality, is_monotonic=True)
    metric: Metric = classes.Metric(FUNCTION_CALLS_NAME, FUNCTION_CALLS_DESCRIPTION, FUNCTION_CALLS_UNIT, counted)
    return metric
