"""OTLP export requests → views. Spans without valid ids are rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flext_observability.views.buckets import explicit_buckets, exponential_buckets
from flext_observability.views.model import (
    Attributes,
    BucketView,
    EventView,
    ExemplarView,
    LinkView,
    LogView,
    MetricKind,
    MetricView,
    SpanKind,
    SpanStatus,
    SpanView,
    severity_name,
)

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_KINDS: tuple[SpanKind, ...] = ("internal", "internal", "server", "client", "producer", "consumer")
_STATUSES: tuple[SpanStatus, ...] = ("unset", "ok", "error")
_PARENT_IS_REMOTE = 0x200  # bit of Span.flags
_NO_RECORDED_VALUE = 1  # bit of a data point's flags
_DELTA = 1  # AggregationTemporality


@dataclass(frozen=True, slots=True)
class _Sender:
    """Resource and scope of an item."""

    service: str
    scope: str
    resource: Attributes


def span_views(request: ExportTraceServiceRequest) -> tuple[list[SpanView], int]:
    """Return the spans, and the number of those without a valid trace id or span id."""
    received: list[tuple[Span, _Sender]] = list(_items(request, "spans", "spans"))
    views = [_span_view(span, sender) for span, sender in received if _has_valid_ids(span)]
    return views, len(received) - len(views)


def _has_valid_ids(span: Span) -> bool:
    return bool(_hex(span.trace_id, 16) and _hex(span.span_id, 8))


def _span_view(span: Span, sender: _Sender) -> SpanView:
    return SpanView(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=_hex(span.parent_span_id, 8),
        name=span.name,
        service=sender.service,
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "internal",
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=_STATUSES[span.status.code] if 0 <= span.status.code < len(_STATUSES) else "unset",
        status_message=span.status.message,
        attributes=_attributes(span.attributes),
        events=tuple(
            EventView(event.name, event.time_unix_nano, _attributes(event.attributes)) for event in span.events
        ),
        links=tuple(
            LinkView(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes)) for link in span.links
        ),
        parent_is_remote=bool(span.flags & _PARENT_IS_REMOTE),
        scope=sender.scope,
        resource=sender.resource,
    )


def log_views(request: ExportLogsServiceRequest) -> list[LogView]:
    """Return the log records. Invalid ids become empty."""
    return [_log_view(record, sender) for record, sender in _items(request, "logs", "log_records")]


def _log_view(record: LogRecord, sender: _Sender) -> LogView:
    return LogView(
        trace_id=_hex(record.trace_id, 16),
        span_id=_hex(record.span_id, 8),
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        severity=severity_name(record.severity_number, record.severity_text),
        body=_value(record.body),
        service=sender.service,
        attributes=_attributes(record.attributes),
        event_name=record.event_name,
        scope=sender.scope,
        resource=sender.resource,
    )


def metric_views(request: ExportMetricsServiceRequest) -> list[MetricView]:
    """Return the points of all metrics. A summary becomes a histogram without buckets."""
    return [point for metric, sender in _items(request, "metrics", "metrics") for point in _points(metric, sender)]


def _points(metric: pb.Metric, sender: _Sender) -> Iterator[MetricView]:
    instrument = MetricView(
        name=metric.name,
        kind=_metric_kind(metric),
        unit=metric.unit,
        service=sender.service,
        description=metric.description,
        scope=sender.scope,
        resource=sender.resource,
    )
    yield from _numbers(instrument, metric.gauge.data_points)
    delta = _DELTA in (
        metric.sum.aggregation_temporality,
        metric.histogram.aggregation_temporality,
        metric.exponential_histogram.aggregation_temporality,
    )
    instrument = replace(instrument, cumulative=not delta)
    yield from _numbers(instrument, metric.sum.data_points)
    for point in metric.histogram.data_points:
        yield replace(_totals(instrument, point), buckets=explicit_buckets(point.explicit_bounds, point.bucket_counts))
    for exponential in metric.exponential_histogram.data_points:
        yield replace(_totals(instrument, exponential), buckets=_exponential_buckets(exponential))
    for summary in metric.summary.data_points:
        yield replace(_common(instrument, summary), count=summary.count, sum=summary.sum)


def _metric_kind(metric: pb.Metric) -> MetricKind:
    kind = metric.WhichOneof("data")
    if kind == "sum":
        return "counter" if metric.sum.is_monotonic else "up_down_counter"
    return "gauge" if kind in ("gauge", None) else "histogram"


def _numbers(instrument: MetricView, points: Iterable[pb.NumberDataPoint]) -> Iterator[MetricView]:
    for point in points:
        if not point.flags & _NO_RECORDED_VALUE:
            value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
            yield replace(_common(instrument, point), value=value, exemplars=_exemplars(point.exemplars))


def _totals(instrument: MetricView, point: pb.HistogramDataPoint | pb.ExponentialHistogramDataPoint) -> MetricView:
    return replace(
        _common(instrument, point),
        count=point.count,
        sum=point.sum,
        min=point.min if point.HasField("min") else None,
        max=point.max if point.HasField("max") else None,
        exemplars=_exemplars(point.exemplars),
    )


def _common(
    instrument: MetricView,
    point: pb.NumberDataPoint | pb.HistogramDataPoint | pb.ExponentialHistogramDataPoint | pb.SummaryDataPoint,
) -> MetricView:
    return replace(
        instrument,
        attributes=_attributes(point.attributes),
        time_ns=point.time_unix_nano,
        start_ns=point.start_time_unix_nano,
    )


def _exponential_buckets(point: pb.ExponentialHistogramDataPoint) -> tuple[BucketView, ...]:
    return exponential_buckets(
        point.scale,
        point.zero_count,
        (point.positive.offset, point.positive.bucket_counts),
        (point.negative.offset, point.negative.bucket_counts),
    )


def _exemplars(exemplars: Iterable[pb.Exemplar]) -> tuple[ExemplarView, ...]:
    return tuple(
        ExemplarView(
            value=exemplar.as_int if exemplar.WhichOneof("value") == "as_int" else exemplar.as_double,
            time_ns=exemplar.time_unix_nano,
            trace_id=_hex(exemplar.trace_id, 16),
            span_id=_hex(exemplar.span_id, 8),
        )
        for exemplar in exemplars
    )


def _items(request: Any, signal: str, field: str) -> Iterator[tuple[Any, _Sender]]:  # noqa: ANN401 - of any signal
    """Yield each item of an export request with its sender."""
    for of_resource in getattr(request, f"resource_{signal}"):
        resource = _attributes(of_resource.resource.attributes)
        service = str(resource.get("service.name", "unknown_service"))
        for of_scope in getattr(of_resource, f"scope_{signal}"):
            sender = _Sender(service, of_scope.scope.name, resource)
            for item in getattr(of_scope, field):
                yield item, sender


def _hex(identifier: bytes, size: int) -> str:
    """Return an id as hex; empty if it is invalid."""
    return identifier.hex() if len(identifier) == size and any(identifier) else ""


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None
