"""Body of an OTLP request → spans, equal to those that were encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from flext_observability.wire.otlp.restore_values import restored_attributes, restored_resource, restored_scope

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status as StatusMessage
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_IS_REMOTE = 0x200
_KINDS = {kind.value + 1: kind for kind in SpanKind}
_CODES = {code.value: code for code in StatusCode}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
"""Flags of all spans: others are not exported. The encoders leave the flags of a context out."""


class RestoredEvent(Event):
    """Event that keeps its number of dropped attributes."""

    def __init__(self, message: Span.Event) -> None:
        super().__init__(message.name, restored_attributes(message.attributes), message.time_unix_nano)
        self._dropped = message.dropped_attributes_count

    @property
    def dropped_attributes(self) -> int:
        """Number of dropped attributes."""
        return self._dropped


class RestoredLink(Link):
    """Link that keeps its number of dropped attributes."""

    def __init__(self, message: Span.Link) -> None:
        context = _context(message.trace_id, message.span_id, message.flags, message.trace_state)
        super().__init__(context, restored_attributes(message.attributes))
        self._dropped = message.dropped_attributes_count

    @property
    def dropped_attributes(self) -> int:
        """Number of dropped attributes."""
        return self._dropped


class RestoredSpan(ReadableSpan):
    """Span that keeps its numbers of dropped items."""

    def __init__(self, message: Span, resource: Resource, scope: InstrumentationScope) -> None:
        parent_id = message.parent_span_id
        super().__init__(
            name=message.name,
            context=_context(message.trace_id, message.span_id, 0, message.trace_state),
            parent=_context(message.trace_id, parent_id, message.flags) if parent_id else None,
            resource=resource,
            attributes=restored_attributes(message.attributes),
            events=[RestoredEvent(event) for event in message.events],
            links=[RestoredLink(link) for link in message.links],
            kind=_KINDS.get(message.kind, SpanKind.INTERNAL),
            status=_status(message.status),
            start_time=message.start_time_unix_nano or None,
            end_time=message.end_time_unix_nano or None,
            instrumentation_scope=scope,
        )
        self._dropped = (
            message.dropped_attributes_count,
            message.dropped_events_count,
            message.dropped_links_count,
        )

    @property
    def dropped_attributes(self) -> int:
        """Number of dropped attributes."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """Number of dropped events."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """Number of dropped links."""
        return self._dropped[2]


def restored_spans(request: ExportTraceServiceRequest) -> list[ReadableSpan]:
    """Return the spans of a request, in order."""
    spans: list[ReadableSpan] = []
    for of_resource in request.resource_spans:
        resource = restored_resource(of_resource.resource, of_resource.schema_url)
        for of_scope in of_resource.scope_spans:
            scope = restored_scope(of_scope.scope, of_scope.schema_url)
            spans += [RestoredSpan(span, resource, scope) for span in of_scope.spans]
    return spans


def _context(trace_id: bytes, span_id: bytes, flags: int, trace_state: str = "") -> SpanContext:
    state: Any = TraceState.from_header([trace_state]) if trace_state else None
    ids = int.from_bytes(trace_id, "big"), int.from_bytes(span_id, "big")
    return SpanContext(*ids, bool(flags & _IS_REMOTE), _SAMPLED, state)


def _status(message: StatusMessage) -> Status:
    code = _CODES.get(message.code, StatusCode.UNSET)
    return Status(code, message.message or None) if code is StatusCode.ERROR else Status(code)
