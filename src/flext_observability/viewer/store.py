"""Store of the viewer: received views → traces, log records, metric series, services. Bounded memory, thread-safe."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from flext_observability.viewer.lru import WeightedLRU
from flext_observability.views.model import LogView, MetricView, SpanView, TraceView
from flext_observability.views.series import merge, series_key

_BASE_WEIGHT = 500  # approximate bytes of a view without its texts


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Limits of the store. The least recently used items are evicted first.

    Attributes:
        max_traces: Maximum number of traces.
        max_spans_per_trace: Maximum number of spans of one trace.
        max_logs: Maximum number of log records.
        max_series: Maximum number of metric series.
        max_bytes: Maximum of estimated bytes, for traces, log records and series each.
    """

    max_traces: int = 5_000
    max_spans_per_trace: int = 10_000
    max_logs: int = 50_000
    max_series: int = 10_000
    max_bytes: int = 128 * 2**20


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """Summary of a trace.

    Attributes:
        trace_id: 32 hex digits.
        name: Name of the first root, or of the first span while the root is missing.
        service: Service of that span.
        services: All services, sorted.
        start_ns: First start, nanoseconds since the Unix epoch.
        duration_ns: From the first start to the last end.
        spans: Number of spans, with those that were not stored.
        errors: Number of spans with status error.
        logs: Number of log records.
        complete: Whether the root and every parent were received.
        version: Version of the store at the last change of the trace.
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
    """Number of stored items of one service."""

    name: str
    spans: int
    logs: int
    series: int


@dataclass(frozen=True, slots=True)
class StoreSummary:
    """Totals of the store.

    Attributes:
        version: Number of changes.
        traces: Number of stored traces.
        spans: Number of stored spans.
        logs: Number of stored log records.
        series: Number of stored metric series.
        received: Numbers of received spans, logs and points since the start, duplicates included.
        evicted: Numbers of traces, spans, logs and series evicted because of the limits.
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
    """Received telemetry in memory. Every change increases ``version``."""

    def __init__(self, limits: StoreLimits | None = None) -> None:
        self._limits = limits or StoreLimits()
        self._lock = threading.Lock()
        self._version = 0
        self._traces: WeightedLRU[str, _Trace] = WeightedLRU(self._limits.max_traces, self._limits.max_bytes)
        self._series: WeightedLRU[Hashable, MetricView] = WeightedLRU(self._limits.max_series, self._limits.max_bytes)
        self._logs: deque[tuple[LogView, int]] = deque()
        self._logs_weight = 0
        self._logs_by_trace: dict[str, deque[LogView]] = {}
        self._received: Counter[str] = Counter({"spans": 0, "logs": 0, "points": 0})
        self._evicted: Counter[str] = Counter({"spans": 0, "logs": 0})

    @property
    def version(self) -> int:
        """Number of changes since the start."""
        with self._lock:
            return self._version

    def add(
        self, *, spans: Iterable[SpanView] = (), logs: Iterable[LogView] = (), metrics: Iterable[MetricView] = ()
    ) -> None:
        """Store received views. A span with a known id replaces the earlier one."""
        with self._lock:
            before = self._received.total()
            for span in spans:
                self._add_span(span)
            for log in logs:
                self._add_log(log)
            for point in metrics:
                self._add_point(point)
            if self._received.total() > before:
                self._version += 1

    def traces(self, *, service: str = "", limit: int = 100) -> list[TraceSummary]:
        """Return summaries of traces, the latest start first, optionally of one service."""
        with self._lock:
            stored = [self._summarize(trace) for trace in self._traces.values()]
        selected = [trace for trace in stored if not service or service in trace.services]
        return sorted(selected, key=lambda trace: -trace.start_ns)[:limit]

    def trace(self, trace_id: str) -> TraceView | None:
        """Return a trace; None if it is unknown."""
        with self._lock:
            trace = self._traces.get(trace_id) or _Trace()
            logs = tuple(self._logs_by_trace.get(trace_id, ()))
        return TraceView(tuple(trace.spans.values()), logs, trace.hidden) if trace.spans or logs else None

    def logs(self, *, trace_id: str = "", service: str = "", limit: int = 1000) -> list[LogView]:
        """Return log records in the order of arrival, the latest ones up to the limit."""
        with self._lock:
            stored = list(self._logs_by_trace.get(trace_id, ())) if trace_id else [log for log, _ in self._logs]
        selected = [log for log in stored if not service or log.service == service]
        return selected[len(selected) - limit :] if len(selected) > limit else selected

    def metrics(self, *, service: str = "", name: str = "") -> list[MetricView]:
        """Return the latest cumulative point of each series, sorted by service and name."""
        with self._lock:
            stored = self._series.values()
        selected = [
            point for point in stored if (not service or point.service == service) and (not name or point.name == name)
        ]
        return sorted(selected, key=lambda point: (point.service, point.name))

    def services(self) -> list[ServiceSummary]:
        """Return the summaries of all services, sorted by name."""
        with self._lock:
            spans = Counter(span.service for trace in self._traces.values() for span in trace.spans.values())
            logs = Counter(log.service for log, _ in self._logs)
            series = Counter(point.service for point in self._series.values())
        names = sorted({*spans, *logs, *series})
        return [ServiceSummary(name, spans[name], logs[name], series[name]) for name in names]

    def summary(self) -> StoreSummary:
        """Return the totals."""
        with self._lock:
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
        if len(trace.spans) >= self._limits.max_spans_per_trace and span.span_id not in trace.spans:
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
            self._logs_by_trace.setdefault(log.trace_id, deque()).append(log)
        while len(self._logs) > self._limits.max_logs or self._logs_weight > self._limits.max_bytes:
            self._drop_oldest_log()

    def _drop_oldest_log(self) -> None:
        oldest, weight = self._logs.popleft()
        self._logs_weight -= weight
        self._evicted["logs"] += 1
        if oldest.trace_id:
            of_trace = self._logs_by_trace[oldest.trace_id]
            of_trace.popleft()  # both deques are in the order of arrival
            if not of_trace:
                del self._logs_by_trace[oldest.trace_id]

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
            logs=len(self._logs_by_trace.get(first.trace_id, ())),
            complete=not first.parent_id and not missing,
            version=trace.version,
        )


def _span_weight(span: SpanView) -> int:
    return _weight(span.name, span.status_message, span.attributes, span.events, span.links)


def _weight(*parts: object) -> int:
    return _BASE_WEIGHT + sum(len(part) if isinstance(part, str) else len(repr(part)) for part in parts)
