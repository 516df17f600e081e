"""Meters of the engine for tests, and what their readers return."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from flext_observability.engine.metrics.provider import EngineMeterProvider, EngineReader

DELTAS = ("counter", "up_down_counter", "gauge", "histogram", "observable_counter", "observable_gauge")


class Metrics:
    """A provider of the engine with a cumulative reader and one of deltas."""

    def __init__(self, exemplar_filter: str = "always_off", limit: int = 2000, **options: Any) -> None:
        self.provider = EngineMeterProvider(Resource({}), exemplar_filter, limit, **options)
        self.meter: Any = self.provider.get_meter("m")
        self.cumulative = EngineReader(self.provider)
        self.delta = EngineReader(self.provider, DELTAS)

    def points(self) -> list[Any]:
        """Return all cumulative points."""
        return points_of(self.cumulative.collect())

    def deltas(self) -> list[Any]:
        """Return all points of the reader of deltas."""
        return points_of(self.delta.collect())

    def values(self) -> dict[str, Any]:
        """Return the cumulative values by the text of their attributes."""
        return {repr(point.attributes): point.value for point in self.points()}


def points_of(data: MetricsData | None) -> list[Any]:
    """Return all points."""
    return [
        point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]


def span_of(trace_id: int, *, sampled: bool = True) -> NonRecordingSpan:
    """Return a span with this trace id."""
    return NonRecordingSpan(SpanContext(trace_id, 2, is_remote=False, trace_flags=TraceFlags(int(sampled))))
