"""``start_as_current_span``: context manager and decorator of sync and async functions, over ``start_span``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, final

from opentelemetry.context import attach
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from flext_observability.adapters.id_holder import context_with_holder
from flext_observability.engine.compat import AgnosticContextManager

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

P = ParamSpec("P")
R = TypeVar("R")


@final
class CurrentSpan(AgnosticContextManager[Span]):
    """Result of ``start_as_current_span``. The span starts on ``__enter__``.

    Args:
        start_span: Starts a span.
        arguments: Arguments of ``start_span``. The last two say whether an exception becomes an event, and the status.
        end_on_exit: Whether leaving ends the span.
    """

    def __init__(self, start_span: Callable[..., Span], arguments: tuple[Any, ...], *, end_on_exit: bool) -> None:
        self._start_span = start_span
        self._arguments = arguments
        self._end_on_exit = end_on_exit

    def __enter__(self) -> Span:  # measured: benchmarks, recorded span
        """Start the span and make it current."""
        own = context_with_holder(*self._arguments[1:3])
        outer = None if own is None else attach(own)
        try:
            self._span = span = self._start_span(*self._arguments)
            inner = attach(set_span_in_context(span))
        except BaseException:
            if outer is not None:
                outer.var.reset(outer)
            raise
        self._token: Token[Context] = outer or inner
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the previous context, record an exception, and end the span."""
        token, span = self._token, self._span
        with suppress(ValueError):  # closed in another context
            token.var.reset(token)
        try:
            if isinstance(error, Exception) and span.is_recording():
                self._record(span, error)
        finally:
            if self._end_on_exit:
                span.end()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:  # type: ignore[override]  # OTel has no types here
        """Return the function with a span around each call."""
        if iscoroutinefunction(function):

            @wraps(function)
            async def traced_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - of the function
                with self._copy():
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", traced_coroutine)

        @wraps(function)
        def traced_function(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._copy():
                return function(*args, **kwargs)

        return traced_function

    def _copy(self) -> CurrentSpan:
        return CurrentSpan(self._start_span, self._arguments, end_on_exit=self._end_on_exit)

    def _record(self, span: Span, error: Exception) -> None:
        record_exception, set_status = self._arguments[-2:]
        if record_exception:
            span.record_exception(error)
        if set_status:
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


class BlockTracer(Tracer):
    """Tracer whose blocks work with any implementation of ``start_span``."""

    __slots__ = ()

    def start_as_current_span(  # noqa: PLR0913, PLR0917 - OTel's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
        end_on_exit: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
    ) -> CurrentSpan:
        """Start a span and make it current. See OTel's ``Tracer.start_as_current_span``."""
        arguments = name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        return CurrentSpan(self.start_span, arguments, end_on_exit=end_on_exit)
