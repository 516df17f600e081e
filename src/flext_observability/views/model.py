"""Spans, log records and metric points of any source → frozen views that the terminal and the read API show (no library types)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]
MetricKind = Literal["counter", "up_down_counter", "gauge", "histogram"]
Attributes = Mapping[str, object]


def no_attributes() -> Attributes:
    """Return an empty mapping (default of the fields below)."""
    return {}


@dataclass(frozen=True, slots=True)
class EventView:
    """Event of a span.

    Attributes:
        name: Its name, as sent.
        time_ns: Nanoseconds since the Unix epoch.
        attributes: As sent.
    """

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=no_attributes)


@dataclass(frozen=True, slots=True)
class LinkView:
    """Link of a span to another one; ids as lower-case hex."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=no_attributes)


@dataclass(frozen=True, slots=True)
class SpanView:
    """One span.

    Attributes:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        parent_id: 16 lower-case hex digits, or empty for the root of a trace.
        name: As sent; may hold any character.
        service: ``service.name`` of its resource.
        kind: Span kind in lower case.
        start_ns: Nanoseconds since the Unix epoch.
        end_ns: Nanoseconds since the Unix epoch; 0 while the span is open.
        status: ``unset``, ``ok`` or ``error``.
        status_message: Description of an error; may be empty.
        attributes: As sent.
        events: In the order of the sender.
        links: In the order of the sender.
        parent_is_remote: Whether the parent belongs to another process, as far as the sender says.
        scope: Name of the instrumentation scope.
        resource: Attributes of its resource.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    kind: SpanKind = "internal"
    start_ns: int = 0
    end_ns: int = 0
    status: SpanStatus = "unset"
    status_message: str = ""
    attributes: Attributes = field(default_factory=no_attributes)
    events: tuple[EventView, ...] = ()
    links: tuple[LinkView, ...] = ()
    parent_is_remote: bool = False
    scope: str = ""
    resource: Attributes = field(default_factory=no_attributes)


@dataclass(frozen=True, slots=True)
class LogView:
    """One log record.

    Attributes:
        trace_id: 32 lower-case hex digits; empty outside a trace.
        span_id: 16 lower-case hex digits; empty outside a span.
        time_ns: Nanoseconds since the Unix epoch.
        severity: ``TRACE``, ``DEBUG``, ``INFO``, ``WARN``, ``ERROR``, ``FATAL``, or what the sender called it.
        body: Text or structured value, as sent.
        service: ``service.name`` of its resource.
        attributes: As sent.
        event_name: Name of an event record; empty otherwise.
        sampled: Whether the spans of its trace are recorded, as far as the sender says.
        scope: Name of the instrumentation scope.
        resource: Attributes of its resource.
    """

    trace_id: str
    span_id: str
    time_ns: int
    severity: str
    body: object
    service: str
    attributes: Attributes = field(default_factory=no_attributes)
    event_name: str = ""
    sampled: bool = True
    scope: str = ""
    resource: Attributes = field(default_factory=no_attributes)


@dataclass(frozen=True, slots=True)
class TraceView:
    """What is known of one trace, in any order.

    Attributes:
        spans: Its spans.
        logs: Its log records.
        hidden_spans: Spans that belong to it but were not kept.
    """

    spans: tuple[SpanView, ...] = ()
    logs: tuple[LogView, ...] = ()
    hidden_spans: int = 0

    @property
    def trace_id(self) -> str:
        """Id of the trace; empty when nothing is known of it."""
        return self.spans[0].trace_id if self.spans else self.logs[0].trace_id if self.logs else ""


@dataclass(frozen=True, slots=True)
class BucketView:
    """Measurements with ``lower < value <= upper``; the outermost bounds are infinite."""

    lower: float
    upper: float
    count: int


@dataclass(frozen=True, slots=True)
class ExemplarView:
    """One measurement that led to a point; ids as lower-case hex, empty when not recorded in a span."""

    value: float
    time_ns: int
    trace_id: str = ""
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class MetricView:
    """One point of one series.

    Attributes:
        name: Of the instrument.
        kind: ``counter``, ``up_down_counter``, ``gauge`` or ``histogram`` (explicit and exponential alike).
        unit: UCUM unit.
        service: ``service.name`` of its resource.
        attributes: As sent.
        value: Of counters and gauges; None for histograms.
        count: Measurements of a histogram.
        sum: Of a histogram's measurements, in ``unit``.
        min: Least measurement of a histogram, when known.
        max: Largest measurement of a histogram, when known.
        buckets: Of a histogram, by rising bounds.
        exemplars: Measurements with their spans.
        time_ns: Time of the point, nanoseconds since the Unix epoch.
        start_ns: Start of what the point covers, nanoseconds since the Unix epoch.
        cumulative: Whether the point counts from the process's start; false for delta points.
        description: Of the instrument.
        scope: Name of the instrumentation scope.
        resource: Attributes of its resource.
    """

    name: str
    kind: MetricKind
    unit: str
    service: str
    attributes: Attributes = field(default_factory=no_attributes)
    value: float | None = None
    count: int = 0
    sum: float = 0.0
    min: float | None = None
    max: float | None = None
    buckets: tuple[BucketView, ...] = ()
    exemplars: tuple[ExemplarView, ...] = ()
    time_ns: int = 0
    start_ns: int = 0
    cumulative: bool = True
    description: str = ""
    scope: str = ""
    resource: Attributes = field(default_factory=no_attributes)


_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def severity_name(number: int, text: str) -> str:
    """Return the severity's short name from OTel's number (1 to 24), or the sender's text when there is no number.

    Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
    """
    if 1 <= number <= 24:
        return _SEVERITIES[(number - 1) // 4]
    return text.upper()
