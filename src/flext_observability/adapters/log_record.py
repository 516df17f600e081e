"""FlextLogEntry, or level, body and attributes → OTel log record (API only, never the SDK)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from opentelemetry._logs import Logger, SeverityNumber, get_logger

from flext_observability.values.encoding import encode_attribute, encode_attributes, encode_tag
from flext_observability.values.names import CORRELATION_ATTRIBUTE, SCOPE_NAME
from flext_observability.values.timestamps import to_unix_nanos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.values.encoding import AttributeValue

MAX_BODY_BYTES = 65_536
_NUMBERS: Mapping[str, SeverityNumber] = {
    "trace": SeverityNumber.TRACE,
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}


def emit(
    level: str,
    body: str,
    attributes: Mapping[str, AttributeValue],
    *,
    event_name: str | None = None,
    timestamp_ns: int | None = None,
    context: Context | None = None,
) -> None:
    """Emit one log record.

    Args:
        level: One of ``LOG_LEVELS``.
        body: The message.
        attributes: Encoded attributes.
        event_name: Name of an event; None for an ordinary record.
        timestamp_ns: Time of the event, in nanoseconds since the epoch; None for unknown.
        context: OTel context with the trace. Default: the current context.

    Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
    """
    _logger().emit(
        timestamp=timestamp_ns,
        context=context,
        severity_number=_NUMBERS[level],
        severity_text=level.upper(),  # the spelling of standard-library logging
        body=body,
        attributes=attributes,
        event_name=event_name,
    )


def emit_entry(entry: FlextLogEntry) -> None:
    """Emit an entity in the current trace, with its correlation id or the current one."""
    attributes = encode_attributes(entry.context)
    if entry.correlation_id:
        attributes[CORRELATION_ATTRIBUTE] = encode_attribute(entry.correlation_id)
    emit(entry.severity, body(entry.message), attributes, timestamp_ns=to_unix_nanos(entry.timestamp))


def body(message: object) -> str:
    """Return a message as valid Unicode text of at most ``MAX_BODY_BYTES``."""
    return encode_tag(message, max_bytes=MAX_BODY_BYTES)


@cache
def _logger() -> Logger:
    """Return our logger, which is valid for the life of the process."""
    return get_logger(SCOPE_NAME)
