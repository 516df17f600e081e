"""Logger, level, event and values → log record of the standard library, with nothing that could stop it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Final, cast

from flext_observability.instrumentation.logging.formatter import CONTEXT_FIELD
from flext_observability.instrumentation.logging.structured_text import MAX_EVENT_BYTES, StructuredText, structured_text
from flext_observability.values.encoding import encode_attributes, encode_tag

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
_OWN_FRAMES: Final = 4  # make_record, the two that lead to it, and the verb
# What logging itself writes on a record, formatters and later Pythons included.
_RESERVED: Final = frozenset((*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", CONTEXT_FIELD))

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def level_number(level: object) -> int | None:
    """Return the number of a level: a number, or a word of ours or of ``logging.addLevelName`` in any case; else None."""
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    if not isinstance(level, str):
        return None
    return LEVELS.get(level.lower()) or logging.getLevelNamesMapping().get(level.upper())


def make_record(
    logger: logging.Logger,
    level: int,
    event: object,
    args: tuple[object, ...],
    values: Mapping[str, object],
    *,
    shown: bool,
) -> logging.LogRecord:
    """Make a record of the caller of the verb, three calls above.

    Args:
        logger: Its name and its record factory count.
        level: Number.
        event: What happened, of any type; None is no text.
        args: What ``%`` puts into it; what does not fit is kept as the attribute ``positional_args``.
        values: Attributes. ``exc_info``, ``stack_info``, ``stacklevel`` and ``extra`` mean what they mean to ``logging``.
        shown: Whether a handler will show the record.
    """
    fields = dict(values)
    error = exc_info(fields.pop("exc_info", None))
    stack = bool(fields.pop("stack_info", False))
    above = fields.pop("stacklevel", 1)
    if isinstance(fields.get("extra"), Mapping):
        fields = {**encode_attributes(cast("Mapping[str, object]", fields.pop("extra"))), **fields}
    text, left = _format_extras(event, args)
    if left:
        fields["positional_args"] = left
    frames = _OWN_FRAMES + (max(above, 1) if type(above) is int else 1)
    path, line, function, sinfo = logger.findCaller(stack, frames)
    message = structured_text(text, fields, shown=shown)
    record = logger.makeRecord(logger.name, level, path, line, message, (), error, function, None, sinfo)
    return dress(record, message)


def dress(record: logging.LogRecord, message: StructuredText) -> logging.LogRecord:
    """Name the level ``TRACE``, and put the values where the host's filters and formatters look, but for names that ``logging`` needs."""
    if record.levelno == TRACE and record.levelname == f"Level {TRACE}":
        record.levelname = "TRACE"
    record.__dict__.update({name: value for name, value in message.attributes.items() if name not in _RESERVED})
    return record


def from_event(given: Mapping[str, object]) -> tuple[StructuredText, ExcInfo | None]:
    """Read an event dictionary of structlog: event and values, and the exception that it speaks of.

    What structlog's own processors say of the record besides (``level``, ``stack_info``, ``stacklevel``) is left out.
    """
    fields = dict(given)
    event = fields.pop("event", None)
    error = exc_info(fields.pop("exc_info", None))
    for name in ("stack_info", "stacklevel"):
        fields.pop(name, None)
    if str(fields.get("level")).lower() in LEVELS:
        del fields["level"]
    return structured_text(_format_extras(event, ())[0], fields, shown=False), error


def exc_info(given: object) -> ExcInfo | None:
    """Return what ``exc_info`` means: an exception, its tuple, or, for anything else that is true, the one being handled."""
    if isinstance(given, tuple):
        given = next((item for item in cast("tuple[object, ...]", given) if isinstance(item, BaseException)), True)
    if not given:
        return None
    error = given if isinstance(given, BaseException) else sys.exception()
    return None if error is None else (type(error), error, error.__traceback__)


def _format_extras(event: object, args: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """Return the text, and the arguments that it has no place for."""
    text = "" if event is None else encode_tag(event, max_bytes=MAX_EVENT_BYTES)
    if not args:
        return text, ()
    try:
        return text % (args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args), ()
    except Exception:  # noqa: BLE001 - a template for something else, or an argument without text
        return text, args
