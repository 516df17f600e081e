from __future__ import annotations

import math

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from flext_observability.viewer.from_otlp import log_views, metric_views, span_views
from flext_observability.views.model import MetricView

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
SCOPE = InstrumentationScope(name="scope")


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


RESOURCE = Resource(attributes=[text("service.name", "shop")])


def request(*spans: Span) -> ExportTraceServiceRequest:
    of_scope = ScopeSpans(scope=SCOPE, spans=spans)
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=RESOURCE, scope_spans=[of_scope])])


def test_a_span_keeps_all_fields() -> None:
    event = Span.Event(name="tick", time_unix_nano=7, attributes=[text("a", "b")])
    link = Span.Link(trace_id=TRACE, span_id=SPAN, attributes=[text("c", "d")])
    span = Span(
        trace_id=TRACE,
        span_id=SPAN,
        parent_span_id=SPAN,
        name="job",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=5,
        end_time_unix_nano=9,
        status=Status(code=Status.STATUS_CODE_ERROR, message="broken"),
        attributes=[text("e", "f")],
        events=[event],
        links=[link],
        flags=0x301,
    )
    (view,), refused = span_views(request(span))
    assert refused == 0
    assert (view.trace_id, view.span_id, view.parent_id) == (TRACE.hex(), SPAN.hex(), SPAN.hex())
    assert (view.name, view.kind, view.service, view.scope) == ("job", "client", "shop", "scope")
    assert (view.start_ns, view.end_ns, view.status, view.status_message) == (5, 9, "error", "broken")
    assert (view.attributes, view.parent_is_remote, view.resource) == ({"e": "f"}, True, {"service.name": "shop"})
    assert (view.events[0].name, view.events[0].time_ns, view.events[0].attributes) == ("tick", 7, {"a": "b"})
    assert (view.links[0].trace_id, view.links[0].span_id, view.links[0].attributes) == (
        TRACE.hex(),
        SPAN.hex(),
        {"c": "d"},
    )


def test_spans_without_valid_ids_are_counted() -> None:
    wrong = [Span(trace_id=TRACE), Span(span_id=SPAN), Span(trace_id=bytes(16), span_id=SPAN), Span(trace_id=b"x")]
    views, refused = span_views(request(*wrong, Span(trace_id=TRACE, span_id=SPAN)))
    assert (len(views), refused) == (1, 4)


def test_unknown_enum_values_have_defaults() -> None:
    unknown = Span.FromString(
        Span(trace_id=TRACE, span_id=SPAN, parent_span_id=b"invalid").SerializeToString()
        + b"\x30\x63"
        + b"\x7a\x02\x18\x63"
    )
    (view,), _ = span_views(request(unknown))
    assert (unknown.kind, unknown.status.code) == (99, 99)
    assert (view.kind, view.status, view.parent_id) == ("internal", "unset", "")


def test_attribute_values_of_every_kind_are_kept() -> None:
    nested = KeyValueList(values=[text("x", "y")])
    values = [
        AnyValue(string_value="s"),
        AnyValue(bool_value=False),
        AnyValue(int_value=-1),
        AnyValue(double_value=0.5),
        AnyValue(bytes_value=b"\x00"),
        AnyValue(kvlist_value=nested),
        AnyValue(),
    ]
    array = AnyValue(array_value=ArrayValue(values=values))
    record = LogRecord(body=array)
    (view,) = log_views(logs(record))
    assert view.body == ["s", False, -1, 0.5, b"\x00", {"x": "y"}, None]


def logs(*records: LogRecord) -> ExportLogsServiceRequest:
    of_scope = ScopeLogs(scope=SCOPE, log_records=records)
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=RESOURCE, scope_logs=[of_scope])])


def test_a_log_record_keeps_all_fields() -> None:
    record = LogRecord(
        trace_id=TRACE,
        span_id=SPAN,
        time_unix_nano=5,
        severity_number=SEVERITY_NUMBER_ERROR,
        body=AnyValue(string_value="hello"),
        attributes=[text("a", "b")],
        event_name="e",
    )
    (view,) = log_views(logs(record))
    assert (view.trace_id, view.span_id, view.time_ns, view.severity) == (TRACE.hex(), SPAN.hex(), 5, "ERROR")
    assert (view.body, view.service, view.attributes, view.event_name) == ("hello", "shop", {"a": "b"}, "e")
    assert (view.sampled, view.scope, view.resource) == (True, "scope", {"service.name": "shop"})


