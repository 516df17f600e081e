"""Requests → two requests that have all items, with their resources and scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.wire.otlp.batch import count_items
from flext_observability.wire.otlp.encode import collector_message
from flext_observability.wire.otlp.encoder import RequestEncoder
from flext_observability.wire.otlp.split import count_request_items, describe_request, divide
from tests.backends.telemetry import make_metrics, make_spans
from tests.unit.wire.otlp import items
from tests.unit.wire.otlp.requests import contents


def _parts(signal: Signal, batch: Sequence[object], first: int) -> tuple[bytes, bytes, bytes]:
    body = RequestEncoder(signal).encode(batch)
    total = count_items(signal, batch)
    assert count_request_items(signal, body) == total
    head, tail = divide(signal, body, first)
    assert count_request_items(signal, head) == min(first, total)
    assert count_request_items(signal, tail) == max(total - first, 0)
    return body, head, tail


@settings(max_examples=items.EXAMPLES)
@given(st.lists(items.spans, max_size=5), st.integers(0, 6))
def test_spans(batch: list[ReadableSpan], first: int) -> None:
    body, head, tail = _parts("traces", batch, first)
    assert contents("traces", head) + contents("traces", tail) == contents("traces", body)


@settings(max_examples=items.EXAMPLES)
@given(st.lists(items.records, max_size=5), st.integers(0, 6))
def test_log_records(batch: list[ReadableLogRecord], first: int) -> None:
    body, head, tail = _parts("logs", batch, first)
    assert contents("logs", head) + contents("logs", tail) == contents("logs", body)


@settings(max_examples=items.EXAMPLES)
@given(items.collections, st.integers(0, 12))
def test_metrics(collection: MetricsData, first: int) -> None:
    body = RequestEncoder("metrics").encode([collection])
    head, tail = divide("metrics", body, first)
    assert _points(head) + _points(tail) == _points(body)
    assert len(_points(head)) == min(first, len(_points(body)))


def _points(body: bytes) -> list[Any]:
    """Return each data point with what contains it."""
    request: Any = collector_message("metrics", "Request")
    request.ParseFromString(body)
    points: list[Any] = []
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind) if kind else None
                about = metric.name, metric.unit, kind, str(getattr(data, "aggregation_temporality", ""))
                for point in data.data_points if data else ():
                    owner = resource.resource.SerializeToString(), scope.scope.SerializeToString()
                    points.append((*owner, *about, point.SerializeToString()))
    return points


def test_halves_equal_the_requests_of_half_a_batch() -> None:
    batch = make_spans(5)
    assert divide("traces", RequestEncoder("traces").encode(batch), 2) == (
        RequestEncoder("traces").encode(batch[:2]),
        RequestEncoder("traces").encode(batch[2:]),
    )


def test_unknown_fields_are_kept() -> None:
    body = RequestEncoder("traces").encode(make_spans(2))
    later = b"\x78\x01" + b"\x7d" + bytes(4) + b"\x79" + bytes(8) + b"\x7a\x01a"
    head, tail = divide("traces", body + later, 1)
    assert head.endswith(later)
    assert tail.endswith(later)
    assert (count_request_items("traces", head), count_request_items("traces", tail)) == (1, 1)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("body", [b"\x0a", b"\x0a\x05a", b"\x80", b"\x0b", b"\x08\x01", b"\x79\x00", b"\x7a\xff"])
def test_a_body_that_is_no_request_raises(signal: Signal, body: bytes) -> None:
    with pytest.raises(ValueError, match="OTLP request"):
        divide(signal, body, 1)
    assert describe_request(signal, body) == f"unreadable {signal}"


def test_the_first_item_is_named() -> None:
    record = ReadableLogRecord(LogRecord(timestamp=1, observed_timestamp=1, body="sold\nout"), Resource({}))
    data = make_metrics(lambda meter: meter.create_counter("sold").add(1))
    assert describe_request("traces", RequestEncoder("traces").encode(make_spans(1))) == "span span-0"
    assert describe_request("logs", RequestEncoder("logs").encode([record])) == "log record sold out"
    assert describe_request("metrics", RequestEncoder("metrics").encode([data])) == "metric sold"
    assert describe_request("traces", b"") == "unreadable traces"
