"""Logger, level, event and values of any type → log record of the standard library."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Final, cast

from flext_observability.instrumentation.logging.formatter import CONTEXT_FIELD
from flext_observability.instrumentation.logging.structured_text import StructuredText, structured_text
from flext_observability.values.encoding import MAX_EVENT_BYTES, encode_attributes, encode_tag
from flext_observability.values.foreign import copy_mapping, plain_int, plain_text
from flext_observability.values.interrupts import reraise_interrupt

TRACE: Final = 5
LEVELS: Final = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "exception": logging.ERROR,
    "fatal": logging.CRITICAL,
    "critical": logging.CRITICAL,
}
_OWN_FRAMES: Final = 4  # make_record, its two callers, and the log method
# Attributes that logging sets itself, including formatters and newer Python versions.
RESERVED: Final = frozenset((*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", CONTEXT_FIELD))

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def level_number(level: object) -> int | None:
    """Return the number of a level: a number, or a name of ours or of ``logging.addLevelName``. Otherwise None."""
    number = plain_int(level)
    if number is not None:
        return number
    name = plain_text(level)
    return None if name is None else LEVELS.get(name.lower()) or logging.getLevelNamesMapping().get(name.upper())


def make_record(
    logger: logging.Logger,
    level: int,
    event: object,
    args: tuple[object, ...],
    values: Mapping[str, object],
    *,
    with_values: bool,
) -> logging.LogRecord:
    """Return a record located at the caller of the log method, three calls above.

    Args:
        logger: Provides the name and the record factory.
        level: Level number.
        event: Event of any type. None is an empty text.
        args: Values of ``%`` placeholders. Arguments that do not fit become the attribute ``positional_args``.
        values: Attributes. ``exc_info``, ``stack_info``, ``stacklevel`` and ``extra`` have the meaning of ``logging``.
        with_values: Whether the text contains the values, for handlers.
    """
    fields = dict(values)
    error = _exc_info(fields.pop("exc_info", None))
    stack = bool(fields.pop("stack_info", False))
    stacklevel = fields.pop("stacklevel", 1)
    if isinstance(fields.get("extra"), Mapping):
        fields = {**encode_attributes(cast("Mapping[str, object]", fields.pop("extra"))), **fields}
    text, unused = _format(event, args)
    if unused:
        fields["positional_args"] = unused
    frames = _OWN_FRAMES + (max(stacklevel, 1) if type(stacklevel) is int else 1)
    path, line, function, sinfo = logger.findCaller(stack, frames)
    message = structured_text(text, fields, with_values=with_values)
    record = logger.makeRecord(logger.name, level, path, line, message, (), error, function, None, sinfo)
    return set_extras(record, message)


def set_extras(record: logging.LogRecord, message: StructuredText) -> logging.LogRecord:
    """Set the values as attributes of the record, for filters and formatters. Reserved names are left out."""
    if record.levelno == TRACE and record.levelname == f"Level {TRACE}":
        record.levelname = "TRACE"
    record.__dict__.update({name: value for name, value in message.attributes.items() if name not in RESERVED})
    return record


def from_event(given: Mapping[str, object]) -> tuple[StructuredText, ExcInfo | None]:
    """Return event with values, and exception, of an event dictionary of structlog.

    Entries that structlog's own processors add (``level``, ``stack_info``, ``stacklevel``) are left out.
    """
    fields = cast("dict[str, object]", copy_mapping(cast("Mapping[object, object]", given)))
    event = fields.pop("event", None)
    error = _exc_info(fields.pop("exc_info", None))
    for name in ("stack_info", "stacklevel"):
        fields.pop(name, None)
    if str(fields.get("level")).lower() in LEVELS:
        del fields["level"]
    return structured_text(_format(event, ())[0], fields, with_values=False), error


def _exc_info(given: object) -> ExcInfo | None:
    """Return the exception of an ``exc_info`` argument: an exception, its tuple, or true for the current one."""
    if isinstance(given, tuple):
        given = next((item for item in cast("tuple[object, ...]", given) if isinstance(item, BaseException)), True)
    if not given:
        return None
    error = given if isinstance(given, BaseException) else sys.exception()
    return None if error is None else (type(error), error, error.__traceback__)


def _format(event: object, args: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """Return the text with arguments, and the arguments that do not fit."""
    text = "" if event is None else encode_tag(event, max_bytes=MAX_EVENT_BYTES)
    if not args:
        return text, ()
    try:
        return text % (args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args), ()
    except BaseException as error:  # noqa: BLE001 - not a template for these arguments, or an argument that raises
        reraise_interrupt(error)
        return text, args