def test_a_log_record_without_time_has_its_observed_time() -> None:
    (view,) = log_views(logs(LogRecord(observed_time_unix_nano=8, trace_id=b"short", severity_text="notice")))
    assert (view.time_ns, view.trace_id, view.span_id, view.severity) == (8, "", "", "NOTICE")


def metrics(*metric: pb.Metric) -> list[MetricView]:
    of_scope = pb.ScopeMetrics(scope=SCOPE, metrics=metric)
    of_resource = pb.ResourceMetrics(scope_metrics=[of_scope])
    return metric_views(ExportMetricsServiceRequest(resource_metrics=[of_resource]))


def test_numbers_keep_kind_value_and_exemplars() -> None:
    exemplars = [
        pb.Exemplar(as_int=3, time_unix_nano=4, trace_id=TRACE, span_id=SPAN),
        pb.Exemplar(as_double=0.5),
    ]
    point = pb.NumberDataPoint(
        as_int=3, attributes=[text("a", "b")], time_unix_nano=5, start_time_unix_nano=2, exemplars=exemplars
    )
    total = pb.Sum(data_points=[point], is_monotonic=True, aggregation_temporality=pb.AGGREGATION_TEMPORALITY_DELTA)
    (view,) = metrics(pb.Metric(name="sold", unit="{order}", description="Sold", sum=total))
    assert (view.name, view.kind, view.unit, view.value, view.description) == ("sold", "counter", "{order}", 3, "Sold")
    assert (view.time_ns, view.start_ns, view.cumulative, view.attributes) == (5, 2, False, {"a": "b"})
    assert (view.service, view.scope) == ("unknown_service", "scope")
    assert [(e.value, e.time_ns, e.trace_id, e.span_id) for e in view.exemplars] == [
        (3, 4, TRACE.hex(), SPAN.hex()),
        (0.5, 0, "", ""),
    ]


def test_kinds_of_number_points() -> None:
    point = pb.NumberDataPoint(as_double=0.5)
    views = metrics(
        pb.Metric(name="up-down", sum=pb.Sum(data_points=[point])),
        pb.Metric(name="gauge", gauge=pb.Gauge(data_points=[point])),
        pb.Metric(name="nothing"),
    )
    assert [(view.name, view.kind, view.value, view.cumulative) for view in views] == [
        ("up-down", "up_down_counter", 0.5, True),
        ("gauge", "gauge", 0.5, True),
    ]


def test_points_without_a_recorded_value_are_omitted() -> None:
    assert metrics(pb.Metric(name="g", gauge=pb.Gauge(data_points=[pb.NumberDataPoint(flags=1)]))) == []


def test_histograms_have_buckets() -> None:
    point = pb.HistogramDataPoint(count=3, sum=4.5, min=1, max=2, explicit_bounds=[1, 2], bucket_counts=[1, 2, 0])
    bare = pb.HistogramDataPoint(count=1, sum=1)
    first, second = metrics(pb.Metric(name="h", histogram=pb.Histogram(data_points=[point, bare])))
    assert (first.kind, first.count, first.sum, first.min, first.max) == ("histogram", 3, 4.5, 1, 2)
    assert [(bucket.lower, bucket.upper, bucket.count) for bucket in first.buckets] == [
        (-math.inf, 1, 1),
        (1, 2, 2),
        (2, math.inf, 0),
    ]
    assert (second.min, second.max, second.value) == (None, None, None)


def test_exponential_histograms_and_summaries_are_histograms() -> None:
    buckets = pb.ExponentialHistogramDataPoint.Buckets(offset=0, bucket_counts=[2])
    fine = pb.ExponentialHistogramDataPoint(count=2, sum=3, positive=buckets)
    summary = pb.SummaryDataPoint(count=4, sum=8)
    one, two = metrics(
        pb.Metric(name="e", exponential_histogram=pb.ExponentialHistogram(data_points=[fine])),
        pb.Metric(name="s", summary=pb.Summary(data_points=[summary])),
    )
    assert (one.kind, one.count, [(b.lower, b.upper, b.count) for b in one.buckets]) == ("histogram", 2, [(1, 2, 2)])
    assert (two.kind, two.count, two.sum, two.buckets) == ("histogram", 4, 8, ())
