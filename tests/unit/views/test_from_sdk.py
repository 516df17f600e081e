from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from flext_observability.views.from_sdk import log_view, metric_views, span_view
from flext_observability.views.model import LogView, MetricView, SpanView

RESOURCE = Resource({"service.name": "shop"})
REMOTE = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1))


def recorded() -> tuple[list[SpanView], SpanContext]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("scope")
    parent = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    links = [trace.Link(REMOTE, {"why": "retry"})]
    with tracer.start_as_current_span("root", parent, SpanKind.SERVER, {"a": 1}, links=links) as root:
        with tracer.start_as_current_span("child") as child:
            child.add_event("tick", {"n": 1}, timestamp=5)
            child.set_status(trace.StatusCode.ERROR, "broken")
        context = root.get_span_context()
    tracer.start_span("alone").end()
    return [span_view(span) for span in memory.get_finished_spans()], context


def test_spans_keep_ids_times_and_contents() -> None:
    (child, root, alone), context = recorded()
    assert (root.trace_id, root.parent_id, root.parent_is_remote) == ("abc".zfill(32), "def".zfill(16), True)
    assert (root.name, root.kind, root.service, root.scope) == ("root", "server", "shop", "scope")
    assert (root.attributes, root.links[0].attributes) == ({"a": 1}, {"why": "retry"})
    assert 0 < root.start_ns <= child.start_ns <= child.end_ns <= root.end_ns
    assert child.parent_id == f"{context.span_id:016x}"
    assert (child.status, child.status_message, child.parent_is_remote) == ("error", "broken", False)
    assert [(event.name, event.time_ns, event.attributes) for event in child.events] == [("tick", 5, {"n": 1})]
    assert (alone.parent_id, alone.status, alone.resource["service.name"]) == ("", "unset", "shop")


def emitted(**record: object) -> LogView:
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    emit: Any = provider.get_logger("scope").emit
    emit(**record)
    return log_view(memory.get_finished_logs()[0])


def test_log_records_keep_their_span() -> None:
    view = emitted(
        body="hello",
        severity_number=SeverityNumber.WARN2,
        attributes={"a": 1},
        timestamp=7,
        event_name="e",
        context=trace.set_span_in_context(NonRecordingSpan(REMOTE)),
    )
    assert (view.trace_id, view.span_id, view.sampled) == ("abc".zfill(32), "def".zfill(16), True)
    assert (view.time_ns, view.severity, view.body, view.service) == (7, "WARN", "hello", "shop")
    assert (view.attributes, view.event_name, view.scope) == ({"a": 1}, "e", "scope")


def test_log_records_outside_a_span_have_no_ids() -> None:
    view = emitted(severity_text="notice")
    assert (view.trace_id, view.span_id, view.sampled, view.severity) == ("", "", False, "NOTICE")
    assert view.time_ns > 0


def collected() -> dict[str, MetricView]:
    reader = InMemoryMetricReader()
    views = [View(instrument_name="fine", aggregation=ExponentialBucketHistogramAggregation())]
    provider = MeterProvider([reader], resource=RESOURCE, views=views, shutdown_on_exit=False)
    meter = provider.get_meter("scope")
    with trace.use_span(NonRecordingSpan(REMOTE)):
        meter.create_counter("sold", "{order}", "Orders sold").add(3, {"a": 1})
        meter.create_up_down_counter("stock").add(-1)
        meter.create_gauge("load").set(0.5)
        meter.create_histogram("time", "s", explicit_bucket_boundaries_advisory=[1, 2]).record(1.5)
        meter.create_histogram("fine", "s").record(3)
    data = reader.get_metrics_data()
    assert isinstance(data, MetricsData)
    return {view.name: view for view in metric_views(data)}


def test_metric_points_keep_kind_value_and_exemplar() -> None:
    points = collected()
    sold = points["sold"]
    assert (sold.kind, sold.unit, sold.value, sold.attributes) == ("counter", "{order}", 3, {"a": 1})
    assert (sold.description, sold.scope, sold.service, sold.cumulative) == ("Orders sold", "scope", "shop", True)
    assert (sold.exemplars[0].trace_id, sold.exemplars[0].span_id) == ("abc".zfill(32), "def".zfill(16))
    assert 0 < sold.start_ns <= sold.time_ns
    assert [points[name].kind for name in ("stock", "load")] == ["up_down_counter", "gauge"]


def test_histograms_of_both_kinds_have_buckets() -> None:
    points = collected()
    time, fine = points["time"], points["fine"]
    assert (time.kind, time.count, time.sum, time.min, time.max, time.value) == ("histogram", 1, 1.5, 1.5, 1.5, None)
    assert [bucket.count for bucket in time.buckets] == [0, 1, 0]
    assert [(bucket.count, bucket.lower <= 3 <= bucket.upper) for bucket in fine.buckets] == [(1, True)]


def test_a_service_without_a_name_is_unknown() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("").start_span("x").end()
    assert span_view(memory.get_finished_spans()[0]).service == "unknown_service"
