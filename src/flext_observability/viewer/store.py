"""Views as they arrive → queries over what is kept: traces, log records, metric series, services (bounded memory, any thread)."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from flext_observability.viewer.lru import Shelf
from flext_observability.views.model import LogView, MetricView, SpanView, TraceView
from flext_observability.views.series import merge, series_key

_BASE_WEIGHT = 500  # bytes of a view without its texts, about


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """How much is kept; what was used longest ago goes first.

    Attributes:
        max_traces: Traces.
        max_spans_of_one: Spans of one trace.
        max_logs: Log records.
        max_series: Metric series.
        max_bytes: Estimated bytes, for traces, log records and series each.
    """

    max_traces: int = 5_000
    max_spans_of_one: int = 10_000
    max_logs: int = 50_000
    max_series: int = 10_000
    max_bytes: int = 128 * 2**20


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One line about a trace.

    Attributes:
        trace_id: 32 hex digits.
        name: Name of its first root, or of its first span while the root is missing.
        service: Service of that span.
        services: All services, by name.
        start_ns: Start, nanoseconds since the Unix epoch.
        duration_ns: From the first start to the last end.
        spans: Spans, those not kept included.
        errors: Spans with status error.
        logs: Log records.
        complete: Whether a root and every parent are there.
        version: Version of the store when the trace last changed.
    """

    trace_id: str
    name: str
    service: str
    services: tuple[str, ...]
    start_ns: int
    duration_ns: int
    spans: int
    errors: int
    logs: int
    complete: bool
    version: int


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """What is kept of one service."""

    name: str
    spans: int
    logs: int
    series: int


@dataclass(frozen=True, slots=True)
class StoreSummary:
    """All counts.

    Attributes:
        version: Grows with every change.
        traces: Traces kept.
        spans: Spans kept.
        logs: Log records kept.
        series: Metric series kept.
        received: Spans, logs and points that arrived since start, doubles included.
        evicted: Traces, spans, logs and series that had to go for want of room.
    """

    version: int
    traces: int
    spans: int
    logs: int
    series: int
    received: dict[str, int]
    evicted: dict[str, int]


@dataclass(slots=True)
class _Trace:
    spans: dict[str, SpanView] = field(default_factory=dict[str, SpanView])
    hidden: int = 0
    weight: int = 0
    version: int = 0


