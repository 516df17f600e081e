"""FlextTrace → OTel span (API only, never the SDK)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from opentelemetry import trace as otel_trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, format_span_id, format_trace_id

from flext_observability.adapters.service_tracers import service_tracers
from flext_observability.values.encoding import encode_attributes, encode_tag
from flext_observability.values.names import MAX_NAME_BYTES, SERVICE_NAME_ATTRIBUTE, TRACE_ID_ATTRIBUTE
from flext_observability.values.timestamps import to_unix_nanos

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from flext_observability.domain.trace import FlextTrace

UNKNOWN_SERVICE = "unknown_service"
PARENT_KEY = "parent_trace_id"


def start(trace: FlextTrace, parent: SpanContext | None) -> Span:
    """Start the entity's span and set the entity's ids. The span does not become current.

    The span has the service name of the trace, also when it is not the name of this process.

    Args:
        trace: The entity. Its ``context`` becomes attributes.
        parent: Parent span; None for the current span, an invalid context for a root span.
    """
    service_name = encode_tag(trace.service_name, max_bytes=MAX_NAME_BYTES)
    context = None if parent is None else otel_trace.set_span_in_context(NonRecordingSpan(parent))
    given: dict[str, object] = {TRACE_ID_ATTRIBUTE: trace.id}
    given.update(trace.context)
    given.pop(PARENT_KEY, None)
    span = _tracer(service_name, given).start_span(
        encode_tag(trace.operation_name, max_bytes=MAX_NAME_BYTES),
        context,
        attributes=encode_attributes(given),
        start_time=to_unix_nanos(trace.start_time),
    )
    inherited = otel_trace.get_current_span(context).get_span_context()
    # Without a provider, the API returns an invalid span or the parent. The entity still gets its own ids.
    started = span if span.get_span_context().span_id not in {0, inherited.span_id} else non_recording_span(inherited)
    return set_ids(trace, started)


def start_non_recording(trace: FlextTrace, parent: SpanContext | None) -> Span:
    """Set new ids of the entity, in the parent's trace, and record nothing."""
    inherited = otel_trace.get_current_span().get_span_context() if parent is None else parent
    return set_ids(trace, non_recording_span(inherited))


def non_recording_span(parent: SpanContext) -> Span:
    """Return a non-recording span with a new id, in the parent's trace or a new trace."""
    trace_id = parent.trace_id if parent.is_valid else random.getrandbits(128) or 1
    flags = parent.trace_flags if parent.is_valid else TraceFlags(TraceFlags.SAMPLED)
    return NonRecordingSpan(SpanContext(trace_id, random.getrandbits(64) or 1, is_remote=False, trace_flags=flags))


def set_ids(trace: FlextTrace, span: Span) -> Span:
    """Set the entity's ids and sampling decision from the span, and return the span."""
    context = span.get_span_context()
    trace.trace_id = format_trace_id(context.trace_id)
    trace.span_id = format_span_id(context.span_id)
    trace.sampled = context.trace_flags.sampled
    return span


def current_trace_id() -> str:
    """Return the id of the current trace, 32 hex digits; empty without one."""
    context = otel_trace.get_current_span().get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else ""


def process_service_name() -> str:
    """Return the service name of this process; ``unknown_service`` before the start."""
    # Providers of an SDK have a resource. The provider of the API has none.
    resource = getattr(otel_trace.get_tracer_provider(), "resource", None)
    name = getattr(resource, "attributes", {}).get("service.name")
    return name if isinstance(name, str) and name else UNKNOWN_SERVICE


def _tracer(service_name: str, attributes: dict[str, object]) -> Tracer:
    """Return the tracer for a span of a service. A surplus service name is added to the span's attributes."""
    tracers = service_tracers()
    if service_name != process_service_name():
        tracer = tracers.find(service_name)
        if tracer is not None:
            return tracer
        attributes[SERVICE_NAME_ATTRIBUTE] = service_name
    return tracers.process_tracer()
