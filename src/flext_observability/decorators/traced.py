"""Name and attributes → a span around a block, a function or a generator (OTel API only)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, overload

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Tracer

from flext_observability.decorators.span_arguments import (
    Parent,
    context_of,
    encode,
    is_function,
    links_of,
    qualified_name,
    span_kind_of,
    span_name,
)
from flext_observability.decorators.span_errors import end_span, record_error
from flext_observability.decorators.wrapping import decorate
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.names import SCOPE_NAME

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

P = ParamSpec("P")
R = TypeVar("R")


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
    **more: object,
) -> SpanTemplate: ...


def traced(
    name: object,
    attributes: Mapping[str, object] | None = None,
    /,
    *,
    span_kind: SpanKind | str | None = None,
    links: Iterable[Link | Span | SpanContext] = (),
    parent: Parent = None,
    **more: object,
) -> Any:
    """Trace a block (``with``, ``async with``) or a function (decorator, bare too).

    Works before ``init_observability`` (nothing is recorded until then). As a decorator it takes functions, coroutine
    functions, generator functions, async generator functions, and either order with ``classmethod`` and ``staticmethod``.
    A generator's span starts with its body, is current only while the body runs, and ends quietly when it is closed early.

    Args:
        name: Span name; a bare ``@traced`` uses the function's qualified name.
        attributes: Span attributes of any type, encoded as in entities; None values are left out.
        span_kind: ``SpanKind`` or its name in any case; anything else counts as internal.
        links: Spans, span contexts or links; anything else is left out.
        parent: A span, a span context, a context from ``extract_context`` (which then holds in the body), or a started
            ``FlextTrace``; the current span by default.
        more: Further attributes, which win over ``attributes``.

    Returns:
        A context manager that yields the span, and decorates.
    """
    if is_function(name):
        return decorate(name, SpanTemplate(qualified_name(name)).begin)
    encoded = encode(attributes, more)
    return SpanTemplate(span_name(name), encoded, kind=span_kind_of(span_kind), links=links_of(links), parent=parent)


class SpanTemplate:
    """Description of a span, ready to be entered any number of times, or to decorate a function."""

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
        self._entered: list[ActiveSpan] = []

    def begin(self) -> ActiveSpan:
        """Return one run of this span; it starts when it is entered."""
        return ActiveSpan(self)

    def start(self) -> tuple[Span, Context]:
        """Start the span; return it with the context in which it is current."""
        parent = None if self._parent is None else context_of(self._parent)
        try:
            span = tracer().start_span(self._name, parent, self._kind, self._attributes, self._links)
        except Exception as error:  # noqa: BLE001 - a sampler or processor of somebody else must not break the program
            report_once("Starting a span", error)
            span = NonRecordingSpan(otel_trace.get_current_span(parent).get_span_context())
        return span, otel_trace.set_span_in_context(span, parent)

    def __enter__(self) -> Span:
        """Start the span and make it current."""
        run = self.begin().__enter__()
        self._entered.append(run)
        return run.span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the span; an error is recorded and goes on."""
        current = otel_context.get_current()
        entered = list(
            self._entered
        )  # other threads and tasks may be inside too: the newest run that is current here is ours
        run = next((run for run in reversed(entered) if run.context is current), entered[-1] if entered else None)
        if run is not None:
            self._entered.remove(run)
            run.__exit__(kind, error, trace)

    async def __aenter__(self) -> Span:
        """Start the span and make it current in this task."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the span; an error is recorded and goes on."""
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate: each call, or each run of a generator, is a span of its own."""
        return decorate(function, self.begin)


class ActiveSpan:
    """One span under way: entered once, paused and resumed any number of times, left once."""

    __slots__ = ("_block", "_token", "context", "span")

    span: Span
    context: Context
    _token: Token[Context]

    def __init__(self, block: SpanTemplate) -> None:
        self._block = block

    def __enter__(self) -> Self:
        """Start the span and make it current."""
        self.span, self.context = self._block.start()
        self._token = otel_context.attach(self.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put back what was current, record the error, if any, and end the span."""
        detach(self._token)
        if error is not None:
            record_error(self.span, error)
        end_span(self.span)

    def pause(self) -> None:
        """Put back what was current; keep what the body had made current."""
        self.context = otel_context.get_current()
        detach(self._token)

    def resume(self) -> None:
        """Make current what was current in the body at the pause."""
        self._token = otel_context.attach(self.context)


def detach(token: Token[Context] | None) -> None:
    """Put back what was current before; do nothing in another task than the token's, or without a token."""
    try:
        if token is not None:
            # Not through OTel's detach: it logs a traceback when a generator is closed from another task.
            token.var.reset(token)
    except ValueError:
        pass


@cache
def tracer() -> Tracer:
    """Return our tracer; made on first use, and valid for the life of the process."""
    return otel_trace.get_tracer(SCOPE_NAME)
