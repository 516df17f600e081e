"""Standard library log record → time, severity, body and attributes of OpenTelemetry's log record (API only)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import islice
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry._logs import SeverityNumber

from flext_observability.adapters.correlation import correlation_id_in
from flext_observability.engine.log_record import trace_in
from flext_observability.engine.standard_record import FORMAT_ERRORS, StandardLogRecord, severity_of, text_of
from flext_observability.instrumentation.logging.structured_record import RESERVED, ExcInfo, from_event
from flext_observability.instrumentation.logging.structured_text import StructuredText
from flext_observability.values.encoding import (
    MAX_EVENT_BYTES,
    are_encoded,
    encode_attribute,
    encode_attributes,
    encode_tag,
)
from flext_observability.values.exceptions import MAX_STACK_BYTES, exception_attributes
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from flext_observability.engine.logger import EngineLogger

Fields = tuple[int, str, SeverityNumber, str, dict[str, Any]]
"""Time in nanoseconds since the epoch, name of the level, severity, body, and encoded attributes."""

_STANDARD: Final = tuple(logging.makeLogRecord({}).__dict__)
_STANDARD_COUNT: Final = len(_STANDARD)
_LAST: Final = _STANDARD[-1]
# Further ones are set by OpenTelemetry's logging instrumentation. The record has them as its trace context.
_EXCLUDED: Final = RESERVED | {"otelServiceName", "otelSpanID", "otelTraceID", "otelTraceSampled"}
_STRUCTLOG_EXTRAS: Final = frozenset(("_logger", "_name"))  # extras of ProcessorFormatter.wrap_for_formatter
_STRUCTURED_EXCLUDED: Final = _EXCLUDED | _STRUCTLOG_EXTRAS
_MAX_SECONDS: Final = 9e9
"""Time stamps below it have at most 64 bits in nanoseconds."""
_LOCATION: Final = 3  # attributes of the code location
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_SMALL: Final = frozenset({float, bool, type(None)})
_MAX_ARGS: Final = 4
_MAX_TEXT: Final = 200
_MAX_INT: Final = 1 << 30  # compared faster than larger ones
_MIN_INT: Final = -_MAX_INT
_create: Final = cast("Callable[[type[StandardLogRecord]], StandardLogRecord]", object.__new__)


def queue_if_plain(  # noqa: C901, PLR0911, PLR0912, PLR0915 - measured: benchmarks, log record
    record: logging.LogRecord, engine: EngineLogger, context: Context
) -> bool:
    """Queue a record whose values call no code of the program. Return False, without an effect, for others.

    The exporting thread formats the message. A message that might need more memory until then than its text is
    formatted here.

    Args:
        record: The record.
        engine: The logger of its scope.
        context: The current context.
    """
    if type(record) is not logging.LogRecord or record.exc_info or record.exc_text or record.stack_info:
        return False
    # Attributes first: after `__dict__`, CPython reads them from a dictionary, which takes longer.
    level, number, message, args = record.levelname, record.levelno, record.msg, record.args
    path, function, line, created = record.pathname, record.funcName, record.lineno, record.created
    if not (
        type(path) is type(function) is type(level) is str
        and type(line) is type(number) is int
        and type(created) is float
        and 0.0 <= created < _MAX_SECONDS
    ):
        return False
    added: dict[str, Any] | None = None
    text: str | None
    if type(message) is str:
        text = message
        if not args:
            args = ()
        elif type(args) is not tuple:
            return False
        else:
            if len(args) > _MAX_ARGS:
                text, args = _format(message, args), ()
            for value in args:
                if type(value) is int:
                    if _MIN_INT < value < _MAX_INT:
                        continue
                elif type(value) in _SMALL or (type(value) is str and len(value) <= _MAX_TEXT):
                    continue
                text, args = _format(message, args), ()
                break
    elif type(message) is StructuredText:
        text, args, added = message.event, (), message.attributes.copy()
    else:
        return False
    fields = record.__dict__
    if len(fields) != _STANDARD_COUNT or next(reversed(fields)) != _LAST:
        extras = _plain_fields(fields, _EXCLUDED if added is None else _STRUCTURED_EXCLUDED)
        if extras is None:
            return False
        added = extras if added is None else added | extras
    if text is None or (_LOCATION if added is None else _LOCATION + len(added)) > engine.max_plain:
        return False
    if len(text) > MAX_EVENT_BYTES:
        text, args = encode_tag(text_of(text, args), max_bytes=MAX_EVENT_BYTES), ()
    queued = _create(StandardLogRecord)
    queued.made = None
    queued.trace = queued.correlation_id = None
    if context:
        queued.trace = trace_in(context)
        queued.correlation_id = correlation_id_in(context)
    queued.options = engine.options
    queued.context = context
    queued.created = created
    queued.observed_timestamp = time_ns()
    queued.level = level
    queued.level_number = number
    queued.args = args
    queued.message = text
    queued.path = path
    queued.function = function
    queued.line = line
    queued.added = added
    engine.export(queued)
    return True


def _format(message: str, args: tuple[object, ...]) -> str | None:
    """Return the message with its arguments; None if one is not plain, or does not fit."""
    if not _PLAIN.issuperset(map(type, args)):
        return None
    try:
        return message % args
    except FORMAT_ERRORS:
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
    number = severity_of(record.levelno, level)
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
