"""Spans, log records and data points as JSON → OTLP over HTTP, for shapes that no instrumentation here produces."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.stack.clients import Collector

SERVER, CLIENT, INTERNAL = 2, 3, 1
OK, ERROR = 1, 2


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A span with new ids. It ends now."""

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    kind: int = INTERNAL
    status: Mapping[str, Any] = field(default_factory=dict[str, Any])
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    duration_seconds: float = 0.001
    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    span_id: str = field(default_factory=lambda: secrets.token_hex(8))
    parent_id: str = ""


def send_spans(
    collector: Collector, service: str, spans: Sequence[SentSpan], resource: Mapping[str, Any] | None = None
) -> None:
    """Send spans of one service in one request."""
    rows = [_span(one) for one in spans]
    group = {"resource": _resource(service, resource), "scopeSpans": [{"scope": {"name": "test"}, "spans": rows}]}
    _post(collector, "/v1/traces", {"resourceSpans": [group]})


def send_log(collector: Collector, service: str, body: Any, attributes: Mapping[str, Any], trace_id: str) -> None:
    """Send one log record."""
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityText": "INFO",
        "traceId": trace_id,
        "body": value(body),
        "attributes": pairs(attributes),
    }
    group = {"resource": _resource(service), "scopeLogs": [{"logRecords": [record]}]}
    _post(collector, "/v1/logs", {"resourceLogs": [group]})


def send_counter(
    collector: Collector, service: str, name: str, attributes: Mapping[str, Any], exemplar: Mapping[str, Any]
) -> None:
    """Send one data point of a counter, with an exemplar that has these attributes."""
    now = str(time.time_ns())
    one = {"timeUnixNano": now, "asInt": "1", "traceId": secrets.token_hex(16), "spanId": secrets.token_hex(8)}
    point = {
        "startTimeUnixNano": str(time.time_ns() - 10**9),
        "timeUnixNano": now,
        "asInt": "1",
        "attributes": pairs(attributes),
        "exemplars": [one | {"filteredAttributes": pairs(exemplar)}],
    }
    total = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}
    group = {"resource": _resource(service), "scopeMetrics": [{"metrics": [{"name": name, "sum": total}]}]}
    _post(collector, "/v1/metrics", {"resourceMetrics": [group]})


def pairs(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return attributes in OTLP's form."""
    return [{"key": key, "value": value(one)} for key, one in values.items()]


def value(one: Any) -> dict[str, Any]:
    """Return a value in OTLP's form."""
    match one:
        case bool():
            return {"boolValue": one}
        case int():
            return {"intValue": str(one)}
        case float():
            return {"doubleValue": one}
        case list():
            return {"arrayValue": {"values": [value(item) for item in one]}}
        case dict():
            return {"kvlistValue": {"values": pairs(one)}}
        case _:
            return {"stringValue": str(one)}


def _span(one: SentSpan) -> dict[str, Any]:
    now = time.time_ns()
    events = [{"timeUnixNano": str(now), "name": name, "attributes": pairs(more)} for name, more in one.events]
    return {
        "traceId": one.trace_id,
        "spanId": one.span_id,
        "parentSpanId": one.parent_id,
        "name": one.name,
        "kind": one.kind,
        "startTimeUnixNano": str(now - int(one.duration_seconds * 1e9)),
        "endTimeUnixNano": str(now),
        "status": dict(one.status),
        "attributes": pairs(one.attributes),
        "events": events,
    }


def _resource(service: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"attributes": pairs({"service.name": service} | dict(more or {}))}


def _post(collector: Collector, path: str, body: Mapping[str, Any]) -> None:
    # trust_env=False: a proxy of the environment must not be used for loopback.
    with httpx.Client(trust_env=False, timeout=15.0) as http:
        http.post(f"{collector.http_endpoint}{path}", json=body).raise_for_status()
