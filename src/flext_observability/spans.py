"""Name and attributes → a span around a block, a function or a generator (OTel API only).

Errors are recorded once: the innermost span that an exception leaves keeps it as an event, every span that it passes gets
the error status. Cancellation (``asyncio.CancelledError``) is not an error: the span ends with the status unset and the
attribute ``flext.outcome`` = ``cancelled``. ``GeneratorExit``, ``StopIteration``, ``StopAsyncIteration``,
``KeyboardInterrupt`` and ``SystemExit`` leave no mark.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from functools import cache, lru_cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeGuard, TypeVar, cast, overload

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)

from flext_observability.domain.encoding import encode_attributes, encode_tag

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.util.types import Attributes

P = ParamSpec("P")
R = TypeVar("R")

SCOPE_NAME = "flext_observability"
OUTCOME_ATTRIBUTE = "flext.outcome"
_MAX_NAME_BYTES = 1024
_RECORDED = "__flext_recorded_in__"
_logger = logging.getLogger("flext_observability")
_KINDS: dict[object, SpanKind] = {kind.name.lower(): kind for kind in SpanKind}


class StartedTrace(Protocol):
    """What a ``FlextTrace`` shows of itself as a parent: lower-case hex ids, None before it is started."""

    @property
    def trace_id(self) -> str | None: ...  # noqa: D102 - said above

    @property
    def span_id(self) -> str | None: ...  # noqa: D102 - said above


Parent = Context | Span | SpanContext | StartedTrace | None


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
) -> TracedBlock: ...


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
        return decorate(name, TracedBlock(qualified_name(name)).begin)
    encoded = encode(attributes, more)
    return TracedBlock(span_name(name), encoded, kind=_span_kind(span_kind), links=_links(links), parent=parent)


class TracedBlock:
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
        self._entered: tuple[SpanRun, Any] | None = None

    def begin(self) -> SpanRun:
        """Return one run of this span; it starts when it is entered."""
        return SpanRun(self)

    def start(self) -> tuple[Span, Context]:
        """Start the span; return it with the context in which it is current."""
        parent = None if self._parent is None else context_of(self._parent)
        try:
            span = tracer().start_span(self._name, parent, self._kind, self._attributes, self._links)
        except Exception as error:  # noqa: BLE001 - a sampler or processor of somebody else must not break the program
            report_once("start", error)
            span = NonRecordingSpan(otel_trace.get_current_span(parent).get_span_context())
        return span, otel_trace.set_span_in_context(span, parent)

    def __enter__(self) -> Span:
        """Start the span and make it current."""
        run = self.begin()
        self._entered = (run, self._entered)
        return run.__enter__().span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the span; an error is recorded and goes on."""
        if self._entered is not None:
            run, self._entered = self._entered
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


class SpanRun:
    """One span under way: entered once, paused and resumed any number of times, left once."""

    __slots__ = ("_block", "_token", "context", "span")

    span: Span
    context: Context
    _token: Token[Context]

    def __init__(self, block: TracedBlock) -> None:
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


def decorate(function: Callable[P, R], begin: Callable[[], SpanRun]) -> Callable[P, R]:
    """Return a function of the same kind, name and signature that runs each call inside ``begin()``."""
    target: Any = function
    if isinstance(target, classmethod | staticmethod):
        descriptor = cast("Any", target)
        return cast("Callable[P, R]", type(descriptor)(decorate(descriptor.__func__, begin)))
    for is_kind, wrap in _WRAPPERS:
        if is_kind(target):
            return cast("Callable[P, R]", wraps(target)(wrap(target, begin)))
    return wraps(function)(_around_function(function, begin))


def _around_function(function: Callable[P, R], begin: Callable[[], SpanRun]) -> Callable[P, R]:
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with begin():
            return function(*args, **kwargs)

    return wrapper


