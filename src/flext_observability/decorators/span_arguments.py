"""Names, attributes, links and parents of any type → what OTel's tracer takes; wrong ones are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, cast

from opentelemetry import trace as otel_trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from flext_observability.values.encoding import encode_attributes, encode_tag
from flext_observability.values.names import MAX_NAME_BYTES

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

_KINDS: dict[object, SpanKind] = {kind.name.lower(): kind for kind in SpanKind}


class TraceParent(Protocol):
    """What a ``FlextTrace`` shows of itself as a parent: hex ids, empty before it is started, and whether it is sampled."""

    @property
    def trace_id(self) -> str: ...  # noqa: D102 - said above

    @property
    def span_id(self) -> str: ...  # noqa: D102 - said above

    @property
    def sampled(self) -> bool: ...  # noqa: D102 - said above


Parent = Context | Span | SpanContext | TraceParent | None


def encode(attributes: Mapping[str, object] | None, more: Mapping[str, object] | None = None) -> Attributes:
    """Encode attributes of any type; the second mapping wins."""
    if not more:
        return None if attributes is None else encode_attributes(attributes)
    return {**encode_attributes(attributes), **encode_attributes(more)}


def context_of(parent: Parent) -> Context | None:
    """Return the context that makes ``parent`` the parent of what starts in it; None for what is no parent."""
    try:
        if isinstance(parent, Context):
            return parent
        if isinstance(parent, Span):
            return otel_trace.set_span_in_context(parent)
        context = parent if isinstance(parent, SpanContext) else _context_of_trace(cast("TraceParent", parent))
    except Exception:  # noqa: BLE001 - it has no ids, or raises when it is looked at
        return None
    return otel_trace.set_span_in_context(NonRecordingSpan(context))


def _context_of_trace(trace: TraceParent) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(trace.trace_id, 16), int(trace.span_id, 16), is_remote=False, trace_flags=flags)


def links_of(links: object) -> list[Link] | None:
    """Return links to what is a span, a span context or a link."""
    try:
        found = [link for link in map(_link, cast("Iterable[object]", links)) if link is not None]
    except Exception:  # noqa: BLE001 - no iterable, or one that raises
        return None
    return found or None


def _link(link: object) -> Link | None:
    if isinstance(link, Link):
        return link
    context = link.get_span_context() if isinstance(link, Span) else link
    return Link(context) if isinstance(context, SpanContext) else None


def span_kind_of(kind: SpanKind | str | None) -> SpanKind:
    """Return the kind of that name in any case; anything else counts as internal."""
    if isinstance(kind, SpanKind):
        return kind
    return _KINDS.get(kind.lower(), SpanKind.INTERNAL) if isinstance(kind, str) else SpanKind.INTERNAL


def span_name(name: object) -> str:
    """Return a name as valid Unicode text of at most 1024 bytes."""
    if type(name) is str and name.isascii() and len(name) <= MAX_NAME_BYTES:
        return name
    return encode_tag(name, max_bytes=MAX_NAME_BYTES)


def is_function(name: object) -> TypeGuard[Callable[..., Any]]:
    """Whether a bare decorator got its function, and not a name."""
    return callable(name) or isinstance(name, classmethod)


def qualified_name(function: Callable[..., Any]) -> str:
    """Return the name that a bare decorator gives: the function's qualified name."""
    return span_name(getattr(function, "__qualname__", type(function).__qualname__))
