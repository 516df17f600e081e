"""A function → the same function with a span, duration, calls by outcome, and one error log (flext_monitor_function)."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, overload

from opentelemetry.context import Context, create_key, set_value

from flext_observability.adapters import log_record
from flext_observability.adapters.metric import Write, instrument
from flext_observability.domain.encoding import encode_tag
from flext_observability.spans.arguments import is_function, qualified_name, span_name
from flext_observability.spans.block import SpanRun, TracedBlock
from flext_observability.spans.errors import (
    OUTCOME_ATTRIBUTE,
    describe_error,
    error_message,
    first_in_trace,
    is_failure,
    report_once,
)
from flext_observability.spans.wrapping import decorate

if TYPE_CHECKING:
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")

OPERATION_ATTRIBUTE: Final = "flext.operation"
DURATION_NAME: Final = "flext.function.duration"
CALLS_NAME: Final = "flext.function.calls"
OUTCOMES: Final = ("ok", "error", "cancelled")
_LOGGED: Final = "__flext_logged_in__"
_MAX_STACK_BYTES: Final = 16_384
# The histogram's exemplars point to the calls; a second set on the counter would cost as much as the counter itself.
_NO_SPAN: Final = set_value(create_key("flext.no_span"), None, Context())


@overload
def flext_monitor_function(operation: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def flext_monitor_function(operation: str | None = None, /) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def flext_monitor_function(operation: object = None, /) -> Any:
    """Monitor a function: each call, or each run of a generator, gives a span, two measurements and, if it fails, a log record.

    Takes functions, coroutine functions, generator functions and async generator functions, and either order with
    ``classmethod`` and ``staticmethod``; name, docstring, signature and kind are kept.

    - Histogram ``flext.function.duration`` in ``s`` and counter ``flext.function.calls`` in ``{call}``, by ``flext.operation`` and
      ``flext.outcome``: ``ok``, ``error``, or ``cancelled`` (``CancelledError``, ``KeyboardInterrupt``, ``SystemExit``).
    - An exception gives one error record in the innermost monitored call, however many it passes, and goes on.

    Args:
        operation: Name of the operation; by default the function's qualified name.

    Returns:
        The monitored function, or a decorator that makes one.
    """
    if is_function(operation):
        return decorate(operation, _Monitor(qualified_name(operation)).begin)

    def decorator(function: Callable[P, R]) -> Callable[P, R]:
        name = qualified_name(function) if operation is None else span_name(operation)
        return decorate(function, _Monitor(name).begin)

    return decorator


class _Monitor:
    """What is recorded about the calls of one operation."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.block = TracedBlock(operation)
        self._attributes = {
            outcome: {OPERATION_ATTRIBUTE: operation, OUTCOME_ATTRIBUTE: outcome} for outcome in OUTCOMES
        }

    @cached_property
    def _writes(self) -> tuple[Write, Write]:
        return (
            instrument(DURATION_NAME, "histogram", "s", description="Duration of monitored functions"),
            instrument(CALLS_NAME, "counter", "{call}", description="Calls of monitored functions"),
        )

    def begin(self) -> SpanRun:
        """Return one monitored call."""
        return _MonitoredRun(self)

    def measure(self, seconds: float, outcome: str) -> None:
        """Record the duration and count the call."""
        record, add = self._writes
        record(seconds, self._attributes[outcome], None)
        add(1, self._attributes[outcome], _NO_SPAN)

    def log(self, error: BaseException) -> None:
        """Emit the error record, in the current trace."""
        stack = "".join(traceback.format_exception(error, limit=-50))
        attributes = {
            OPERATION_ATTRIBUTE: self.operation,
            "exception.type": type(error).__qualname__,
            "exception.message": error_message(error),
            "exception.stacktrace": encode_tag(stack, max_bytes=_MAX_STACK_BYTES),
        }
        log_record.emit("error", f"{self.operation} failed: {describe_error(error)}", attributes)


class _MonitoredRun(SpanRun):
    """One monitored call: measured and logged while its span is current, so that exemplars and records point to it."""

    __slots__ = ("_began", "_monitor")

    def __init__(self, monitor: _Monitor) -> None:
        super().__init__(monitor.block)
        self._monitor = monitor

    def __enter__(self) -> Self:
        """Start the span and the clock."""
        self._began = perf_counter()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Measure, log the error, if any, and end the span."""
        try:
            self._monitor.measure(perf_counter() - self._began, _outcome(error))
            if error is not None and is_failure(error) and first_in_trace(error, _LOGGED, self.span):
                self._monitor.log(error)
        except Exception as failure:  # noqa: BLE001 - monitoring must not break what it monitors
            report_once("measure", failure)
        super().__exit__(kind, error, trace)


def _outcome(error: BaseException | None) -> str:
    if error is None or isinstance(error, StopIteration | StopAsyncIteration | GeneratorExit):
        return "ok"
    return "error" if isinstance(error, Exception) else "cancelled"
