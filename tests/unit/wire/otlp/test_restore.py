"""Requests → items → equal requests, for random items; and the fields of restored items."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings, strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
    use_span,
)

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.wire.otlp.encoder import RequestEncoder
from flext_observability.wire.otlp.restore import load_restore_modules, restore
from tests.backends.telemetry import make_logs, make_metrics, make_spans
from tests.unit.wire.otlp import items
from tests.unit.wire.otlp.requests import contents, has_equal_groups

REMOTE = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "1"), ("b", "2")]))


def _assert_restored(signal: Signal, batch: Sequence[object]) -> None:
    body = RequestEncoder(signal).encode(batch)
    again = RequestEncoder(signal).encode(restore(signal, body))
    assert contents(signal, again) == contents(signal, body)
    if not has_equal_groups(signal, body):
        assert again == body


@settings(max_examples=items.EXAMPLES)
@given(st.lists(items.spans, max_size=5))
def test_spans(batch: list[ReadableSpan]) -> None:
    _assert_restored("traces", batch)


@settings(max_examples=items.EXAMPLES)
@given(st.lists(items.records, max_size=5))
def test_log_records(batch: list[ReadableLogRecord]) -> None:
    _assert_restored("logs", batch)


@settings(max_examples=items.EXAMPLES)
@given(st.lists(items.collections, max_size=3))
def test_metrics(batch: list[MetricsData]) -> None:
    _assert_restored("metrics", batch)


def full_spans() -> tuple[ReadableSpan, ...]:
    """Return a span with all fields, and with dropped items of each kind."""
    kept = InMemorySpanExporter()
    limits = SpanLimits(max_events=1, max_links=1, max_span_attributes=1, max_event_attributes=1, max_link_attributes=1)
    provider = TracerProvider(resource=Resource({"a": 1}, "https://r"), span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("lib", "1", "https://s", {"b": True})
    links = [Link(SpanContext(3, 4, is_remote=False), {"a": 1}), Link(REMOTE, {"a": 1, "b": (1, 2)})]
    parent = set_span_in_context(NonRecordingSpan(REMOTE))
    with tracer.start_as_current_span("work", parent, SpanKind.CLIENT, links=links) as span:
        span.set_attributes({"a": 1, "b": ("x", "y")})
        span.add_event("one")
        span.add_event("two", {"c": 3, "d": 4.5})
        span.set_status(StatusCode.ERROR, "broken")
    return kept.get_finished_spans()


def test_a_full_span() -> None:
    (before,) = full_spans()
    _assert_restored("traces", [before])
    (after,) = cast("list[ReadableSpan]", restore("traces", RequestEncoder("traces").encode([before])))
    for name in (
        "name",
        "context",
        "kind",
        "start_time",
        "end_time",
        "resource",
        "instrumentation_scope",
        "attributes",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
    ):
        assert getattr(after, name) == getattr(before, name), name
    assert after.parent == SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))  # OTLP lacks its trace state
    assert (after.status.status_code, after.status.description) == (StatusCode.ERROR, "broken")
    (event,), (link,) = after.events, after.links
    assert (event.name, event.timestamp) == (before.events[0].name, before.events[0].timestamp)
    assert (event.attributes, event.dropped_attributes) == ({"d": 4.5}, 1)
    assert (link.context.trace_id, link.context.span_id, link.context.is_remote) == (1, 2, True)
    assert (link.attributes, link.dropped_attributes) == ({"b": (1, 2)}, 1)
    assert json.loads(after.to_json())["status"] == {"status_code": "ERROR", "description": "broken"}


def test_spans_count_as_sampled() -> None:
    (span,) = cast("list[ReadableSpan]", restore("traces", RequestEncoder("traces").encode(make_spans(1))))
    assert span.context is not None
    assert span.context.trace_flags.sampled


def test_unknown_kinds_and_states_are_the_defaults() -> None:
    request = ExportTraceServiceRequest()
    message = request.resource_spans.add().scope_spans.add().spans.add()
    message.kind, message.status.code = cast("Any", 9), cast("Any", 9)
    (span,) = cast("list[ReadableSpan]", restore("traces", request.SerializeToString()))
    assert (span.kind, span.status.status_code) == (SpanKind.INTERNAL, StatusCode.UNSET)


def test_a_record_without_a_body_keeps_its_ids_and_dropped_attributes() -> None:
    (before,) = make_logs(1)
    record = before.log_record
    record.body = None
    record.attributes = BoundedAttributes(maxlen=1, attributes={"a": 1, "b": 2}, immutable=False)
    record.trace_id, record.span_id, record.trace_flags = 0, 0, TraceFlags(0)
    record.severity_number, record.event_name = SeverityNumber.WARN, "sold"
    _assert_restored("logs", [before])
    with use_span(NonRecordingSpan(REMOTE)):  # its ids are not those of the record
        (after,) = cast("list[ReadableLogRecord]", restore("logs", RequestEncoder("logs").encode([before])))
    assert (after.log_record.body, after.dropped_attributes) == (None, 1)
    assert (after.log_record.trace_id, after.log_record.span_id) == (0, 0)
    assert (after.log_record.severity_number, after.log_record.event_name) == (SeverityNumber.WARN, "sold")
    assert after.resource == before.resource


def test_a_body_of_any_value() -> None:
    body = {"list": [1, 2.5, b"x", None, {"deep": True}], "text": "x"}
    record = ReadableLogRecord(LogRecord(timestamp=1, observed_timestamp=2, body=cast("Any", body)), Resource({}))
    _assert_restored("logs", [record])
    (after,) = cast("list[ReadableLogRecord]", restore("logs", RequestEncoder("logs").encode([record])))
    assert after.log_record.body == {"list": (1, 2.5, b"x", None, {"deep": True}), "text": "x"}


def test_collections_of_one_resource_stay_apart() -> None:
    batch = [make_metrics(lambda meter: meter.create_counter("sold").add(1)) for _ in range(2)]
    restored = cast("list[MetricsData]", restore("metrics", RequestEncoder("metrics").encode(batch)))
    assert [data.resource_metrics[0].scope_metrics[0].metrics for data in restored] == [
        data.resource_metrics[0].scope_metrics[0].metrics for data in batch
    ]


def test_equal_scopes_are_one() -> None:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    for name in ("sold", "bought"):
        resource.scope_metrics.add().metrics.add(name=name).sum.data_points.add(as_int=1)
    (data,) = cast("list[MetricsData]", restore("metrics", request.SerializeToString()))
    (scope,) = data.resource_metrics[0].scope_metrics
    assert [metric.name for metric in scope.metrics] == ["sold", "bought"]


def test_a_summary_is_of_no_kind_of_the_sdk() -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.name = "old"
    metric.summary.data_points.add()
    with pytest.raises(ValueError, match="old is of the kind summary"):
        restore("metrics", request.SerializeToString())


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_body_that_is_no_request_raises(signal: Signal) -> None:
    load_restore_modules(signal)
    assert restore(signal, b"") == []
    with pytest.raises(DecodeError):
        restore(signal, b"\xff\xff")
