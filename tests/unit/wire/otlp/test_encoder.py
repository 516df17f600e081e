"""Requests of unusual batches come from the stock encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from types import SimpleNamespace
from typing import Any, cast

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import Buckets
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from flext_observability.domain.report import Signal
from flext_observability.wire.otlp.any_value import NotEncodableError
from flext_observability.wire.otlp.encode import encode_request
from flext_observability.wire.otlp.encode_logs import LogEncoder
from flext_observability.wire.otlp.encode_metrics import MetricEncoder
from flext_observability.wire.otlp.encode_traces import TraceEncoder
from flext_observability.wire.otlp.encoder import RequestEncoder
from tests.backends.telemetry import make_logs, make_metrics, make_spans


def batch(signal: Signal, **attributes: object) -> Sequence[object]:
    if signal == "metrics":
        return [make_metrics(lambda meter: meter.create_counter("sold").add(2, {"shop": "north"}))]
    return make_spans(3, **attributes) if signal == "traces" else make_logs(3)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_requests_equal_those_of_the_stock_encoder(signal: Signal) -> None:
    items, encoder = batch(signal), RequestEncoder(signal)
    assert encoder.encode(items) == encoder.encode(items) == encode_request(signal, items)


def test_an_unusual_batch_is_encoded_by_the_stock_encoder() -> None:
    items = batch("traces", nothing=[None, 1])
    assert RequestEncoder("traces").encode(items) == encode_request("traces", items)


def nested(wrap: Callable[[object], object]) -> object:
    """Return a value that is nested twenty times."""
    return reduce(lambda inner, _: wrap(inner), range(20), cast("object", 1))


@pytest.mark.parametrize(
    "value",
    [
        nested(lambda value: [value]),
        nested(lambda value: {"a": value}),
        1 << 70,
        {"a": [1, {"b": True}]},
        b"\x00",
        0.0,
        "x" * 500,
    ],
)
def test_values_of_any_kind_equal_those_of_the_stock_encoder(value: object) -> None:
    items = batch("traces", value=value)
    assert RequestEncoder("traces").encode(items) == encode_request("traces", items)


def test_a_full_span_equals_that_of_the_stock_encoder() -> None:
    kept = InMemorySpanExporter()
    limits = SpanLimits(max_events=1, max_links=1, max_span_attributes=1, max_event_attributes=0, max_link_attributes=0)
    provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    remote = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "1")]))
    links = [Link(remote, {"a": 1}), Link(SpanContext(3, 4, is_remote=False))]
    parent = set_span_in_context(NonRecordingSpan(remote))
    with provider.get_tracer("lib", "1").start_as_current_span("work", parent, links=links) as span:
        span.set_attributes({"a": 1, "b": 2})
        span.add_event("one", {"c": 3})
        span.add_event("two")
        span.set_status(StatusCode.ERROR, "broken")
    items = kept.get_finished_spans()
    assert RequestEncoder("traces").encode(items) == encode_request("traces", items)


def test_a_record_without_a_body_equals_that_of_the_stock_encoder() -> None:
    items = make_logs(1)
    items[0].log_record.body = None
    assert RequestEncoder("logs").encode(items) == encode_request("logs", items)


def test_data_of_an_unknown_kind_is_left_to_the_stock_encoder() -> None:
    data = make_metrics(lambda meter: meter.create_counter("sold").add(2))
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0]
    unknown = replace(metric, data=cast("Any", SimpleNamespace(data_points=[])))
    scope = replace(data.resource_metrics[0].scope_metrics[0], metrics=[unknown])
    items = [replace(data, resource_metrics=[replace(data.resource_metrics[0], scope_metrics=[scope])])]
    assert RequestEncoder("metrics").encode(items) == encode_request("metrics", items)


@pytest.mark.parametrize(
    ("field", "value"), [("value", True), ("exemplars", [Exemplar({}, cast("Any", True), 1, None, None)])]
)
def test_a_flag_as_a_measurement_is_left_to_the_stock_encoder(field: str, value: object) -> None:
    data = make_metrics(lambda meter: meter.create_counter("sold").add(2))
    point = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    object.__setattr__(point, field, value)

    def outcome(encode: Callable[[], bytes]) -> object:
        try:
            return encode()
        except Exception as error:  # noqa: BLE001 - of protobuf, in its newer versions
            return str(error)

    stock = outcome(lambda: encode_request("metrics", [data]))
    assert outcome(lambda: RequestEncoder("metrics").encode([data])) == stock


def test_buckets_without_counts_equal_those_of_the_stock_encoder() -> None:
    view = View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())
    data = make_metrics(lambda meter: meter.create_histogram("time").record(2.5), views=[view])
    point = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    object.__setattr__(point, "negative", Buckets(0, []))
    assert RequestEncoder("metrics").encode([data]) == encode_request("metrics", [data])


def test_caches_are_bounded() -> None:
    encoder = RequestEncoder("traces")
    for number in range(1200):
        items = [span_with(f"key{number}", Resource({"number": number}))]
        assert encoder.encode(items) == encode_request("traces", items)
    items = [span_with("key", Resource({}), value) for value in range(200)]
    assert encoder.encode(items) == encoder.encode(items) == encode_request("traces", items)


def span_with(key: str, resource: Resource, value: int = 1) -> ReadableSpan:
    context = SpanContext(1, 2, is_remote=False)
    return ReadableSpan(key, context, resource=resource, attributes={key: value}, start_time=1, end_time=2)


def test_a_key_that_is_not_text_is_left_to_the_stock_encoder() -> None:
    items = [span_with(cast("str", 5), Resource({}))]
    items[0]._name = "work"
    assert RequestEncoder("traces").encode(items) == encode_request("traces", items)


def test_a_batch_that_cannot_be_encoded_raises() -> None:
    with pytest.raises(AttributeError):
        RequestEncoder("traces").encode(cast("Sequence[object]", ["text"]))


def test_large_items_and_many_sizes_equal_those_of_the_stock_encoder() -> None:
    traces, logs = make_spans(1, text="x" * 10_000), [replace(make_logs(1)[0])]
    logs[0].log_record.attributes = BoundedAttributes(maxlen=1, attributes={"a": 1, "b": 2}, immutable=False)
    assert RequestEncoder("traces").encode(traces) == encode_request("traces", traces)
    assert LogEncoder().encode(logs) == encode_request("logs", logs)


def test_histograms_with_many_numbers_of_buckets_equal_those_of_the_stock_encoder() -> None:
    encoder = MetricEncoder()
    for number in range(80):
        bounds = [float(each) for each in range(number)]
        view = View(instrument_name="*", aggregation=ExplicitBucketHistogramAggregation(bounds))
        data = make_metrics(lambda meter: meter.create_histogram("time").record(2.5), views=[view])
        point = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
        object.__setattr__(point, "explicit_bounds", tuple(bounds))
        assert encoder.encode([data]) == encode_request("metrics", [data])


def test_a_span_context_of_another_class_is_left_to_the_stock_encoder() -> None:
    class Context(SpanContext):
        pass

    items = [ReadableSpan("work", Context(1, 2, is_remote=False))]
    with pytest.raises(NotEncodableError):
        TraceEncoder().encode(items)
    assert RequestEncoder("traces").encode(items) == encode_request("traces", items)


def test_bounds_in_a_list_may_change() -> None:
    data = make_metrics(lambda meter: meter.create_histogram("time").record(2.5))
    point = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    bounds = [1.0, 2.0]
    object.__setattr__(point, "explicit_bounds", bounds)
    encoder = MetricEncoder()
    for _ in range(2):
        assert encoder.encode([data]) == encode_request("metrics", [data])
        bounds[0] = 1.5
