"""Random spans, log records and metrics that every encoder accepts."""

from __future__ import annotations

import os
from enum import IntEnum, StrEnum
from typing import Any

from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
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
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

EXAMPLES = int(os.environ.get("ENCODER_EXAMPLES", "150"))
"""Random batches of each test. A changed encoder is tested with some ten thousand."""


class Name(StrEnum):
    """Text that is a member of an enumeration."""

    GREEN = "green"


class Level(IntEnum):
    """A number that is a member of an enumeration."""

    HIGH = 3


keys = st.sampled_from(["http.method", "a", "", "名"]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text("ab", min_size=100, max_size=300)
int64s = st.integers(-(1 << 63), (1 << 63) - 1)
uint64s = st.integers(0, (1 << 64) - 1)
scalars = (
    texts
    | st.booleans()
    | int64s
    | st.floats()
    | st.binary(max_size=9)
    | st.sampled_from([0, 1, 0.0, -0.0, 1.0, "", b"", Name.GREEN, Level.HIGH])
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Generate values that contain others."""
    return st.recursive(
        inner, lambda each: st.lists(each, max_size=3) | st.dictionaries(keys, each, max_size=3), max_leaves=6
    )


values = nested(scalars)
attributes = st.dictionaries(keys, values | scalars, max_size=5)
times = uint64s | st.just(0)
trace_states = st.sampled_from([None, TraceState(), TraceState([("a", "1"), ("b", "2")])])
contexts = st.builds(
    SpanContext,
    st.integers(1, (1 << 128) - 1),
    st.integers(1, (1 << 64) - 1),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    trace_states,
)
half_contexts = st.sampled_from([SpanContext(1, 0, is_remote=False), SpanContext(0, 1, is_remote=False)])
flat = st.dictionaries(keys, texts | st.booleans() | int64s | st.floats(), max_size=3)
resources = st.builds(
    Resource, st.sampled_from([{}, {"service.name": "shop"}]) | flat, st.sampled_from(["", "https://r"])
)
scopes = st.builds(
    InstrumentationScope, st.sampled_from(["", "a", "名"]), st.none() | texts, st.none() | st.just("https://s"), flat
)
spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=resources,
    attributes=st.none() | attributes,
    events=st.lists(st.builds(Event, texts, flat, times), max_size=3),
    links=st.lists(st.builds(Link, contexts, flat), max_size=3),
    kind=st.sampled_from(SpanKind),
    status=st.builds(Status, st.sampled_from(StatusCode)) | st.builds(Status, st.just(StatusCode.ERROR), texts),
    start_time=st.none() | times,
    end_time=st.none() | times,
    instrumentation_scope=st.none() | scopes,
)
records = st.builds(
    ReadableLogRecord,
    st.builds(
        lambda ids, **fields: _record(ids, fields),
        st.none() | contexts | half_contexts,
        timestamp=st.none() | times,
        observed_timestamp=times,
        severity_text=st.none() | texts,
        severity_number=st.none() | st.sampled_from(SeverityNumber),
        body=values,
        attributes=st.none() | attributes,
        event_name=st.none() | texts,
    ),
    resources,
    st.none() | scopes,
)
numbers = int64s | st.floats()
exemplars = st.lists(
    st.builds(Exemplar, flat, numbers, times, st.none() | uint64s, st.none() | st.integers(0, (1 << 128) - 1)),
    max_size=2,
)
counts = st.lists(uint64s, max_size=5)
bounds = st.lists(st.floats(), max_size=5)
buckets = st.builds(Buckets, st.integers(-(1 << 31), (1 << 31) - 1), counts)
number_points = st.builds(NumberDataPoint, flat, times, times, numbers, exemplars)
histogram_points = st.builds(
    HistogramDataPoint,
    flat,
    times,
    times,
    uint64s,
    numbers,
    counts,
    bounds | bounds.map(tuple),
    st.none() | numbers,
    st.none() | numbers,
    exemplars,
)
exponential_points = st.builds(
    ExponentialHistogramDataPoint,
    flat,
    times,
    times,
    uint64s,
    numbers,
    st.integers(-20, 20),
    uint64s,
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
metrics = st.builds(Metric, texts, st.none() | texts, st.none() | st.just("ms"), data)
scope_metrics = st.builds(ScopeMetrics, scopes, st.lists(metrics, max_size=3), st.just(""))
resource_metrics = st.builds(ResourceMetrics, resources, st.lists(scope_metrics, max_size=2), st.just(""))
collections = st.builds(MetricsData, st.lists(resource_metrics, max_size=2))


def _record(ids: SpanContext | None, fields: dict[str, Any]) -> LogRecord:
    record = LogRecord(**fields)
    record.trace_id, record.span_id, record.trace_flags = (
        (0, 0, TraceFlags(0)) if ids is None else (ids.trace_id, ids.span_id, ids.trace_flags)
    )
    return record
