"""Views ↔ the JSON of the read API, both ways without loss (integers are exact, no NaN or Infinity in the text)."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

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


def to_json(value: object) -> object:
    """Return a value as JSON types.

    A view becomes an object with the names of its fields. Numbers that JSON cannot hold become ``"NaN"``, ``"Infinity"``, ``"-Infinity"``, as in
    protobuf's JSON; bytes become base64.
    """
    if is_dataclass(value):
        return {part.name: to_json(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json(item) for item in cast("Sequence[object]", value)]
    return value


def trace_from_json(content: JsonObject) -> TraceView:
    """Return the trace that ``/api/traces/{trace_id}`` answered with."""
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
    """Return a point of those that ``/api/metrics`` answered with."""
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
