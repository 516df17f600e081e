"""Function → monitored function: span, duration, calls by outcome, error record (flext_monitor_function)."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, overload

from opentelemetry.context import Context, create_key, set_value

from flext_observability.adapters import log_record
from flext_observability.adapters.metric import function_call_instruments
from flext_observability.decorators.span_arguments import is_function, qualified_name, span_name
from flext_observability.decorators.span_errors import first_in_trace, outcome_of
from flext_observability.decorators.traced import ActiveSpan, Entry, leave, traced
from flext_observability.decorators.wrapping import Around, decorate
from flext_observability.engine.metrics.instruments import EngineHistogram
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.exceptions import exception_attributes, summarize_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import OPERATION_ATTRIBUTE, OUTCOME_ATTRIBUTE

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.trace import Span

P = ParamSpec("P")
R = TypeVar("R")

_LOGGED: Final = "__flext_logged_in__"
# Context without a span: the histogram has exemplars, and exemplars of the counter would double its cost. The context
# has a key because OTel replaces an empty context with the current one.
_NO_SPAN: Final = set_value(create_key("flext.no_span"), None, Context())


@overload
def flext_monitor_function(operation: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def flext_monitor_function(operation: str | None = None, /) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def flext_monitor_function(operation: object = None, /) -> Any:
    """Monitor a function. Each call, or each run of a generator, creates a span, two measurements, and an error record.

    Supports functions, coroutine functions, generator functions and async generator functions, and ``classmethod`` and
    ``staticmethod`` in either order. Name, docstring, signature and kind are kept.

    - Histogram ``flext.function.duration`` in ``s`` and counter ``flext.function.calls`` in ``{call}``, by
      ``flext.operation`` and ``flext.outcome``: ``ok``, ``error``, or ``cancelled`` (``CancelledError``,
      ``KeyboardInterrupt``, ``SystemExit``).
    - An exception creates one error record, in the innermost monitored call, and propagates.

    Args:
        operation: Name of the operation. Default: the function's qualified name.

    Returns:
        The monitored function, or a decorator.
    """
    if is_function(operation):
        return _Monitor(qualified_name(operation)).decorate(operation)

    def decorator(function: Callable[P, R]) -> Callable[P, R]:
        name = qualified_name(function) if operation is None else span_name(operation)
        return _Monitor(name).decorate(function)

    return decorator


class _Monitor:
    """Span, measurements and error records of one operation."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.template = traced(operation)
        self._records: dict[str, Callable[[float], object]] = {}

    def decorate(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the monitored function."""
        return decorate(function, Around(self.begin, self.enter, self.leave))

    def begin(self) -> ActiveSpan:
        """Return one monitored call."""
        return _MonitoredCall(self)

    def enter(self) -> tuple[float, Entry]:
        """Start the timer and the span of one call."""
        return perf_counter(), self.template.enter()

    def leave(self, call: tuple[float, Entry], error: BaseException | None) -> None:
        """Record the duration, log an error, and end the span."""
        self.finish(perf_counter() - call[0], error, call[1][1])
        leave(call[1], error)

    def finish(self, seconds: float, error: BaseException | None, span: Span) -> None:
        """Measure a call while its span is current, for exemplars and trace ids, and log its error. Never raises."""
        try:
            outcome = "ok" if error is None else outcome_of(error)
            record = self._records.get(outcome) or self._recorder(outcome)
            record(seconds)
            if error is not None and outcome == "error" and first_in_trace(error, _LOGGED, span):
                self.log(error)
        except BaseException as failure:  # noqa: BLE001 - monitoring must not break the function
            reraise_interrupt(failure)
            report_once("Measuring a call", failure)

    def _recorder(self, outcome: str) -> Callable[[float], object]:
        """Return a function that records the duration of a call, and counts it."""
        attributes = {OPERATION_ATTRIBUTE: self.operation, OUTCOME_ATTRIBUTE: outcome}
        record, add = function_call_instruments()
        instrument: object = getattr(record, "__self__", None)
        if isinstance(instrument, EngineHistogram):  # the collection derives the calls from the durations
            bound = self._records[outcome] = instrument.bind(attributes).record
            return bound

        def record_both(seconds: float) -> None:  # a foreign provider does not derive them
            record(seconds, attributes, None)
            add(1, attributes, _NO_SPAN)

        return record_both

    def log(self, error: BaseException) -> None:
        """Emit the error record in the current trace."""
        attributes = {OPERATION_ATTRIBUTE: self.operation, **exception_attributes(error)}
        log_record.emit("error", f"{self.operation} failed: {summarize_error(error)}", attributes)


class _MonitoredCall(ActiveSpan):
    """One monitored call. Measured and logged while its span is current, for exemplars and trace ids."""

    __slots__ = ("_monitor", "_started_at")

    def __init__(self, monitor: _Monitor) -> None:
        super().__init__(monitor.template)
        self._monitor = monitor

    def __enter__(self) -> Self:
        """Start the span and the timer."""
        self._started_at = perf_counter()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record the duration, log an error, and end the span."""
        self._monitor.finish(perf_counter() - self._started_at, error, self.span)
        super().__exit__(kind, error, trace)
