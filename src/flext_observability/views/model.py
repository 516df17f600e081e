"""Neutral views of spans, log records and metric points: immutable, without types of any library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]
MetricKind = Literal["counter", "up_down_counter", "gauge", "histogram"]
Attributes = Mapping[str, object]


def no_attributes() -> Attributes:
    """Return an empty mapping, the default of fields."""
    return {}


@dataclass(frozen=True, slots=True)
class EventView:
    """Event of a span.

    Attributes:
        name: As sent.
        time_ns: Nanoseconds since the Unix epoch.
        attributes: As sent.
    """

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=no_attributes)


@dataclass(frozen=True, slots=True)
class LinkView:
    """Link to another span. Ids are lower-case hex."""

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
        name: As sent. It may contain any character.
        service: ``service.name`` of the resource.
        kind: Span kind in lower case.
        start_ns: Nanoseconds since the Unix epoch.
        end_ns: Nanoseconds since the Unix epoch; 0 while the span is open.
        status: ``unset``, ``ok`` or ``error``.
        status_message: Description of an error, or empty.
        attributes: As sent.
        events: As sent, in the same order.
        links: As sent, in the same order.
        parent_is_remote: Whether the parent belongs to another process, according to the sender.
        scope: Name of the instrumentation scope.
        resource: Attributes of the resource.
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
        severity: ``TRACE``, ``DEBUG``, ``INFO``, ``WARN``, ``ERROR``, ``FATAL``, or the text of the sender.
        body: Text or structured value, as sent.
        service: ``service.name`` of the resource.
        attributes: As sent.
        event_name: Name of an event record, or empty.
        sampled: Whether the trace is sampled, according to the sender.
        scope: Name of the instrumentation scope.
        resource: Attributes of the resource.
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
    """Known spans and log records of one trace, in any order.

    Attributes:
        spans: Spans.
        logs: Log records.
        hidden_spans: Number of spans that were received but not kept.
    """

    spans: tuple[SpanView, ...] = ()
    logs: tuple[LogView, ...] = ()
    hidden_spans: int = 0

    @property
    def trace_id(self) -> str:
        """Id of the trace; empty without spans and log records."""
        return self.spans[0].trace_id if self.spans else self.logs[0].trace_id if self.logs else ""


@dataclass(frozen=True, slots=True)
class BucketView:
    """Number of measurements with ``lower < value <= upper``. The outermost bounds may be infinite."""

    lower: float
    upper: float
    count: int


@dataclass(frozen=True, slots=True)
class ExemplarView:
    """Example of a measurement. Ids are lower-case hex, empty outside a span."""

    value: float
    time_ns: int
    trace_id: str = ""
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class MetricView:
    """Point of a metric series at one moment.

    Attributes:
        name: Of the instrument.
        kind: ``counter``, ``up_down_counter``, ``gauge`` or ``histogram``, explicit or exponential. Observable
            instruments have the same kinds.
        unit: UCUM unit.
        service: ``service.name`` of the resource.
        attributes: As sent.
        value: Sum or latest value; None for histograms.
        count: Number of measurements of a histogram.
        sum: Sum of the measurements of a histogram, in ``unit``.
        min: Smallest measurement of a histogram, if known.
        max: Largest measurement of a histogram, if known.
        buckets: Buckets of a histogram in rising order.
        exemplars: Measurements with the ids of their spans.
        time_ns: Time of the point, nanoseconds since the Unix epoch.
        start_ns: Start of the time that the point covers, nanoseconds since the Unix epoch.
        cumulative: Whether the point covers the time since the start of the process; false for deltas.
        description: Of the instrument.
        scope: Name of the instrumentation scope.
        resource: Attributes of the resource.
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
    """Return the short name of a severity number from 1 to 24; for other numbers the text of the sender, in upper case.

    Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
    """
    if 1 <= number <= 24:
        return _SEVERITIES[(number - 1) // 4]
    return text.upper()
