"""JSON of the viewer's read API → views."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flext_observability.views.model import (
    BucketView,
    EventView,
    ExemplarView,
    LinkView,
    LogView,
    MetricView,
    SpanView,
    TraceView,
)

JsonObject = dict[str, Any]


def trace_from_json(content: JsonObject) -> TraceView:
    """Return the trace in an answer of ``/api/traces/{trace_id}``."""
    return TraceView(
        spans=tuple(map(_span_from_json, content["spans"])),
        logs=tuple(LogView(**log) for log in content["logs"]),
        hidden_spans=content["hidden_spans"],
    )


def _span_from_json(content: JsonObject) -> SpanView:
    return replace(
        SpanView(**content),
        events=tuple(EventView(**event) for event in content["events"]),
        links=tuple(LinkView(**link) for link in content["links"]),
    )


def metric_from_json(content: JsonObject) -> MetricView:
    """Return a metric point in an answer of ``/api/metrics``."""
    point = MetricView(**content)
    return replace(
        point,
        value=_number(content["value"]),
        sum=_number(content["sum"]) or 0.0,
        min=_number(content["min"]),
        max=_number(content["max"]),
        buckets=tuple(map(_bucket_from_json, content["buckets"])),
        exemplars=tuple(map(_exemplar_from_json, content["exemplars"])),
    )


def _bucket_from_json(content: JsonObject) -> BucketView:
    return BucketView(float(content["lower"]), float(content["upper"]), content["count"])


def _exemplar_from_json(content: JsonObject) -> ExemplarView:
    return replace(ExemplarView(**content), value=float(content["value"]))


def _number(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, str) else value
