"""Exception raised in a span → status and exception event of the span.

The innermost span records the exception as an event. It and all outer spans get the error status. An interruption
(``asyncio.CancelledError``, ``KeyboardInterrupt``, ``SystemExit``) is not an error: the status stays unset, and
``flext.outcome`` is ``cancelled``. ``GeneratorExit``, ``StopIteration`` and ``StopAsyncIteration`` are not recorded:
they are the end of a generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import Status, StatusCode

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.exceptions import exception_attributes, summarize_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import OUTCOME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_RECORDED = "__flext_recorded_in__"


def record_error(span: Span, error: BaseException) -> None:
    """Set the error status, and add the exception event unless another span of this trace has it."""
    if not span.is_recording():
        return
    outcome = outcome_of(error)
    if outcome == "ok":
        return
    try:
        if outcome == "cancelled":
            span.set_attribute(OUTCOME_ATTRIBUTE, outcome)
            return
        span.set_status(Status(StatusCode.ERROR, summarize_error(error)))
        if first_in_trace(error, _RECORDED, span):
            # Not record_exception: it has no size limit, and raises when __str__ of the error raises.
            span.add_event("exception", exception_attributes(error))
    except BaseException as failure:  # noqa: BLE001 - a foreign span
        reraise_interrupt(failure)
        report_once("Recording an error on a span", failure)


def outcome_of(error: BaseException) -> str:
    """Return how work ended that raised this: ``ok``, ``error`` or ``cancelled``."""
    kind = type(error)
    if issubclass(kind, StopIteration | StopAsyncIteration | GeneratorExit):
        return "ok"
    return "error" if issubclass(kind, Exception) else "cancelled"


def first_in_trace(error: BaseException, mark: str, span: Span) -> bool:
    """Mark the error. Return whether it did not have this mark in the span's trace."""
    trace_id = span.get_span_context().trace_id
    # Through __dict__, because setting an attribute of a frozen dataclass raises.
    first: bool = error.__dict__.get(mark) != trace_id
    error.__dict__[mark] = trace_id
    return first


def end_span(span: Span) -> None:
    """End a span. An exception of a processor is logged once."""
    try:
        span.end()
    except BaseException as error:  # noqa: BLE001 - a foreign processor must not break the program
        reraise_interrupt(error)
        report_once("Ending a span", error)
