"""Name and attributes → span around a block, a function or a generator (OTel API only)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, final, overload

from opentelemetry import context as otel_context, trace as otel_trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, NonRecordingSpan, Span, SpanContext, SpanKind

from flext_observability.adapters.current_context import CURRENT, SPAN_KEY
from flext_observability.adapters.id_holder import context_with_span
from flext_observability.decorators.span_arguments import (
    Parent,
    is_function,
    merge_attributes,
    parent_context,
    qualified_name,
    span_name,
    to_links,
    to_span_kind,
)
from flext_observability.decorators.span_errors import record_error
from flext_observability.decorators.wrapping import Around, decorate
from flext_observability.engine.current_span import BlockTracer
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_span_attributes
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import MAX_NAME_BYTES, SCOPE_NAME

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.util.types import Attributes

P = ParamSpec("P")
R = TypeVar("R")
_NO_LINKS: Final = ()
_RECORD: Final = True  # errors, as event and as status: the defaults of OTel's ``start_span``
_INTERNAL: Final = SpanKind.INTERNAL  # a member of an enumeration is found slowly
_current: Final = CURRENT.get
_make_current: Final = CURRENT.set
_restore: Final = CURRENT.reset
Entry = tuple[Context, Span, "Token[Context]"]
"""Context of a started span, the span, and the token that restores the context from before."""


@overload
def traced(name: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def traced(
    name: str,
    attributes: Mapping[str, object] | None = None,
    /,
    *,
    span_kind: SpanKind | str | None = None,
    links: Iterable[Link | Span | SpanContext] = (),
    parent: Parent = None,
    **extra: object,
) -> SpanTemplate: ...


def traced(
    name: object,
    attributes: Mapping[str, object] | None = None,
    /,
    *,
    span_kind: SpanKind | str | None = None,
    links: Iterable[Link | Span | SpanContext] = _NO_LINKS,
    parent: Parent = None,
    **extra: object,
) -> Any:
    """Trace a block (``with``, ``async with``) or a function (``@traced``, ``@traced("name")``).

    Can be used before ``init_observability``; spans are recorded from then on. The decorator supports functions,
    coroutine functions, generator functions and async generator functions, and ``classmethod`` and ``staticmethod`` in
    either order. A generator's span starts with its body and is current only while the body runs. Closing a generator
    early is not an error.

    Args:
        name: Span name. ``@traced`` uses the function's qualified name.
        attributes: Span attributes of any type, encoded as in entities. None values are left out. A ``dict`` is read
            when a span starts, or when it decorates a function.
        span_kind: ``SpanKind`` or its name in any case. Anything else is internal.
        links: Spans, span contexts or links. Anything else is left out.
        parent: A span, a span context, a started ``FlextTrace``, or a context from ``extract_context``, which becomes
            the current context of the body. Default: the current span.
        extra: Further attributes, which win over ``attributes``.

    Returns:
        A context manager that yields the span. It is also a decorator.
    """
    if type(name) is not str and is_function(name):
        return decorate_calls(name, traced(qualified_name(name)))
    template = SpanTemplate()
    template.name = name if type(name) is str and len(name) <= MAX_NAME_BYTES and name.isascii() else span_name(name)
    given: Any = attributes
    if type(attributes) is dict and not extra:
        template.attributes, template.raw = None, given
    else:
        template.attributes = merge_attributes(given, extra) if extra or given is not None else None
        template.raw = None
    template.kind = _INTERNAL if span_kind is None else to_span_kind(span_kind)
    template.links = None if links is _NO_LINKS else to_links(links)
    template.parent = parent
    template.entry = None
    template.entered = {}
    template.is_free = True
    return template


class SpanTemplate:
    """Name and options of a span. Can be entered any number of times, or decorate a function.

    ``traced`` sets all fields.
    """

    __slots__ = ("attributes", "entered", "entry", "is_free", "kind", "links", "name", "parent", "raw")

    name: str
    attributes: Attributes
    raw: dict[Any, Any] | None  # instead of the attributes
    kind: SpanKind
    links: list[Link] | None
    parent: Parent
    entry: Entry | None
    entered: dict[int, Entry]  # entries but the first, by the id of the context, which the entry keeps alive
    is_free: bool

    def begin(self) -> ActiveSpan:
        """Return a new span, which starts on ``__enter__``."""
        return ActiveSpan(self)

    def enter(self) -> Entry:  # measured: benchmarks, recorded span
        """Start a span and make it current. Return its context, the span, and the token that restores the context."""
        parent = None if self.parent is None else parent_context(self.parent)
        try:
            tracer = our_tracer()
        except NotInstalledError:
            tracer = ForeignTracer()
        is_linked = tracer.options is not None
        try:
            name, kind, attributes, links = self.name, self.kind, self.attributes, self.links
            span = tracer.start_span(name, parent, kind, attributes, links, None, _RECORD, _RECORD, self.raw)
        except BaseException as error:  # noqa: BLE001 - a foreign sampler or processor must not break the program
            reraise_interrupt(error)
            report_once("Starting a span", error)
            span, is_linked = NonRecordingSpan(_current_span_context(parent)), False
        base = _current() if parent is None else parent
        if is_linked:
            context = Context({**base, SPAN_KEY: span} if base else {SPAN_KEY: span})
        else:
            context = context_with_span(span, base, parent, self.kind)
        return context, span, _make_current(context)

    def __enter__(self) -> Span:
        """Start the span and make it current."""
        entry = self.enter()
        try:
            del self.is_free  # atomic: one thread succeeds, the others use the dict
        except AttributeError:
            self.entered[id(entry[0])] = entry
        else:
            self.entry = entry
        return entry[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record an error and end the span. The error propagates."""
        # Other threads and tasks may have entered too. Ours is the one that is current here.
        context, entry = _current(), self.entry
        if entry is not None and entry[0] is context:
            self.entry = None
            self.is_free = True
        else:
            entry = self._pop(context)
        if entry is not None:
            leave(entry, error)

    def _pop(self, context: Context) -> Entry | None:
        """Return the entry of the context, or of the current span, or the newest: the body has not restored it."""
        entered = self.entered
        found = entered.pop(id(context), None)
        if found is not None:
            return found
        span, first = otel_trace.get_current_span(), self.entry
        key = next((key for key, each in list(entered.items()) if each[1] is span), None)
        if key is None and first is not None and (first[1] is span or not entered):
            self.entry = None
            self.is_free = True
            return first
        return entered.pop(next(reversed(list(entered)), 0) if key is None else key, None)

    async def __aenter__(self) -> Span:
        """Start the span and make it current in this task."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record an error and end the span. The error propagates."""
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the function with a span around each call, or each run of a generator."""
        return decorate_calls(function, self)


def leave(entry: Entry, error: BaseException | None) -> None:  # measured: benchmarks, recorded span
    """Restore the context from before ``SpanTemplate.enter``, record an error, and end the span."""
    try:  # noqa: SIM105 - suppress costs 0.3 µs
        # Not OTel's detach: it logs a traceback when a generator is closed in another task.
        _restore(entry[2])
    except ValueError:
        pass
    span = entry[1]
    if error is not None:
        record_error(span, error)
    try:
        span.end()
    except BaseException as failure:  # noqa: BLE001 - a foreign processor must not break the program
        reraise_interrupt(failure)
        report_once("Ending a span", failure)


def decorate_calls(function: Callable[P, R], template: SpanTemplate) -> Callable[P, R]:
    """Return a function of the same kind that runs each call, or each run of a generator, in a span."""
    if template.raw is not None:
        template.attributes, template.raw = encode_span_attributes(template.raw), None
    return decorate(function, Around(template.begin, template.enter, leave))


class ActiveSpan:
    """A started span. Entered and left once, paused and resumed any number of times."""

    __slots__ = ("_template", "_token", "context", "span")

    span: Span
    context: Context
    _token: Token[Context]

    def __init__(self, template: SpanTemplate) -> None:
        self._template = template

    def __enter__(self) -> Self:
        """Start the span and make it current."""
        self.context, self.span, self._token = self._template.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the previous context, record an error, and end the span."""
        leave((self.context, self.span, self._token), error)

    def pause(self) -> None:
        """Store the context of the body and restore the previous one."""
        self.context = otel_context.get_current()
        detach(self._token)

    def resume(self) -> None:
        """Restore the context of the body."""
        self._token = otel_context.attach(self.context)


