"""Our encoders give the bytes of the stock encoder, or raise, for random spans, log records and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from hypothesis import given, settings, strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    set_span_in_context,
)

from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.wire.otlp.encode_attributes import AttributeEncoder
from flext_observability.wire.otlp.encode_logs import LogEncoder
from flext_observability.wire.otlp.encode_metrics import MetricEncoder
from flext_observability.wire.otlp.encode_traces import TraceEncoder
from flext_observability.wire.otlp.encoder import RequestEncoder
from tests.unit.wire.otlp.items import (
    EXAMPLES,
    Name,
    attributes,
    collections,
    contexts,
    flat,
    keys,
    nested,
    number_points,
    numbers,
    records,
    scalars,
    spans,
    times,
)

bad_values = nested(scalars | st.integers() | st.none() | st.sampled_from(["\ud800", object(), 1j, 1 << 70]))
bad_times = st.sampled_from([-1, 1.5, 1 << 64, "1"])
bad_numbers = st.sampled_from([True, 1 << 63, "1", None])
changes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["\ud800", Name.GREEN, b"a", 1, None]),
        "attributes": st.dictionaries(keys | st.just("\ud800"), bad_values, max_size=3),
        "start_time": bad_times,
        "context": st.sampled_from([SpanContext(0, 0, is_remote=False), None]),
        "kind": st.sampled_from([None, 2]),
    },
)

programs = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["GET /", "POST /orders"]),
            "kind": st.sampled_from(SpanKind),
            "attributes": attributes,
            "parent": st.none() | contexts.filter(lambda context: context.is_valid),
            "links": st.lists(st.builds(Link, contexts, flat), max_size=2),
            "events": st.lists(st.tuples(st.just("event"), flat), max_size=2),
            "status": st.none() | st.sampled_from(StatusCode),
        }
    ),
    max_size=6,
)


def _encoded(encode: Callable[[Any], bytes], batch: object) -> bytes | None:
    try:
        return encode(batch)
    except Exception:  # noqa: BLE001 - encoders raise errors of many types
        return None


def _assert_equal(ours: Callable[[Any], bytes], stock: Callable[[Any], bytes], batch: Sequence[object]) -> None:
    """Compare the bytes; the second time from the cache."""
    expected = stock(batch)
    assert ours(batch) == expected
    assert ours(batch) == expected


def _assert_not_laxer(ours: Callable[[Any], bytes], stock: Callable[[Any], bytes], batch: Sequence[object]) -> None:
    """Compare the bytes where ours encodes the batch at all."""
    encoded = _encoded(ours, batch)
    assert encoded is None or encoded == _encoded(stock, batch)


def _stock_spans(batch: Sequence[ReadableSpan]) -> bytes:
    return encode_spans(batch).SerializeToString()


def _stock_logs(batch: Sequence[ReadableLogRecord]) -> bytes:
    return encode_logs(batch).SerializeToString()


def _stock_metrics(batch: Sequence[MetricsData]) -> bytes:
    return encode_metrics(batch[0]).SerializeToString()


@settings(max_examples=EXAMPLES)
@given(st.lists(spans, max_size=5))
def test_spans(batch: list[ReadableSpan]) -> None:
    _assert_equal(TraceEncoder().encode, _stock_spans, [*batch, *batch])


@settings(max_examples=EXAMPLES)
@given(st.lists(records, max_size=5))
def test_log_records(batch: list[ReadableLogRecord]) -> None:
    _assert_equal(LogEncoder().encode, _stock_logs, [*batch, *batch])


@settings(max_examples=EXAMPLES)
@given(collections)
def test_metrics(collection: MetricsData) -> None:
    _assert_equal(MetricEncoder().encode, _stock_metrics, [collection])


@settings(max_examples=EXAMPLES)
@given(spans, changes)
def test_unusual_spans(span: ReadableSpan, changed: dict[str, Any]) -> None:
    fields = ("name", "context", "parent", "resource", "attributes", "events", "links", "kind", "status")
    options = {name: getattr(span, name) for name in (*fields, "start_time", "end_time")}
    _assert_not_laxer(TraceEncoder().encode, _stock_spans, [span, ReadableSpan(**{**options, **changed})])


@settings(max_examples=EXAMPLES)
@given(records, bad_values, st.dictionaries(keys | st.just("\ud800"), bad_values, max_size=3))
def test_unusual_log_records(readable: ReadableLogRecord, body: object, attributes: dict[str, Any]) -> None:
    record = LogRecord(timestamp=1, body=cast("Any", body), attributes=attributes)
    unusual = ReadableLogRecord(record, readable.resource)
    _assert_not_laxer(LogEncoder().encode, _stock_logs, [readable, unusual])


@settings(max_examples=EXAMPLES)
@given(number_points, bad_numbers | numbers, times | bad_times, st.dictionaries(keys, bad_values, max_size=3))
def test_unusual_points(point: NumberDataPoint, value: Any, time: Any, attributes: dict[str, Any]) -> None:
    unusual = NumberDataPoint(attributes, 1, time, value)
    metric = Metric("sold", "", "", Sum([point, unusual], AggregationTemporality.DELTA, is_monotonic=True))
    scope = ScopeMetrics(InstrumentationScope("a"), [metric], "")
    collection = MetricsData([ResourceMetrics(Resource({}), [scope], "")])
    _assert_not_laxer(MetricEncoder().encode, _stock_metrics, [collection])


@settings(max_examples=EXAMPLES)
@given(programs)
def test_spans_of_the_engine(programs: list[dict[str, Any]]) -> None:
    kept: list[ReadableSpan] = []
    provider = EngineTracerProvider(
        resource=Resource({"service.name": "shop"}),
        sampler=ALWAYS_ON,
        rule=SamplingRule(1 << 64, parent_based=False),
        limits=SpanLimits(max_span_attributes=4, max_events=1, max_links=1),
        sink=SpanSink(kept.append),
    )
    for program in programs:
        tracer = provider.get_tracer("first" if program["kind"] is SpanKind.SERVER else "second")
        parent = program["parent"]
        context = set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
        span = tracer.start_span(
            program["name"], context, program["kind"], program["attributes"], links=program["links"]
        )
        for event in program["events"]:
            span.add_event(*event)
        if program["status"] is not None:
            span.set_status(program["status"])
        span.end()
    # Old SDKs put None into sequences, which only the stock encoder encodes.
    assert RequestEncoder("traces").encode(kept) == _stock_spans(kept)


@settings(max_examples=EXAMPLES)
@given(st.lists(attributes, max_size=6))
def test_attributes(some: list[dict[str, Any]]) -> None:
    encoder = AttributeEncoder(b"\x0a")
    for each in [*some, *some]:  # the second time from the cache
        span = ReadableSpan("", SpanContext(1, 1, is_remote=False), attributes=each)
        (stock,) = encode_spans([span]).resource_spans[0].scope_spans[0].spans
        assert encoder.encode(each) == ResourceMessage(attributes=stock.attributes).SerializeToString()
