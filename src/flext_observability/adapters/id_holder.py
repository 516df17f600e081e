"""IdHolder: the place of one correlation id in OTel's context, shared by all that runs in one request or scope."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from threading import get_ident, main_thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast, final
from weakref import ref

from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.trace import SpanKind, get_current_span

from flext_observability.domain.pending_result import inside_event_loop
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import CORRELATION_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import FrameType

HOLDER_KEY: Final = create_key(CORRELATION_ATTRIBUTE)
_SPAN_FIELD: Final = "_flext_correlation"
_MAX_BRANCHES: Final = 8
_ENTRY_KINDS: Final = (SpanKind.SERVER, SpanKind.CONSUMER)


class StartingSpan(Protocol):
    """The used part of a span of the SDK."""

    @property
    def kind(self) -> SpanKind:
        """The kind."""
        ...


@final
class IdHolder:
    """The correlation id of one request, scope, local root span, thread or task; without one until it is needed.

    Everything that runs in a copy of the context shares the holder, so an id that is created late serves all of it.

    Attributes:
        ambient: Whether the id was set or created outside a request, scope and span. Requests do not inherit it.
    """

    __slots__ = ("_ids", "_owner", "_redirect", "ambient")

    def __init__(self, value: str | None = None, *, ambient: bool = False) -> None:
        self._ids = [] if value is None else [value]
        self._owner = None if value is None else _execution_unit()
        self._redirect: Callable[[], IdHolder | None] | None = None
        self.ambient = ambient

    @property
    def value(self) -> str | None:
        """The id."""
        ids = self._ids
        return ids[0] if ids else None

    def value_or(self, new: str) -> str:
        """Return the id, after setting a new one if there is none. Atomic: all threads get the same one."""
        ids = self._ids
        if not ids:
            ids.append(new)
            self._owner = _execution_unit()
        return ids[0]

    def replace(self, value: str) -> bool:
        """Set the id. Return False, and change nothing, if it is the id of another thread or task."""
        here = _execution_unit()
        if self._ids and self._owner != here:
            return False
        self._ids, self._owner = [value], here
        return True

    def add_branch(self, holder: IdHolder) -> None:
        """Use another holder instead in this thread or task, and in the tasks that it starts later."""
        former = _branch.get()
        earlier = former.of if former is not None and former.holder is self else ()
        self._redirect = self._redirect or self._branch
        _branch.set(_Branch((*earlier[1 - _MAX_BRANCHES :], self), holder))

    def leave(self, outer: IdHolder | None) -> None:
        """Use the outer holder instead from now on: the scope has ended, and its context may still be current."""
        self._redirect = _nothing if outer is None else outer.valid

    def end_with_pool_call(self) -> None:
        """End with the call that was submitted to this pool thread, if any. Its context remains for the next call."""
        call = _pool_call()
        if call is not None:
            self._redirect = lambda: None if _is_done(call()) else self

    def valid(self) -> IdHolder | None:
        """Return this holder or the one to use instead; None if it has ended with its call."""
        return self if self._redirect is None else self._redirect()

    def _branch(self) -> IdHolder:
        branch = _branch.get()
        return branch.holder if branch is not None and self in branch.of else self


class _Branch(NamedTuple):
    """The holder of one thread or task, instead of shared ones."""

    of: tuple[IdHolder, ...]
    holder: IdHolder


# Not in OTel's context: an enclosing span that ends would restore the shared holder.
_branch: ContextVar[_Branch | None] = ContextVar("flext_correlation_branch", default=None)


def current_holder(context: Context | None = None) -> IdHolder | None:
    """Return the holder of a context, or else of its span; None without one.

    Args:
        context: Default: the current context. A context without a holder has the current one.
    """
    return _current(context, _in_context(context))


def _current(context: Context | None, found: IdHolder | None) -> IdHolder | None:
    """Return ``current_holder`` of a context with this holder."""
    if found is None or found.ambient:
        # A span may be current without the context it was started with: trace.use_span attaches the span alone.
        found = _on_span(context) or found
    if found is None and context is not None:
        return current_holder()
    return found


def holder_of_new_span(span: StartingSpan, parent_context: Context | None) -> IdHolder:
    """Return the holder for a starting span; a local root span without one gets its own."""
    found = _in_context(parent_context)
    if found is None or found.ambient:
        found = _inherited(parent_context, span.kind, found)
    elif parent_context is None:
        return found
    setattr(span, _SPAN_FIELD, found)
    return found


def with_new_holder(context: Context, value: str | None) -> Context:
    """Return the context of a request, with a holder of its own, so that it inherits no id."""
    return set_value(HOLDER_KEY, IdHolder(value), context)


def with_enclosing_holder(context: Context) -> Context:
    """Return an extracted context. Without an id of its own, it has the one of the current scope, request or span."""
    own, here = _in_context(context), current_holder()
    if own is None or own.value is not None or here is None or here.ambient:
        return context
    return set_value(HOLDER_KEY, here, context)


def context_with_holder(context: Context | None = None, kind: SpanKind = SpanKind.INTERNAL) -> Context | None:
    """Return the current context with the holder for a new span; None if the current context has it.

    Args:
        context: Parent context of the span. Default: the current context.
        kind: Kind of the span. Server and consumer spans do not inherit an ambient id.
    """
    here = _in_context(None)
    if context is None and here is not None and not here.ambient:
        return None
    holder = _inherited(context, kind, here if context is None else _in_context(context))
    return None if holder is here else set_value(HOLDER_KEY, holder)


def with_span_holder(context: Context | None, kind: SpanKind) -> Context | None:
    """Return the parent context of a new span, with a holder; None for the current context if that has one.

    Args:
        context: Parent context. Default: the current context.
        kind: See ``context_with_holder``.
    """
    found = _in_context(context)
    if found is not None and not found.ambient:
        return context
    holder = _inherited(context, kind, found)
    return context if holder is found else set_value(HOLDER_KEY, holder, context)


def _inherited(context: Context | None, kind: SpanKind, found: IdHolder | None) -> IdHolder:
    """Return the holder for a span with this parent context and its holder; a new one for a local root span."""
    holder = _current(context, found)
    if holder is None:
        return IdHolder()
    return IdHolder(None if kind in _ENTRY_KINDS else holder.value) if holder.ambient else holder


def _in_context(context: Context | None) -> IdHolder | None:
    holder = cast("IdHolder | None", get_value(HOLDER_KEY, context))
    return None if holder is None else holder.valid()


def _on_span(context: Context | None) -> IdHolder | None:
    try:
        holder: object = getattr(get_current_span(context), _SPAN_FIELD, None)
    except BaseException as error:  # noqa: BLE001 - a foreign span in the context
        reraise_interrupt(error)
        return None
    return holder.valid() if type(holder) is IdHolder else None  # a mock has any attribute


def _execution_unit() -> tuple[int, ref[object] | None]:
    """Return the identity of the running thread and asyncio task."""
    task: object = None
    if inside_event_loop():
        from asyncio import current_task

        task = current_task()
    return get_ident(), None if task is None else ref(task)


def _pool_call() -> ref[Future[object]] | None:
    """Return the future of the call that a ``ThreadPoolExecutor`` runs in this thread; None in other threads."""
    frame: FrameType | None = None
    if get_ident() != main_thread().ident:
        frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as collections does
    while frame is not None:
        if frame.f_code.co_name == "run" and frame.f_globals.get("__name__") == "concurrent.futures.thread":
            item: Any = frame.f_locals.get("self")
            return None if item is None else ref(item.future)
        frame = frame.f_back
    return None


def _nothing() -> None:
    """Return no holder."""


def _is_done(call: Future[object] | None) -> bool:
    return call is None or call.done()
