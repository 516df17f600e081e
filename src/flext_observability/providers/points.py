"""MetricsData of the SDK → metric points that alert rules read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from opentelemetry.sdk.metrics import export

from flext_observability.views.metric_point import MetricPoint
from flext_observability.wire.prometheus.buckets import exponential_buckets


def to_metric_points(data: export.MetricsData) -> list[MetricPoint]:
    """Return one point for each series, of all resources and scopes."""
    return [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in _points(metric)
    ]


def _points(metric: export.Metric) -> Iterator[MetricPoint]:
    for point in metric.data.data_points:
        if isinstance(point, export.NumberDataPoint):
            yield _number(metric, point)
        elif isinstance(point, export.HistogramDataPoint):
            yield _histogram(metric, point, tuple(point.explicit_bounds), tuple(point.bucket_counts))
        else:
            classic = exponential_buckets(point)
            ranks = (0, *(rank for _, rank in classic), point.count)
            counts = tuple(upper - lower for lower, upper in pairwise(ranks))
            yield _histogram(metric, point, tuple(bound for bound, _ in classic), counts)


def _number(metric: export.Metric, point: export.NumberDataPoint) -> MetricPoint:
    kind: Literal["counter", "up_down_counter", "gauge"] = "gauge"
    if isinstance(metric.data, export.Sum):
        kind = "counter" if metric.data.is_monotonic else "up_down_counter"
    return MetricPoint(
        name=metric.name,
        unit=metric.unit or "",
        kind=kind,
        attributes=dict(point.attributes or {}),
        value=point.value,
        time_ns=point.time_unix_nano,
    )


def _histogram(
    metric: export.Metric,
    point: export.HistogramDataPoint | export.ExponentialHistogramDataPoint,
    bounds: tuple[float, ...],
    buckets: tuple[int, ...],
) -> MetricPoint:
    return MetricPoint(
        name=metric.name,
        unit=metric.unit or "",
        kind="histogram",
        attributes=dict(point.attributes or {}),
        value=point.sum / point.count if point.count else 0.0,
        time_ns=point.time_unix_nano,
        count=point.count,
        total=point.sum,
        bounds=bounds,
        buckets=buckets,
    )
