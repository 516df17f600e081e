"""Exceptions that leave a span → its status and its event, once.

Errors are recorded once: the innermost span that an exception leaves keeps it as an event, every span that it passes gets
the error status. Cancellation (``asyncio.CancelledError``) is not an error: the span ends with the status unset and the
attribute ``flext.outcome`` = ``cancelled``. ``GeneratorExit``, ``StopIteration``, ``StopAsyncIteration``,
``KeyboardInterrupt`` and ``SystemExit`` leave no mark.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from opentelemetry.trace import Status, StatusCode

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.exceptions import describe_error, exception_attributes
from flext_observability.values.names import OUTCOME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_RECORDED = "__flext_recorded_in__"


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
            # Not record_exception: it fails with the error's own __str__, and knows no limit.
            span.add_event("exception", exception_attributes(error))
    except Exception as failure:  # noqa: BLE001 - a span of somebody else
        report_once("Recording an error on a span", failure)


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


def end_span(span: Span) -> None:
    """End a span, whatever its processors do."""
    try:
        span.end()
    except Exception as error:  # noqa: BLE001 - a processor of somebody else must not break the program
        report_once("Ending a span", error)