class Store:
    """Memory of the viewer.

    Every change raises ``version``; ``wait`` lets a page follow the changes.
    """

    def __init__(self, limits: StoreLimits | None = None) -> None:
        self._limits = limits or StoreLimits()
        self._changed = threading.Condition()
        self._version = 0
        self._traces: Shelf[str, _Trace] = Shelf(self._limits.max_traces, self._limits.max_bytes)
        self._series: Shelf[Hashable, MetricView] = Shelf(self._limits.max_series, self._limits.max_bytes)
        self._logs: deque[tuple[LogView, int]] = deque()
        self._logs_weight = 0
        self._logs_of: dict[str, deque[LogView]] = {}
        self._received: Counter[str] = Counter({"spans": 0, "logs": 0, "points": 0})
        self._evicted: Counter[str] = Counter({"spans": 0, "logs": 0})

    @property
    def version(self) -> int:
        """Number of changes so far."""
        with self._changed:
            return self._version

    def wait(self, version: int, timeout_seconds: float) -> int:
        """Wait until the store is newer than a version, or until the time is over; return its version."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, timeout_seconds)
            return self._version

    def add(
        self, *, spans: Iterable[SpanView] = (), logs: Iterable[LogView] = (), metrics: Iterable[MetricView] = ()
    ) -> None:
        """Keep what arrived; a span that comes again replaces itself."""
        with self._changed:
            before = self._received.total()
            for span in spans:
                self._add_span(span)
            for log in logs:
                self._add_log(log)
            for point in metrics:
                self._add_point(point)
            if self._received.total() > before:
                self._version += 1
                self._changed.notify_all()

    def traces(self, *, service: str = "", limit: int = 100) -> list[TraceSummary]:
        """Return traces, the latest start first; of one service when it is named."""
        with self._changed:
            kept = [self._summarize(trace) for trace in self._traces.values()]
        chosen = [trace for trace in kept if not service or service in trace.services]
        return sorted(chosen, key=lambda trace: -trace.start_ns)[:limit]

    def trace(self, trace_id: str) -> TraceView | None:
        """Return all that is kept of a trace; None when that is nothing."""
        with self._changed:
            trace = self._traces.get(trace_id) or _Trace()
            logs = tuple(self._logs_of.get(trace_id, ()))
        return TraceView(tuple(trace.spans.values()), logs, trace.hidden) if trace.spans or logs else None

    def logs(self, *, trace_id: str = "", service: str = "", limit: int = 1000) -> list[LogView]:
        """Return log records in the order of arrival, the last ones when there are more than the limit."""
        with self._changed:
            kept = list(self._logs_of.get(trace_id, ())) if trace_id else [log for log, _ in self._logs]
        chosen = [log for log in kept if not service or log.service == service]
        return chosen[len(chosen) - limit :] if len(chosen) > limit else chosen

    def metrics(self, *, service: str = "", name: str = "") -> list[MetricView]:
        """Return the latest point of each series, cumulative, by service and name."""
        with self._changed:
            kept = self._series.values()
        chosen = [
            point for point in kept if (not service or point.service == service) and (not name or point.name == name)
        ]
        return sorted(chosen, key=lambda point: (point.service, point.name))

    def services(self) -> list[ServiceSummary]:
        """Return what is kept of each service, by name."""
        with self._changed:
            spans = Counter(span.service for trace in self._traces.values() for span in trace.spans.values())
            logs = Counter(log.service for log, _ in self._logs)
            series = Counter(point.service for point in self._series.values())
        names = sorted({*spans, *logs, *series})
        return [ServiceSummary(name, spans[name], logs[name], series[name]) for name in names]

    def summary(self) -> StoreSummary:
        """Return all counts."""
        with self._changed:
            return StoreSummary(
                version=self._version,
                traces=len(self._traces),
                spans=sum(len(trace.spans) for trace in self._traces.values()),
                logs=len(self._logs),
                series=len(self._series),
                received=dict(self._received),
                evicted={"traces": self._traces.evicted, **self._evicted, "series": self._series.evicted},
            )

    def _add_span(self, span: SpanView) -> None:
        self._received["spans"] += 1
        trace = self._traces.get(span.trace_id) or _Trace()
        trace.version = self._version + 1
        if len(trace.spans) >= self._limits.max_spans_of_one and span.span_id not in trace.spans:
            trace.hidden += 1
            self._evicted["spans"] += 1
        else:
            before = trace.spans.get(span.span_id)
            trace.spans[span.span_id] = span
            trace.weight += _span_weight(span) - (_span_weight(before) if before else 0)
        self._traces.put(span.trace_id, trace, trace.weight)

    def _add_log(self, log: LogView) -> None:
        self._received["logs"] += 1
        weight = _weight(log.body, log.attributes)
        self._logs.append((log, weight))
        self._logs_weight += weight
        if log.trace_id:
            self._logs_of.setdefault(log.trace_id, deque()).append(log)
        while len(self._logs) > self._limits.max_logs or self._logs_weight > self._limits.max_bytes:
            self._drop_oldest_log()

    def _drop_oldest_log(self) -> None:
        oldest, weight = self._logs.popleft()
        self._logs_weight -= weight
        self._evicted["logs"] += 1
        if oldest.trace_id:
            of_trace = self._logs_of[oldest.trace_id]
            of_trace.popleft()  # both queues are in the order of arrival
            if not of_trace:
                del self._logs_of[oldest.trace_id]

    def _add_point(self, point: MetricView) -> None:
        self._received["points"] += 1
        key = series_key(point)
        self._series.put(key, merge(self._series.get(key), point), _weight(point.name, point.attributes, point.buckets))

    def _summarize(self, trace: _Trace) -> TraceSummary:
        spans = sorted(trace.spans.values(), key=lambda span: (span.parent_id != "", span.start_ns))
        first = spans[0]
        start = min(span.start_ns for span in spans)
        missing = any(span.parent_id and span.parent_id not in trace.spans for span in spans)
        return TraceSummary(
            trace_id=first.trace_id,
            name=first.name,
            service=first.service,
            services=tuple(sorted({span.service for span in spans})),
            start_ns=start,
            duration_ns=max(0, *(span.end_ns - start for span in spans)),
            spans=len(spans) + trace.hidden,
            errors=sum(span.status == "error" for span in spans),
            logs=len(self._logs_of.get(first.trace_id, ())),
            complete=not first.parent_id and not missing,
            version=trace.version,
        )


def _span_weight(span: SpanView) -> int:
    return _weight(span.name, span.status_message, span.attributes, span.events, span.links)


def _weight(*parts: object) -> int:
    return _BASE_WEIGHT + sum(len(part) if isinstance(part, str) else len(repr(part)) for part in parts)
