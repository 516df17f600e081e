"""Spans, log records and metrics of the OpenTelemetry SDK → views."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanKind as OtelSpanKind, format_span_id, format_trace_id

from flext_observability.values.foreign import is_a, plain_int
from flext_observability.values.metric_points import CUMULATIVE, kind_of
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
from flext_observability.views.plain import plain_attributes, plain_name, plain_quantity, plain_time, plain_value

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics import Exemplar, export
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

_KINDS: tuple[SpanKind, ...] = ("internal", "server", "client", "producer", "consumer")
_STATUSES: tuple[SpanStatus, ...] = ("unset", "ok", "error")


def span_view(span: ReadableSpan) -> SpanView:
    """Return the view of an ended span."""
    context = span.get_span_context() or INVALID_SPAN_CONTEXT
    return SpanView(
        trace_id=format_trace_id(context.trace_id),
        span_id=format_span_id(context.span_id),
        parent_id=format_span_id(span.parent.span_id) if span.parent else "",
        name=plain_name(span.name),
        service=_service(span.resource),
        kind=_KINDS[span.kind.value] if is_a(span.kind, OtelSpanKind) else "internal",
        start_ns=plain_time(span.start_time),
        end_ns=plain_time(span.end_time),
        status=_STATUSES[span.status.status_code.value],
        status_message=plain_name(span.status.description),
        attributes=plain_attributes(span.attributes),
        events=tuple(
            EventView(plain_name(event.name), plain_time(event.timestamp), plain_attributes(event.attributes))
            for event in span.events
        ),
        links=tuple(
            LinkView(
                format_trace_id(link.context.trace_id),
                format_span_id(link.context.span_id),
                plain_attributes(link.attributes),
            )
            for link in span.links
        ),
        parent_is_remote=bool(span.parent and span.parent.is_remote),
        scope=plain_name(span.instrumentation_scope.name) if span.instrumentation_scope else "",
        resource=plain_attributes(span.resource.attributes),
    )


def log_view(record: ReadableLogRecord) -> LogView:
    """Return the view of a log record."""
    log = record.log_record
    return LogView(
        trace_id=format_trace_id(log.trace_id) if log.trace_id else "",
        span_id=format_span_id(log.span_id) if log.span_id else "",
        time_ns=plain_time(log.timestamp) or plain_time(log.observed_timestamp),
        severity=severity_name(_severity_number(log.severity_number), plain_name(log.severity_text)),
        body=plain_value(log.body),
        service=_service(record.resource),
        attributes=plain_attributes(log.attributes),
        event_name=plain_name(log.event_name),
        sampled=bool(log.trace_flags and log.trace_flags.sampled),
        scope=plain_name(record.instrumentation_scope.name) if record.instrumentation_scope else "",
        resource=plain_attributes(record.resource.attributes),
    )


def _severity_number(severity: object) -> int:
    number = plain_int(severity.value if is_a(severity, SeverityNumber) else severity)
    return 0 if number is None else number


def metric_views(data: export.MetricsData) -> Iterator[MetricView]:
    """Yield the view of each metric point."""
    for of_resource in data.resource_metrics:
        service, resource = _service(of_resource.resource), plain_attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                instrument = _instrument_view(metric, service, of_scope.scope.name, resource)
                for point in metric.data.data_points:
                    yield _metric_view(instrument, point)


def _instrument_view(metric: export.Metric, service: str, scope: str, resource: Attributes) -> MetricView:
    return MetricView(
        name=metric.name,
        kind=_metric_kind(metric.data),
        unit=metric.unit or "",
        service=service,
        cumulative=getattr(metric.data, "aggregation_temporality", CUMULATIVE) == CUMULATIVE,
        description=metric.description or "",
        scope=scope,
        resource=resource,
    )


def _metric_view(instrument: MetricView, point: Any) -> MetricView:  # noqa: ANN401 - of three kinds
    series = replace(
        instrument,
        attributes=plain_attributes(point.attributes),
        exemplars=tuple(map(_exemplar, point.exemplars)),
        time_ns=point.time_unix_nano,
        start_ns=point.start_time_unix_nano or 0,
    )
    if hasattr(point, "value"):
        return replace(series, value=plain_quantity(point.value))
    return replace(
        series,
        count=point.count,
        sum=point.sum,
        min=point.min if math.isfinite(point.min) else None,
        max=point.max if math.isfinite(point.max) else None,
        buckets=_buckets(point),
    )


def _metric_kind(data: export.DataT) -> MetricKind:
    kind = kind_of(data)
    if kind == "Sum":
        return "counter" if getattr(data, "is_monotonic", False) else "up_down_counter"
    return "gauge" if kind == "Gauge" else "histogram"


def _buckets(point: Any) -> tuple[BucketView, ...]:  # noqa: ANN401 - of two kinds
    if hasattr(point, "explicit_bounds"):
        return explicit_buckets(point.explicit_bounds, point.bucket_counts)
    positive, negative = point.positive, point.negative
    return exponential_buckets(
        point.scale,
        point.zero_count,
        (positive.offset, positive.bucket_counts),
        (negative.offset, negative.bucket_counts),
    )


def _exemplar(exemplar: Exemplar) -> ExemplarView:
    return ExemplarView(
        value=plain_quantity(exemplar.value),
        time_ns=exemplar.time_unix_nano,
        trace_id=format_trace_id(exemplar.trace_id) if exemplar.trace_id else "",
        span_id=format_span_id(exemplar.span_id) if exemplar.span_id else "",
    )


def _service(resource: Resource) -> str:
    return plain_name(resource.attributes.get("service.name", "unknown_service"))
