"""``start_as_current_span``: context manager and decorator of sync and async functions, over ``start_span``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast, final

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from flext_observability.adapters.current_context import CURRENT, SPAN_KEY
from flext_observability.adapters.id_holder import context_with_span
from flext_observability.engine.compat import AgnosticContextManager
from flext_observability.values.exceptions import whole_message

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.util.types import Attributes

P = ParamSpec("P")
R = TypeVar("R")
_current: Final = CURRENT.get
_make_current: Final = CURRENT.set
_restore: Final = CURRENT.reset


@final
class CurrentSpan(AgnosticContextManager[Span]):
    """Result of ``start_as_current_span``. The span starts on ``__enter__``.

    Args:
        tracer: Starts the span.
        arguments: Arguments of its ``start_span``. The last two say whether an exception becomes an event, and the
            status.
        end_on_exit: Whether leaving ends the span.
    """

    __slots__ = ("_arguments", "_end_on_exit", "_span", "_token", "_tracer")

    _span: Span
    _token: Token[Context]

    def __init__(self, tracer: BlockTracer, arguments: tuple[Any, ...], *, end_on_exit: bool) -> None:
        self._tracer = tracer
        self._arguments = arguments
        self._end_on_exit = end_on_exit

    def __enter__(self) -> Span:  # measured: benchmarks, recorded span
        """Start the span and make it current."""
        tracer, arguments = self._tracer, self._arguments
        self._span = span = tracer.start_span(*arguments)
        base = _current()
        if tracer.options is not None and arguments[1] is None:
            context = Context({**base, SPAN_KEY: span} if base else {SPAN_KEY: span})
        else:
            context = context_with_span(span, base, *arguments[1:3])
        self._token = _make_current(context)
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the previous context, record an exception, and end the span."""
        span = self._span
        try:  # noqa: SIM105 - suppress costs 0.3 µs
            _restore(self._token)
        except ValueError:  # closed in another context
            pass
        try:
            if error is not None and isinstance(error, Exception) and span.is_recording():
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
        return CurrentSpan(self._tracer, self._arguments, end_on_exit=self._end_on_exit)

    def _record(self, span: Span, error: Exception) -> None:
        record_exception, set_status = self._arguments[-2:]
        if record_exception:
            span.record_exception(error)
        if set_status:
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {whole_message(error)}"))


class BlockTracer(Tracer):
    """Tracer whose blocks work with any implementation of ``start_span``.

    Attributes:
        options: Not None if the tracer itself creates the spans.
    """

    options: Any = None

    @abstractmethod
    def start_span(  # noqa: PLR0913, PLR0917 - OTel's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
        raw: dict[Any, Any] | None = None,
    ) -> Span:
        """Start a span. See OTel's ``Tracer.start_span``.

        ``raw`` are attributes of any type, instead of ``attributes``. They are encoded if the span is recorded.
        """

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
        return CurrentSpan(self, arguments, end_on_exit=end_on_exit)
