"""Exception raised in a span → status and exception event of the span.

The innermost span records the exception as an event. It and all outer spans get the error status. A cancelled task
(``asyncio.CancelledError``) is not an error: the status stays unset, and ``flext.outcome`` is ``cancelled``.
``GeneratorExit``, ``StopIteration``, ``StopAsyncIteration``, ``KeyboardInterrupt`` and ``SystemExit`` are not recorded.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from opentelemetry.trace import Status, StatusCode

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.exceptions import describe_error, exception_attributes
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import OUTCOME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_RECORDED = "__flext_recorded_in__"


def record_error(span: Span, error: BaseException) -> None:
    """Set the error status, and add the exception event unless another span of this trace has it."""
    if not span.is_recording():
        return
    if is_cancellation(error):
        span.set_attribute(OUTCOME_ATTRIBUTE, "cancelled")
    if not is_failure(error):
        return
    try:
        span.set_status(Status(StatusCode.ERROR, describe_error(error)))
        if first_in_trace(error, _RECORDED, span):
            # Not record_exception: it has no size limit, and raises when __str__ of the error raises.
            span.add_event("exception", exception_attributes(error))
    except BaseException as failure:  # noqa: BLE001 - a foreign span
        reraise_interrupt(failure)
        report_once("Recording an error on a span", failure)


def is_cancellation(error: BaseException) -> bool:
    """Return whether the exception is the cancellation of a task."""
    # Without importing asyncio, which is slow: no task can be cancelled before its import.
    asyncio_exceptions = sys.modules.get("asyncio.exceptions")
    return asyncio_exceptions is not None and isinstance(error, asyncio_exceptions.CancelledError)


def is_failure(error: BaseException) -> bool:
    """Return whether the exception is an error, not the end or the cancellation of work."""
    return isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration)


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