def _around_coroutine(function: Callable[..., Any], begin: Callable[[], SpanRun]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> object:
        with begin():
            return await function(*args, **kwargs)

    return wrapper


def _around_generator(function: Callable[..., Any], begin: Callable[[], SpanRun]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with begin() as run:
            body = function(*args, **kwargs)
            step, value = body.send, None
            while True:
                try:
                    item = step(value)
                except StopIteration as stop:
                    return stop.value
                run.pause()
                try:
                    step, value = body.send, (yield item)
                except BaseException as thrown:  # noqa: BLE001 - handed to the body, GeneratorExit too
                    step, value = body.throw, thrown
                finally:
                    run.resume()

    return wrapper


def _around_async_generator(function: Callable[..., Any], begin: Callable[[], SpanRun]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with begin() as run:
            body = function(*args, **kwargs)
            step, value = body.asend, None
            while True:
                try:
                    item = await step(value)
                except StopAsyncIteration:
                    return
                run.pause()
                try:
                    step, value = body.asend, (yield item)
                except BaseException as thrown:  # noqa: BLE001 - handed to the body, GeneratorExit too
                    step, value = body.athrow, thrown
                finally:
                    run.resume()

    return wrapper


_WRAPPERS: tuple[tuple[Callable[[Any], bool], Callable[..., Callable[..., Any]]], ...] = (
    (inspect.isasyncgenfunction, _around_async_generator),
    (inspect.isgeneratorfunction, _around_generator),
    (inspect.iscoroutinefunction, _around_coroutine),
)


def detach(token: Token[Context] | None) -> None:
    """Put back what was current before; do nothing in another task than the token's, or without a token."""
    try:
        if token is not None:
            # Not through OTel's detach: it logs a traceback when a generator is closed from another task.
            token.var.reset(token)
    except ValueError:
        pass


def record_error(span: Span, error: BaseException) -> None:
    """Put an error on a span: status, and the exception event unless a span of this trace has it already."""
    if not span.is_recording():
        return
    if is_cancellation(error):
        span.set_attribute(OUTCOME_ATTRIBUTE, "cancelled")
    if not is_failure(error):
        return
    try:
        span.set_status(Status(StatusCode.ERROR, describe_error(error)))
        if first_in_trace(error, _RECORDED, span):
            span.record_exception(error)
    except Exception as failure:  # noqa: BLE001 - the error's own __str__, or a span of somebody else
        report_once("record an error on", failure)


def is_cancellation(error: BaseException) -> bool:
    """Whether a task was cancelled."""
    # Importing asyncio takes longer than all of ours; where nobody has, nothing was cancelled.
    asyncio_exceptions = sys.modules.get("asyncio.exceptions")
    return asyncio_exceptions is not None and isinstance(error, asyncio_exceptions.CancelledError)


def is_failure(error: BaseException) -> bool:
    """Whether an exception says that something went wrong, and not that work ended or was called off."""
    return isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration)


def first_in_trace(error: BaseException, mark: str, span: Span) -> bool:
    """Whether this is the first call for the error with this mark in the span's trace; marks the error."""
    trace_id = span.get_span_context().trace_id
    # The dictionary itself: exceptions may refuse attributes (frozen dataclasses).
    first: bool = error.__dict__.get(mark) != trace_id
    error.__dict__[mark] = trace_id
    return first


def describe_error(error: BaseException) -> str:
    """Return type and message of an error, as status descriptions have it."""
    return encode_tag(f"{type(error).__name__}: {error_message(error)}")


def error_message(error: BaseException) -> str:
    """Return an error's message, whatever its own code does."""
    try:
        return encode_tag(str(error))
    except Exception:  # noqa: BLE001 - any exception class may have any __str__
        return "<no readable message>"


def end_span(span: Span) -> None:
    """End a span, whatever its processors do."""
    try:
        span.end()
    except Exception as error:  # noqa: BLE001 - a processor of somebody else must not break the program
        report_once("end", error)


@lru_cache(maxsize=64)
def _report(action: str, kind: str, text: str) -> None:
    _logger.warning("Could not %s a span: %s: %s; the program goes on without it", action, kind, text)


def report_once(action: str, error: Exception) -> None:
    """Log a failure of the tracing itself, the first time."""
    _report(action, type(error).__name__, encode_tag(error, max_bytes=256))


@cache
def tracer() -> Tracer:
    """Return our tracer; made on first use, and valid for the life of the process."""
    return otel_trace.get_tracer(SCOPE_NAME)


def encode(attributes: Mapping[str, object] | None, more: Mapping[str, object] | None = None) -> Attributes:
    """Encode attributes of any type; the second mapping wins."""
    if not more:
        return None if attributes is None else encode_attributes(attributes)
    return {**encode_attributes(attributes), **encode_attributes(more)}


def context_of(parent: Parent) -> Context | None:
    """Return the context that makes ``parent`` the parent of what starts in it; None for what is no parent."""
    if isinstance(parent, Context):
        return parent
    if isinstance(parent, SpanContext):
        return otel_trace.set_span_in_context(NonRecordingSpan(parent))
    if isinstance(parent, Span):
        return otel_trace.set_span_in_context(parent)
    try:
        trace_id, span_id = int(cast("Any", parent).trace_id, 16), int(cast("Any", parent).span_id, 16)
    except (AttributeError, TypeError, ValueError):
        return None
    started = SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return otel_trace.set_span_in_context(NonRecordingSpan(started))


def _links(links: object) -> list[Link] | None:
    if not links or not isinstance(links, Iterable):
        return None
    return [link for link in map(_link, cast("Iterable[object]", links)) if link is not None]


def _link(link: object) -> Link | None:
    if isinstance(link, Link):
        return link
    context = link.get_span_context() if isinstance(link, Span) else link
    return Link(context) if isinstance(context, SpanContext) else None


def _span_kind(kind: SpanKind | str | None) -> SpanKind:
    if isinstance(kind, SpanKind):
        return kind
    return _KINDS.get(kind.lower(), SpanKind.INTERNAL) if isinstance(kind, str) else SpanKind.INTERNAL


def span_name(name: object) -> str:
    """Return a name as valid Unicode text of at most 1024 bytes."""
    if type(name) is str and name.isascii() and len(name) <= _MAX_NAME_BYTES:
        return name
    return encode_tag(name, max_bytes=_MAX_NAME_BYTES)


def is_function(name: object) -> TypeGuard[Callable[..., Any]]:
    """Whether a bare decorator got its function, and not a name."""
    return callable(name) or isinstance(name, classmethod)


def qualified_name(function: Callable[..., Any]) -> str:
    """Return the name that a bare decorator gives: the function's qualified name."""
    return span_name(getattr(function, "__qualname__", type(function).__qualname__))