def _current_span_context(context: Context | None) -> SpanContext:
    try:
        return otel_trace.get_current_span(context).get_span_context()
    except BaseException as error:  # noqa: BLE001 - a foreign span in the context
        reraise_interrupt(error)
        return INVALID_SPAN_CONTEXT


def detach(token: Token[Context] | None) -> None:
    """Restore the previous context. Does nothing without a token, or in another task."""
    try:
        if token is not None:
            # Not OTel's detach: it logs a traceback when a generator is closed in another task.
            _restore(token)
    except ValueError:
        pass


class NotInstalledError(Exception):
    """OTel's global provider is not ours: before the start, or because another library installed one."""


@cache
def our_tracer() -> BlockTracer:
    """Return our tracer, which is valid for the life of the process. Raises ``NotInstalledError``."""
    tracer = otel_trace.get_tracer(SCOPE_NAME)
    if isinstance(tracer, BlockTracer):
        return tracer
    raise NotInstalledError


@final
class ForeignTracer(BlockTracer):
    """Tracer of the global provider of the time of each call."""

    def start_span(self, *arguments: Any, **options: Any) -> Span:
        """Start a span with the arguments of ``SpanTemplate.enter``."""
        name, context, kind, attributes, links, *_, raw = arguments
        given = attributes if raw is None else encode_span_attributes(raw)
        return otel_trace.get_tracer(SCOPE_NAME).start_span(name, context, kind, given, links, **options)
