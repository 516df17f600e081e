"""Spans → bytes of an OTLP export request. Anything unusual raises: the stock encoder encodes the batch.

Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.trace import DEFAULT_TRACE_STATE, SpanContext, SpanKind

from flext_observability.wire.otlp.any_value import NotEncodableError
from flext_observability.wire.otlp.encode_attributes import AttributeEncoder, copied
from flext_observability.wire.otlp.encode_contexts import ContextEncoder, Grouping
from flext_observability.wire.otlp.protobuf import LengthPrefixes, field, fixed64_field, number_field, text_field

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, Status

_ids: Final = Struct(">HQQHQ").pack
_ids_and_parent: Final = Struct(">HQQHQHQ").pack
_times: Final = Struct("<BQBQ").pack
_LOW_64_BITS: Final = (1 << 64) - 1
_TRACE_ID: Final = 0x0A10
"""Tag and length."""
_SPAN_ID: Final = 0x1208
_PARENT_ID: Final = 0x2208
_START: Final = 0x39
_END: Final = 0x41
_EVENT_TIME: Final = 0x09
_LOCAL: Final = b"\x00\x01\x00\x00"
_REMOTE: Final = b"\x00\x03\x00\x00"
_KINDS: Final = {kind: bytes([0x30, kind.value + 1]) for kind in SpanKind}
_LOCAL_FLAGS: Final = b"\x85\x01" + _LOCAL
_REMOTE_FLAGS: Final = b"\x85\x01" + _REMOTE
_INTERNAL: Final = _KINDS[SpanKind.INTERNAL]
_OWN_IDS: Final = 28
"""Bytes of the ids of the span and its trace."""
_MAX_NAMES: Final = 1024


class _Names(dict[str, bytes]):
    """Name of a span → encoded field. The first names are kept."""

    def __missing__(self, name: str) -> bytes:
        encoded = text_field(b"\x2a", name)
        if len(self) < _MAX_NAMES:
            self[name] = encoded
        return encoded


@final
class TraceEncoder:
    """Encodes batches of spans. Not thread-safe: one for each exporter."""

    __slots__ = ("_attributes", "_contexts", "_event_attributes", "_link_attributes", "_names", "_prefixes")

    def __init__(self) -> None:
        self._contexts = ContextEncoder()
        self._names = _Names()
        self._prefixes = LengthPrefixes(b"\x12")
        self._attributes = AttributeEncoder(b"\x4a")
        self._event_attributes = AttributeEncoder(b"\x1a")
        self._link_attributes = AttributeEncoder(b"\x22")

    def encode(self, batch: Sequence[ReadableSpan]) -> bytes:  # measured: benchmarks, OTLP encoding
        """Return the request, equal to that of the stock encoder.

        Raises:
            Exception: A span has something unusual.
        """
        grouping, prefixes, keys, names = Grouping(), self._prefixes, self._attributes.keys, self._names
        resource: object = grouping
        scope: object = None
        items: list[bytes] = []
        last_kind, kind_field, last_status, status_field = SpanKind.INTERNAL, _INTERNAL, None, b""
        for span in batch:
            if span.resource is not resource or span.instrumentation_scope is not scope:
                resource, scope = span.resource, span.instrumentation_scope
                items = grouping.items_of(resource, scope or None)
            if (kind := span.kind) is not last_kind:
                last_kind, kind_field = kind, _KINDS[kind]
            if (status := span.status) is not last_status:
                last_status, status_field = status, _status(status)
            attributes: Mapping[str, object] | None = getattr(span, "plain_attributes", None)
            rest: Sequence[bytes] = ()
            if attributes is None:
                attributes, rest = copied(span.attributes), self._rest(span)
            ids, flags = _ids_and_flags(span.context, span.parent)
            start, end = span.start_time, span.end_time
            parts = [
                ids,
                names[span.name],
                kind_field,
                _times(_START, start, _END, end) if start and end else _any_times(start, end),
            ]
            parts += [keys[key][type(value)][value] for key, value in attributes.items()]
            parts += (*rest, status_field, flags)
            encoded = b"".join(parts)
            items += prefixes[len(encoded)], encoded
        return grouping.encode(self._contexts)

    def _rest(self, span: ReadableSpan) -> list[bytes]:
        """Return the fields that few spans have: events, links and counts of dropped items."""
        events, links = span.events, span.links
        return [
            number_field(b"\x50", span.dropped_attributes),
            *([field(b"\x5a", self._event(event)) for event in events] if events else ()),
            number_field(b"\x60", span.dropped_events),
            *([field(b"\x6a", self._link(link)) for link in links] if links else ()),
            number_field(b"\x70", span.dropped_links),
        ]

    def _event(self, event: Event) -> bytes:
        attributes = self._event_attributes.encode(event.attributes)
        dropped = number_field(b"\x20", event.dropped_attributes)
        return fixed64_field(_EVENT_TIME, event.timestamp) + text_field(b"\x12", event.name) + attributes + dropped

    def _link(self, link: Link) -> bytes:
        context = link.context
        ids, _ = _ids_and_flags(context, None)
        attributes = self._link_attributes.encode(link.attributes)
        dropped = number_field(b"\x28", link.dropped_attributes)
        return ids[:_OWN_IDS] + attributes + dropped + b"\x35" + (_REMOTE if context.is_remote else _LOCAL)


def _ids_and_flags(context: Any, parent: Any) -> tuple[bytes, bytes]:  # noqa: ANN401 - read as tuples
    """Return the fields of ids and trace state, and of the flags."""
    if type(context) is not SpanContext or (parent is not None and type(parent) is not SpanContext):
        raise NotEncodableError("a span context of another type")
    # A span context is a tuple; its properties cost a call each.
    trace_id, span_id, _, _, trace_state, _ = context
    high, low = trace_id >> 64, trace_id & _LOW_64_BITS
    if parent is None:
        ids, flags = _ids(_TRACE_ID, high, low, _SPAN_ID, span_id), _LOCAL_FLAGS
    else:
        _, parent_id, is_remote, _, _, _ = parent
        ids = _ids_and_parent(_TRACE_ID, high, low, _SPAN_ID, span_id, _PARENT_ID, parent_id)
        flags = _REMOTE_FLAGS if is_remote else _LOCAL_FLAGS
    if trace_state is not DEFAULT_TRACE_STATE and trace_state:
        ids = ids[:_OWN_IDS] + _trace_state(trace_state) + ids[_OWN_IDS:]
    return ids, flags


def _trace_state(trace_state: Mapping[str, str]) -> bytes:
    return text_field(b"\x1a", ",".join([f"{key}={value}" for key, value in trace_state.items()]))


def _any_times(start: int | None, end: int | None) -> bytes:
    return fixed64_field(_START, start) + fixed64_field(_END, end)


def _status(status: Status) -> bytes:
    code, description = status.status_code.value, status.description
    return field(b"\x7a", text_field(b"\x12", description) + number_field(b"\x18", code))
