"""Our encoders give the bytes of the stock encoder, or raise, for random spans, log records and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum, StrEnum
from typing import Any

from hypothesis import given, settings, strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from flext_observability.wire.otlp.encode_logs import LogEncoder
from flext_observability.wire.otlp.encode_metrics import MetricEncoder
from flext_observability.wire.otlp.encode_traces import TraceEncoder

EXAMPLES = 150


class Name(StrEnum):
    """Text that is a member of an enumeration."""

    GREEN = "green"


class Level(IntEnum):
    """A number that is a member of an enumeration."""

    HIGH = 3


texts = st.text(max_size=12) | st.text("ab", min_size=100, max_size=300) | st.just("\ud800")
keys = st.sampled_from(["http.method", "a", "", "名"]) | st.text(max_size=5)
int64s = st.integers(-(1 << 63), (1 << 63) - 1)
plain = texts | st.booleans() | int64s | st.floats() | st.binary(max_size=9) | st.sampled_from([0, 0.0, -0.0, "", b""])
scalars = plain | st.integers() | st.none() | st.sampled_from([Name.GREEN, Level.HIGH, object(), 1j])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
attributes = st.dictionaries(keys, values, max_size=4) | st.dictionaries(keys, plain, max_size=4)
times = st.integers(0, (1 << 64) - 1) | st.none() | st.sampled_from([0, 1.5, -1])
counts = st.integers(0, (1 << 64) - 1)
trace_states = st.sampled_from([None, TraceState(), TraceState([("a", "1"), ("b", "2")])])
contexts = st.builds(
    SpanContext,
    st.integers(1, (1 << 128) - 1),
    st.integers(1, (1 << 64) - 1),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    trace_states,
)
flat = st.dictionaries(keys, st.text(max_size=9) | st.booleans() | int64s | st.floats(), max_size=3)
resources = st.lists(st.builds(Resource, flat, st.sampled_from(["", "https://r"])), min_size=1, max_size=2)
scopes = st.builds(
    InstrumentationScope, st.text(max_size=5), st.none() | st.text(max_size=5), st.none() | st.just("https://s"), flat
)
statuses = st.builds(Status, st.sampled_from(StatusCode)) | st.builds(Status, st.just(StatusCode.ERROR), texts)
spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=resources.map(lambda some: some[0]),
    attributes=attributes,
    events=st.lists(st.builds(Event, texts, flat, times), max_size=3),
    links=st.lists(st.builds(Link, contexts, flat), max_size=3),
    kind=st.sampled_from(SpanKind),
    status=statuses,
    start_time=times,
    end_time=times,
    instrumentation_scope=st.none() | scopes,
)
records = st.builds(
    ReadableLogRecord,
    st.builds(
        lambda ids, **fields: _record(ids, fields),
        st.none() | contexts,
        timestamp=times,
        observed_timestamp=times,
        severity_text=st.none() | texts,
        severity_number=st.none() | st.sampled_from(SeverityNumber),
        body=values,
        attributes=attributes,
        event_name=st.none() | texts,
    ),
    resources.map(lambda some: some[0]),
    st.none() | scopes,
)
numbers = int64s | st.floats() | st.booleans() | st.integers()
exemplars = st.lists(
    st.builds(
        Exemplar,
        flat,
        numbers,
        times,
        st.none() | st.integers(0, (1 << 64) - 1),
        st.none() | st.integers(0, (1 << 128) - 1),
    ),
    max_size=2,
)
buckets = st.builds(Buckets, st.integers(-(1 << 31), (1 << 31) - 1), st.lists(counts, max_size=5))
number_points = st.builds(NumberDataPoint, flat, times, times, numbers, exemplars)
histogram_points = st.builds(
    HistogramDataPoint,
    flat,
    times,
    times,
    counts,
    numbers,
    st.lists(counts, max_size=5),
    st.lists(st.floats(), max_size=5),
    st.none() | numbers,
    st.none() | numbers,
    exemplars,
)
exponential_points = st.builds(
    ExponentialHistogramDataPoint,
    flat,
    times,
    times,
    counts,
    numbers,
    st.integers(-20, 20),
    counts,
    buckets,
    buckets,
    st.integers(0, 3),
    numbers,
    numbers,
    exemplars,
)
temporalities = st.sampled_from(AggregationTemporality)
data = (
    st.builds(Gauge, st.lists(number_points, max_size=3))
    | st.builds(Sum, st.lists(number_points, max_size=3), temporalities, st.booleans())
    | st.builds(Histogram, st.lists(histogram_points, max_size=3), temporalities)
    | st.builds(ExponentialHistogram, st.lists(exponential_points, max_size=3), temporalities)
)
metrics = st.builds(Metric, st.text(max_size=9), st.none() | st.text(max_size=9), st.none() | st.just("ms"), data)
scope_metrics = st.builds(ScopeMetrics, scopes, st.lists(metrics, max_size=3), st.just(""))
collections = st.builds(
    MetricsData,
    st.lists(
        st.builds(
            ResourceMetrics, resources.map(lambda some: some[0]), st.lists(scope_metrics, max_size=2), st.just("")
        ),
        max_size=2,
    ),
)


def _record(ids: SpanContext | None, fields: dict[str, Any]) -> LogRecord:
    record = LogRecord(**fields)
    record.trace_id, record.span_id, record.trace_flags = (
        (0, 0, TraceFlags(0)) if ids is None else (ids.trace_id, ids.span_id, ids.trace_flags)
    )
    return record


def _encoded(encode: Callable[[Any], bytes], batch: object) -> bytes | None:
    try:
        return encode(batch)
    except Exception:  # noqa: BLE001 - encoders raise errors of many types
        return None


def _assert_equal(ours: Callable[[Any], bytes], stock: Callable[[Any], bytes], batch: Sequence[object]) -> None:
    encoded = _encoded(ours, batch)
    assert encoded is None or encoded == _encoded(stock, batch)
    assert _encoded(ours, batch) == encoded  # from the cache


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(spans, max_size=5))
def test_spans(batch: list[ReadableSpan]) -> None:
    _assert_equal(TraceEncoder().encode, lambda each: encode_spans(each).SerializeToString(), [*batch, *batch])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(records, max_size=5))
def test_log_records(batch: list[ReadableLogRecord]) -> None:
    _assert_equal(LogEncoder().encode, lambda each: encode_logs(each).SerializeToString(), [*batch, *batch])


@settings(max_examples=EXAMPLES, deadline=None)
@given(collections)
def test_metrics(collection: MetricsData) -> None:
    _assert_equal(MetricEncoder().encode, lambda each: encode_metrics(each[0]).SerializeToString(), [collection])
