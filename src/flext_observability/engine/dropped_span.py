"""Span of the engine that is not recorded, and the context of its spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

if TYPE_CHECKING:
    from flext_observability.engine.span import EngineSpan

FLAGS: Final = tuple(TraceFlags(flags) for flags in range(256))
"""Trace flags by number."""


@final
class DroppedSpan(NonRecordingSpan):
    """A span that is not recorded. ``EngineTracer`` creates it and sets all fields but one.

    Attributes:
        made_context: The span context, once it was asked for.
        is_of_engine: Says, on the class, that ids and flags are fields.
    """

    __slots__ = ("_flext_correlation", "flags", "made_context", "span_id", "trace_id", "trace_state")

    trace_id: int
    span_id: int
    flags: int
    trace_state: TraceState
    made_context: SpanContext | None
    is_of_engine = True

    __init__: Any = object.__init__  # that of the base class costs time

    def get_span_context(self) -> SpanContext:
        """Return the span context."""
        made = self.made_context
        if made is None:
            self.made_context = made = span_context(self)
        return made

    def __repr__(self) -> str:
        """Return the context."""
        return f"NonRecordingSpan({self.get_span_context()!r})"


def span_context(span: EngineSpan | DroppedSpan) -> SpanContext:
    """Return a new span context of a span."""
    return SpanContext(
        span.trace_id, span.span_id, is_remote=False, trace_flags=FLAGS[span.flags], trace_state=span.trace_state
    )
