"""Function → monitored function: span, duration, calls by outcome, error record (flext_monitor_function)."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, overload

from opentelemetry.context import Context, create_key, set_value
from opentelemetry.metrics import get_meter_provider

from flext_observability.adapters import log_record
from flext_observability.adapters.instrument_table import RecordFn
from flext_observability.adapters.metric import function_call_instruments
from flext_observability.decorators.span_arguments import is_function, qualified_name, span_name
from flext_observability.decorators.span_errors import first_in_trace, outcome_of
from flext_observability.decorators.traced import ActiveSpan, SpanTemplate
from flext_observability.decorators.wrapping import decorate
from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.exceptions import exception_attributes, summarize_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import OPERATION_ATTRIBUTE, OUTCOME_ATTRIBUTE, OUTCOMES

if TYPE_CHECKING:
    from types import TracebackType

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
        return decorate(operation, _Monitor(qualified_name(operation)).begin)

    def decorator(function: Callable[P, R]) -> Callable[P, R]:
        name = qualified_name(function) if operation is None else span_name(operation)
        return decorate(function, _Monitor(name).begin)

    return decorator


class _Monitor:
    """Span, measurements and error records of one operation."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.template = SpanTemplate(operation)
        self._record: RecordFn | None = None
        self._attributes = {
            outcome: {OPERATION_ATTRIBUTE: operation, OUTCOME_ATTRIBUTE: outcome} for outcome in OUTCOMES
        }

    def begin(self) -> ActiveSpan:
        """Return one monitored call."""
        return _MonitoredCall(self)

    def measure(self, seconds: float, outcome: str, context: Context) -> None:
        """Record the duration and count the call. ``context`` has the call's span, for exemplars."""
        if self._record is not None:
            self._record(seconds, self._attributes[outcome], context)
            return
        record, add = function_call_instruments()
        record(seconds, self._attributes[outcome], context)
        if isinstance(get_meter_provider(), DelegatingMeterProvider):
            self._record = record  # the collection derives the calls from the durations
        else:
            add(1, self._attributes[outcome], _NO_SPAN)  # a foreign provider does not derive them

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
        try:
            outcome = "ok" if error is None else outcome_of(error)
            self._monitor.measure(perf_counter() - self._started_at, outcome, self.context)
            if error is not None and outcome == "error" and first_in_trace(error, _LOGGED, self.span):
                self._monitor.log(error)
        except BaseException as failure:  # noqa: BLE001 - monitoring must not break the function
            reraise_interrupt(failure)
            report_once("Measuring a call", failure)
        super().__exit__(kind, error, trace)
