"""Values of any type as attributes, extras and tags are encoded, or the result is a failure. Nothing raises."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from opentelemetry import trace
from pydantic import BaseModel

from flext_observability import flext_create_log_entry, flext_create_metric, flext_create_trace, traced
from tests.backends.collector import Collector
from tests.integration.bad_input import start


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: Decimal


class Order(BaseModel):
    number: int
    paid: datetime


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "decimal": Decimal("1.10"),
    "datetime": NOON,
    "path": Path("/var/log"),
    "enum": Colour.RED,
    "dataclass": Point(1, Decimal("2.5")),
    "model": Order(number=7, paid=NOON),
    "bytes": b"\x00\xff",
    "none": None,
    "nested": {"a": [1, {"b": NOON}]},
    "mixed": [1, "two", None],
    "long": "x" * 1_000_000,
    "surrogate": "a\ud800b",
    "huge": 10**30,
    "nan": float("nan"),
    "function": print,
    "loop": (loop := [1]),
}
loop.append(loop)  # type: ignore[arg-type]  # a list that contains itself
EXACT = {"path": "/var/log", "decimal": "1.10", "enum": "red", "surrogate": "a\ufffdb"}


def attributes_of(item: Any) -> dict[str, Any]:
    """Return the attributes of an OTLP item as text by name."""
    return {
        each.key: str(getattr(each.value, each.value.WhichOneof("value") or "string_value")) for each in item.attributes
    }


def assert_encoded(found: dict[str, str], prefix: str = "") -> None:
    assert {name.removeprefix(prefix) for name in found} >= set(VALUES) - {"none"}
    for name, text in found.items():
        assert len(text.encode()) <= 10_000, name
    for name, text in EXACT.items():
        assert found[prefix + name] == text
    assert NOON.isoformat()[:19] in found[f"{prefix}datetime"]
    assert json.loads(found[f"{prefix}nested"])["a"][0] == 1
    assert json.loads(found[f"{prefix}dataclass"])["x"] == 1
    assert json.loads(found[f"{prefix}model"])["number"] == 7


def test_attributes_of_any_type_arrive_encoded(received: Collector) -> None:
    handle = start(otlp_endpoint=received.url)
    with traced("block", VALUES):
        logging.getLogger("bad").warning("by extra", extra={f"x_{name}": value for name, value in VALUES.items()})
    flext_create_log_entry("info", "by entry", VALUES).unwrap()
    handle.tracing.complete_trace(flext_create_trace("by trace", "bad", VALUES).unwrap())
    report = handle.flush(5).unwrap()
    assert (report.complete, report.dropped) == (True, {})
    spans = {span.name: attributes_of(span) for span in received.spans()}
    logs = {record.body.string_value: attributes_of(record) for record in received.log_records()}
    assert_encoded(spans["block"])
    assert_encoded(spans["by trace"])
    assert_encoded(logs["by entry"])
    assert_encoded({key: text for key, text in logs["by extra"].items() if key.startswith("x_")}, "x_")


def test_tags_are_scalars_as_text_and_containers_are_rejected(received: Collector) -> None:
    handle = start(otlp_endpoint=received.url)
    results = {
        name: flext_create_metric("bad.metric", 1, "count", {name: value}, "counter") for name, value in VALUES.items()
    }
    rejected = {name for name, result in results.items() if not result.success}
    assert rejected >= {"nested", "mixed", "loop"}
    for name in rejected:
        assert results[name].code == "invalid_metric"
        assert (results[name].error or "").startswith("Invalid metric")
    report = handle.flush(5).unwrap()
    assert (report.complete, report.dropped) == (True, {})
    points = {
        key: text
        for metric in received.metrics()
        for point in metric.sum.data_points
        for key, text in attributes_of(point).items()
    }
    assert points.items() >= EXACT.items()


def test_an_invalid_value_from_the_otel_api_loses_itself_only(received: Collector) -> None:
    handle = start(exporters={"traces": "otlp"}, metrics_enabled=False, logs_enabled=False, otlp_endpoint=received.url)
    for name, value in {"before": "plain", "broken": "a\ud800b", "after": "plain"}.items():
        trace.get_tracer("raw").start_span(name, attributes={"text": value, "more": 1}).end()
    assert handle.flush(5).unwrap().complete
    found = {span.name: attributes_of(span) for span in received.spans()}
    assert list(found) == ["before", "broken", "after"]
    assert found["broken"]["more"] == "1"
