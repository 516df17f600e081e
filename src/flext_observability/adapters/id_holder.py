"""IdHolder: the place of one correlation id in OTel's context, shared by all that runs in one request or scope.

A local root span has a holder of its own, which is created when an id is set or asked for. Until then the field
``_flext_correlation`` of the span has ``NOT_ASKED``; that of its children has the root span.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from threading import get_ident, main_thread
from typing import TYPE_CHECKING, Any, Final, cast, final
from weakref import ref

from opentelemetry.context import Context, create_key, set_value
from opentelemetry.trace import Span, SpanKind, get_current_span

from flext_observability.adapters.current_context import CURRENT, SPAN_KEY, with_span
from flext_observability.domain.pending_result import inside_event_loop
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.named_tuple import NamedTuple
from flext_observability.values.names import CORRELATION_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import FrameType

HOLDER_KEY: Final = create_key(CORRELATION_ATTRIBUTE)
NOT_ASKED: Final = object()
"""Link of a local root span whose holder does not exist."""
_SPAN_FIELD: Final = "_flext_correlation"
_HOLDER_FIELD: Final = "_flext_correlation_holder"
_MAX_BRANCHES: Final = 8
_here: Final = CURRENT.get
_ENTRY_KINDS: Final = (SpanKind.SERVER, SpanKind.CONSUMER)


@final
class IdHolder:
    """The correlation id of one request, scope, local root span, thread or task; without one until it is needed.

    Everything that runs in a copy of the context shares the holder, so an id that is created late serves all of it.

    Attributes:
        ambient: Whether the id was set or created outside a request, scope and span. Requests do not inherit it.
        ids: The id, or nothing.
        redirect: Returns the holder to use instead, or None; None while this holder is the valid one.
    """

    __slots__ = ("_owner", "ambient", "ids", "redirect")

    def __init__(self, value: str | None = None, *, ambient: bool = False) -> None:
        self.ids = [] if value is None else [value]
        self._owner = None if value is None else _execution_unit()
        self.redirect: Callable[[], IdHolder | None] | None = None
        self.ambient = ambient

    @property
    def value(self) -> str | None:
        """The id."""
        ids = self.ids
        return ids[0] if ids else None

    def value_or(self, new: str) -> str:
        """Return the id, after setting a new one if there is none. Atomic: all threads get the same one."""
        ids = self.ids
        if not ids:
            ids.append(new)
            self._owner = _execution_unit()
        return ids[0]

    def replace(self, value: str) -> bool:
        """Set the id. Return False, and change nothing, if it is the id of another thread or task."""
        here = _execution_unit()
        if self.ids and self._owner != here:
            return False
        self.ids, self._owner = [value], here
        return True

    def add_branch(self, holder: IdHolder) -> None:
        """Use another holder instead in this thread or task, and in the tasks that it starts later."""
        former = _branch.get()
        earlier = former.of if former is not None and former.holder is self else ()
        self.redirect = self.redirect or self._branch
        _branch.set(_Branch((*earlier[1 - _MAX_BRANCHES :], self), holder))

    def leave(self, outer: IdHolder | None) -> None:
        """Use the outer holder instead from now on: the scope has ended, and its context may still be current."""
        self.redirect = _nothing if outer is None else outer.valid

    def end_with_pool_call(self) -> None:
        """End with the call that was submitted to this pool thread, if any. Its context remains for the next call."""
        call = _pool_call()
        if call is not None:
            self.redirect = lambda: None if _is_done(call()) else self

    def valid(self) -> IdHolder | None:
        """Return this holder or the one to use instead; None if it has ended with its call."""
        return self if self.redirect is None else self.redirect()

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


def link_span(span: Span, parent_context: Context | None, kind: SpanKind) -> IdHolder | None:
    """Give a new span the holder of its parent context, or of its local root span; return the holder if it exists."""
    here = _here() if parent_context is None else parent_context
    link: object = NOT_ASKED
    if parent_context is not None or HOLDER_KEY in here or SPAN_KEY in here:
        link = found = _in_context(here)
        if found is None or found.ambient:
            link = _link_in(parent_context) or _new_link(parent_context, kind, found)
    setattr(span, _SPAN_FIELD, link)
    return None if link is NOT_ASKED else existing_holder(link)


def existing_holder(link: object) -> IdHolder | None:
    """Return the holder that a link leads to; None if it has not been asked for, or has ended."""
    holder = link if type(link) is IdHolder else getattr(link, _SPAN_FIELD, None)
    return holder.valid() if type(holder) is IdHolder else None


def context_with_span(span: Span, base: Context, parent: Context | None, kind: SpanKind) -> Context:
    """Return the context in which a new span is current, and has the correlation id that the span started with.

    Args:
        span: The span, of any implementation.
        base: The context to extend.
        parent: Parent context of the span. Default: ``base``.
        kind: Kind of the span. Server and consumer spans do not inherit an ambient id.
    """
    link = _link_of(span)
    if link is not None and HOLDER_KEY not in base:
        return Context({**base, SPAN_KEY: span} if base else {SPAN_KEY: span})
    holder: IdHolder | None
    here = _in_context(base)
    if here is not None and not here.ambient and (parent is None or parent is base):
        return with_span(base, span)
    if link is None:  # the span was started without us
        found = here if parent is None else _in_context(parent)
        holder = found if found is not None and not found.ambient else _inherited(parent, kind, found)
    elif here is None or here.ambient:
        return with_span(base, span)
    else:
        holder = _holder_of(link)
    return with_span(base if holder is here else set_value(HOLDER_KEY, holder, base), span)


def with_new_holder(context: Context, value: str | None) -> Context:
    """Return the context of a request, with a holder of its own, so that it inherits no id."""
    return set_value(HOLDER_KEY, IdHolder(value), context)


def with_enclosing_holder(context: Context) -> Context:
    """Return an extracted context. Without an id of its own, it has the one of the current scope, request or span."""
    own, here = _in_context(context), current_holder()
    if own is None or own.value is not None or here is None or here.ambient:
        return context
    return set_value(HOLDER_KEY, here, context)


def _inherited(context: Context | None, kind: SpanKind, found: IdHolder | None) -> IdHolder:
    """Return the holder for a span with this parent context and its holder; a new one for a local root span."""
    holder = _current(context, found)
    if holder is None:
        return IdHolder()
    return IdHolder(None if kind in _ENTRY_KINDS else holder.value) if holder.ambient else holder


def _new_link(context: Context | None, kind: SpanKind, found: IdHolder | None) -> object:
    """Return the link of a span whose parent has none."""
    if found is None and context is not None:
        found = current_holder()
    if found is None or (found.ambient and kind in _ENTRY_KINDS):
        return NOT_ASKED
    return IdHolder(found.value) if found.ambient else found


def _in_context(context: Context | None) -> IdHolder | None:
    holder = cast("IdHolder | None", (CURRENT.get() if context is None else context).get(HOLDER_KEY))
    return None if holder is None else holder.valid()


def _on_span(context: Context | None) -> IdHolder | None:
    link = _link_in(context)
    return None if link is None else _holder_of(link)


def _link_in(context: Context | None) -> object:
    """Return the link for children of a context's span; None if there is none."""
    try:
        return _link_of(get_current_span(context))
    except BaseException as error:  # noqa: BLE001 - a foreign object in the context
        reraise_interrupt(error)
        return None


def _link_of(span: Span) -> object:
    """Return the link for children of a span: a valid holder, or the local root span; None if the span has none."""
    try:
        link: object = getattr(span, _SPAN_FIELD, None)
        if link is NOT_ASKED:
            return span
        if type(link) is IdHolder:
            return link.valid()
        if not isinstance(link, Span):  # a mock has any attribute
            return None
        return existing_holder(link) or link
    except BaseException as error:  # noqa: BLE001 - a foreign span
        reraise_interrupt(error)
        return None


def _holder_of(link: object) -> IdHolder | None:
    """Return the holder that a link leads to, which is created on the local root span if it does not exist."""
    if type(link) is IdHolder:
        return link
    holder = vars(link).setdefault(_HOLDER_FIELD, IdHolder())  # atomic: all threads get the same one
    setattr(link, _SPAN_FIELD, holder)
    return cast("IdHolder", holder).valid()


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
