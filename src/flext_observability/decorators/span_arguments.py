"""Names, attributes, links and parents of any type → arguments of an OTel tracer. Invalid ones are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, cast

from opentelemetry import trace as otel_trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from flext_observability.values.encoding import encode_attributes, encode_span_attributes, encode_tag
from flext_observability.values.foreign import MAX_ITEMS, attribute, is_a, plain_text, type_qualname
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import MAX_NAME_BYTES

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

_KINDS: dict[object, SpanKind] = {kind.name.lower(): kind for kind in SpanKind}


class TraceParent(Protocol):
    """A ``FlextTrace`` as a parent: hex ids, empty before the start, and the sampling decision."""

    trace_id: str
    span_id: str
    sampled: bool


Parent = Context | Span | SpanContext | TraceParent | None


def merge_attributes(attributes: Mapping[str, object] | None, extra: Mapping[str, object]) -> Attributes:
    """Encode and merge attributes of any type. ``extra`` wins."""
    if not extra:
        return None if attributes is None else encode_span_attributes(attributes)
    return {**encode_attributes(attributes), **encode_attributes(extra)}


def parent_context(parent: Parent) -> Context | None:
    """Return a context with ``parent`` as the current span; None for an invalid parent."""
    try:
        if isinstance(parent, Context):
            return parent
        if isinstance(parent, Span):
            valid = is_a(cast("object", parent.get_span_context()), SpanContext)  # a mock has another
            return otel_trace.set_span_in_context(parent) if valid else None
        context = parent if isinstance(parent, SpanContext) else _span_context(cast("TraceParent", parent))
    except BaseException as error:  # noqa: BLE001 - an object without ids, or one that raises
        reraise_interrupt(error)
        return None
    return otel_trace.set_span_in_context(NonRecordingSpan(context))


def _span_context(trace: TraceParent) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(trace.trace_id, 16), int(trace.span_id, 16), is_remote=False, trace_flags=flags)


def to_links(links: object) -> list[Link] | None:
    """Return links to the given spans, span contexts and links. Other items are left out."""
    try:
        items = islice(cast("Iterable[object]", links), MAX_ITEMS)
        valid = [link for link in map(_to_link, items) if link is not None]
    except BaseException as error:  # noqa: BLE001 - not iterable, or an iterable that raises
        reraise_interrupt(error)
        return None
    return valid or None


def _to_link(link: object) -> Link | None:
    if isinstance(link, Link):
        return link
    context = link.get_span_context() if isinstance(link, Span) else link
    return Link(context) if isinstance(context, SpanContext) else None


def to_span_kind(kind: SpanKind | str | None) -> SpanKind:
    """Return the span kind with this name, in any case. Anything else is internal."""
    if type(kind) is SpanKind:
        return kind
    name = plain_text(kind)
    return SpanKind.INTERNAL if name is None else _KINDS.get(name.lower(), SpanKind.INTERNAL)


def span_name(name: object) -> str:
    """Return a name as valid Unicode text of at most 1024 bytes."""
    if type(name) is str and name.isascii() and len(name) <= MAX_NAME_BYTES:
        return name
    return encode_tag(name, max_bytes=MAX_NAME_BYTES)


def is_function(name: object) -> TypeGuard[Callable[..., Any]]:
    """Return whether the argument of a decorator is the decorated function, not a name."""
    return callable(name) or issubclass(type(name), classmethod)


def qualified_name(function: Callable[..., Any]) -> str:
    """Return the function's qualified name as a span name."""
    name = attribute(function, "__qualname__")
    return type_qualname(function) if name is None else span_name(name)
