"""Standard library log record → time, severity, body and attributes of OpenTelemetry's log record (API only)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry._logs import SeverityNumber

from flext_observability.instrumentation.logging.structured_record import RESERVED, TRACE, ExcInfo, from_event
from flext_observability.instrumentation.logging.structured_text import MAX_EVENT_BYTES, StructuredText
from flext_observability.values.encoding import are_encoded, encode_attribute, encode_attributes, encode_tag
from flext_observability.values.exceptions import MAX_STACK_BYTES, exception_attributes
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.context import Context

Fields = tuple[int, str, SeverityNumber, str, dict[str, Any]]
"""Time in nanoseconds since the epoch, name of the level, severity, body, and encoded attributes."""

_STANDARD: Final = tuple(logging.makeLogRecord({}).__dict__)
_STANDARD_COUNT: Final = len(_STANDARD)
_LAST: Final = _STANDARD[-1]
# Further ones are set by OpenTelemetry's logging instrumentation. The record has them as its trace context.
_EXCLUDED: Final = RESERVED | {"otelServiceName", "otelSpanID", "otelTraceID", "otelTraceSampled"}
_STRUCTLOG_EXTRAS: Final = frozenset(("_logger", "_name"))  # extras of ProcessorFormatter.wrap_for_formatter
_STRUCTURED_EXCLUDED: Final = _EXCLUDED | _STRUCTLOG_EXTRAS
_MAX_LINES: Final = 1 << 31
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def _severity(level: int, name: str) -> SeverityNumber:
    """Map ten levels each to four severity numbers, so that custom levels keep their order."""
    if name == "TRACE":
        return SeverityNumber.TRACE
    if level <= 0:
        return SeverityNumber.UNSPECIFIED
    return SeverityNumber(min(1 + level // 10 * 4 + level % 10 * 4 // 10, SeverityNumber.FATAL4.value))


_LEVELS: Final = {
    name: (level, _severity(level, name)) for name, level in {"TRACE": TRACE, **logging.getLevelNamesMapping()}.items()
}


def emit_if_plain(record: logging.LogRecord, emit: Callable[..., object], context: Context) -> bool:
    """Emit a record whose values call no code of the program. Return False, without an effect, for others.

    Measured: benchmarks, log record.

    Args:
        record: The record.
        emit: ``EngineLogger.emit_plain``.
        context: The current context.
    """
    message, args, fields, excluded = record.msg, record.args, record.__dict__, _EXCLUDED
    if record.exc_info or record.exc_text or record.stack_info or type(record) is not logging.LogRecord:
        return False
    path, function, line, level = record.pathname, record.funcName, record.lineno, record.levelname
    known = _LEVELS.get(level) if type(level) is str else None
    if known is None or known[0] != record.levelno or type(line) is not int or not 0 <= line < _MAX_LINES:
        return False
    if not (type(path) is type(function) is str and path.isascii() and function.isascii()):
        return False
    attributes: dict[str, Any] = {"code.file.path": path, "code.function.name": function, "code.line.number": line}
    body: str | None = None
    if type(message) is str:
        body = _plain_text(message, args) if args else message
    elif type(message) is StructuredText:
        body, excluded = message.event, _STRUCTURED_EXCLUDED
        attributes |= message.attributes
    if body is None:
        return False
    if len(fields) != _STANDARD_COUNT or next(reversed(fields)) != _LAST:
        added = _plain_fields(fields, excluded)
        if added is None:
            return False
        attributes |= added
    if not body.isascii() or len(body) > MAX_EVENT_BYTES:
        body = encode_tag(body, max_bytes=MAX_EVENT_BYTES)
    emit(context, int(record.created * 1_000_000_000), level, known[1], body, attributes)
    return True


def _plain_text(message: str, args: object) -> str | None:
    """Return the message with its arguments; None if one is not plain, or does not fit."""
    if type(args) is not tuple:
        return None
    for each in cast("tuple[object, ...]", args):
        if type(each) not in _PLAIN:
            return None
    try:
        return message % args
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def _plain_fields(fields: dict[str, Any], excluded: frozenset[str]) -> dict[Any, Any] | None:
    """Return the fields that the program has added, which follow the standard ones; None if one is not plain."""
    items = islice(fields.items(), _STANDARD_COUNT - 1, None)
    if next(items, (None,))[0] != _LAST:
        return None
    added = {name: value for name, value in items if name not in excluded}
    return added if are_encoded(cast("dict[object, object]", added)) else None


def fields_of(record: logging.LogRecord) -> Fields:
    """Return the fields of any record."""
    text, error = _structured(record)
    level = encode_tag(record.levelname)
    body = _body(record) if text is None else text.event
    number = _severity(record.levelno, level)
    return int(record.created * 1_000_000_000), level, number, body, _attributes(record, text, error)


def _structured(record: logging.LogRecord) -> tuple[StructuredText | None, ExcInfo | None]:
    """Return event with values, and exception, of records from structured loggers and from structlog's formatter."""
    message: object = record.msg
    if type(message) is StructuredText:
        return message, None
    if isinstance(message, dict) and record.__dict__.keys() >= _STRUCTLOG_EXTRAS:
        return from_event(cast("dict[str, object]", message))
    return None, None


def _body(record: logging.LogRecord) -> str:
    try:
        text: object = record.getMessage()
    except BaseException as error:  # noqa: BLE001 - wrong arguments: keep the template
        reraise_interrupt(error)
        text = record.msg
    return encode_tag(text, max_bytes=MAX_EVENT_BYTES)


def _attributes(record: logging.LogRecord, text: StructuredText | None, error: ExcInfo | None) -> dict[str, Any]:
    """Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/."""
    attributes: dict[str, Any] = {
        "code.file.path": encode_tag(record.pathname),
        "code.function.name": encode_tag(record.funcName or ""),
        "code.line.number": encode_attribute(record.lineno),
    }
    excluded = _EXCLUDED
    if text is not None:
        attributes |= text.attributes
        excluded = _STRUCTURED_EXCLUDED
    fields = record.__dict__  # replace the values: a filter of the program may have changed them
    attributes |= encode_attributes({name: fields[name] for name in fields if name not in excluded})
    if record.stack_info:
        attributes["code.stacktrace"] = encode_tag(record.stack_info, max_bytes=MAX_STACK_BYTES)
    exc_info = error or record.exc_info
    if exc_info and exc_info[1] is not None:
        attributes |= exception_attributes(exc_info[1])
    elif record.exc_text:  # from another process
        attributes["exception.stacktrace"] = encode_tag(record.exc_text, max_bytes=MAX_STACK_BYTES)
    return attributes
