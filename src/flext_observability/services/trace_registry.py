"""Registry of started traces: entity id or OTel trace id → span, bounded in number and age."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, final

from opentelemetry.trace import Span, SpanContext, format_trace_id

from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flext_observability.domain.trace import FlextTrace

MAX_TRACES = 10_000
MAX_AGE_SECONDS = 3600.0


class OpenTrace(NamedTuple):
    """A started trace that has not ended.

    Attributes:
        trace: The started entity.
        span: Its span.
        started_seconds: Start time, in seconds of the monotonic clock.
    """

    trace: FlextTrace
    span: Span
    started_seconds: float


@final
class TraceRegistry:
    """Open traces, and ended traces that may still become parents. Thread-safe.

    Args:
        max_traces: Maximum number of open traces, and of ended traces.
        max_age_seconds: Maximum age of an open trace since its start, and of an ended trace since its end.
    """

    def __init__(self, max_traces: int = MAX_TRACES, max_age_seconds: float = MAX_AGE_SECONDS) -> None:
        self.max_traces = max_traces
        self.max_age_seconds = max_age_seconds
        self._lock = ForkSafeLock()
        self._open: OrderedDict[str, OpenTrace] = OrderedDict()
        self._ended: OrderedDict[str, tuple[SpanContext, float]] = OrderedDict()
        self._first_by_trace_id: dict[str, str] = {}

    def open(self, entry: OpenTrace) -> list[OpenTrace]:
        """Add a started trace. Return the evicted traces, which the caller must end."""
        with self._lock:
            self._open[entry.trace.id] = entry
            self._first_by_trace_id.setdefault(entry.trace.trace_id, entry.trace.id)
            return self.evict(entry.started_seconds)

    def close(self, trace_id: str, now_seconds: float) -> OpenTrace | None:
        """Move an open trace, by entity id, to the ended ones. Return it, None when it is not open."""
        with self._lock:
            entry = self._open.pop(trace_id, None)
            if entry is not None:
                self._ended[trace_id] = (entry.span.get_span_context(), now_seconds)
                self._trim_ended(now_seconds)
            return entry

    def span(self, trace_id: str) -> Span | None:
        """Return the span of an open trace, by entity id, None when it is not open."""
        with self._lock:
            return self._open[trace_id].span if trace_id in self._open else None

    def find(self, parent_id: str) -> SpanContext | None:
        """Return the span of an entity id or of 32 hex digits of a trace, None for an unknown one."""
        with self._lock:
            for entity_id in (parent_id, self._first_by_trace_id.get(parent_id.lower(), "")):
                if entity_id in self._open:
                    return self._open[entity_id].span.get_span_context()
                if entity_id in self._ended:
                    return self._ended[entity_id][0]
            return None

    def evict(self, now_seconds: float) -> list[OpenTrace]:
        """Evict traces beyond the limits. Return the open ones, which the caller must end."""
        with self._lock:
            closed = [self.close(entry.trace.id, now_seconds) for entry in list(self._beyond_limits(now_seconds))]
            self._trim_ended(now_seconds)
            return [entry for entry in closed if entry is not None]

    def _beyond_limits(self, now_seconds: float) -> Iterator[OpenTrace]:
        surplus = len(self._open) - self.max_traces
        for index, entry in enumerate(self._open.values()):
            if index >= surplus and now_seconds - entry.started_seconds <= self.max_age_seconds:
                return
            yield entry

    def _trim_ended(self, now_seconds: float) -> None:
        while self._ended:
            entity_id, (context, ended_seconds) = next(iter(self._ended.items()))
            if len(self._ended) <= self.max_traces and now_seconds - ended_seconds <= self.max_age_seconds:
                return
            del self._ended[entity_id]
            trace_id = format_trace_id(context.trace_id)
            if self._first_by_trace_id.get(trace_id) == entity_id:
                del self._first_by_trace_id[trace_id]


def started_traces() -> TraceRegistry:
    """Return the registry of the process. All tracing services share it, so that each can end the traces of another."""
    return current_runtime().get(TraceRegistry)
