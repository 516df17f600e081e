"""Name and attributes → span around a block, a function or a generator (OTel API only)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, overload

from opentelemetry import context as otel_context, trace as otel_trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, NonRecordingSpan, Span, SpanContext, SpanKind, Tracer

from flext_observability.adapters.id_holder import with_span_holder
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
from flext_observability.decorators.span_errors import end_span, record_error
from flext_observability.decorators.wrapping import decorate
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import SCOPE_NAME

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

P = ParamSpec("P")
R = TypeVar("R")
_NO_LINKS: Final = ()


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
        attributes: Span attributes of any type, encoded as in entities. None values are left out.
        span_kind: ``SpanKind`` or its name in any case. Anything else is internal.
        links: Spans, span contexts or links. Anything else is left out.
        parent: A span, a span context, a started ``FlextTrace``, or a context from ``extract_context``, which becomes
            the current context of the body. Default: the current span.
        extra: Further attributes, which win over ``attributes``.

    Returns:
        A context manager that yields the span. It is also a decorator.
    """
    if is_function(name):
        return decorate(name, SpanTemplate(qualified_name(name)).begin)
    encoded = merge_attributes(attributes, extra)
    kind = SpanKind.INTERNAL if span_kind is None else to_span_kind(span_kind)
    given = None if links is _NO_LINKS else to_links(links)
    return SpanTemplate(span_name(name), encoded, kind=kind, links=given, parent=parent)


class SpanTemplate:
    """Name and options of a span. Can be entered any number of times, or decorate a function."""

    __slots__ = ("_attributes", "_entered", "_kind", "_links", "_name", "_parent")

    def __init__(
        self,
        name: str,
        attributes: Attributes = None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        links: list[Link] | None = None,
        parent: Parent = None,
    ) -> None:
        self._name = name
        self._attributes = attributes
        self._kind = kind
        self._links = links
        self._parent = parent
        self._entered: dict[int, ActiveSpan] = {}  # by the id of the context, which the active span keeps alive

    def begin(self) -> ActiveSpan:
        """Return a new span, which starts on ``__enter__``."""
        return ActiveSpan(self)

    def start(self) -> tuple[Span, Context]:
        """Start the span. Return it and a context in which it is current."""
        parent = with_span_holder(None if self._parent is None else parent_context(self._parent), self._kind)
        try:
            span = tracer().start_span(self._name, parent, self._kind, self._attributes, self._links)
        except BaseException as error:  # noqa: BLE001 - a foreign sampler or processor must not break the program
            reraise_interrupt(error)
            report_once("Starting a span", error)
            span = NonRecordingSpan(_current_span_context(parent))
        return span, otel_trace.set_span_in_context(span, parent)

    def __enter__(self) -> Span:
        """Start the span and make it current."""
        active = self.begin().__enter__()
        self._entered[id(active.context)] = active
        return active.span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record an error and end the span. The error propagates."""
        # Other threads and tasks may have entered too. Ours is the one that is current here.
        active = self._entered.pop(id(otel_context.get_current()), None) or self._pop_other()
        if active is not None:
            active.__exit__(kind, error, trace)

    def _pop_other(self) -> ActiveSpan | None:
        """Return the entered span that is current, or the newest: the body has not restored the context."""
        span = otel_trace.get_current_span()
        entered = list(self._entered.items())
        key = next((key for key, each in entered if each.span is span), entered[-1][0] if entered else 0)
        return self._entered.pop(key, None)

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
        return decorate(function, self.begin)


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
        self.span, self.context = self._template.start()
        self._token = otel_context.attach(self.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the previous context, record an error, and end the span."""
        detach(self._token)
        if error is not None:
            record_error(self.span, error)
        end_span(self.span)

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
            token.var.reset(token)
    except ValueError:
        pass


@cache
def tracer() -> Tracer:
    """Return our tracer, which is valid for the life of the process."""
    return otel_trace.get_tracer(SCOPE_NAME)
