"""Name and bound values → structured logger on structlog, whose records go the way of ``logging``'s into the pipeline."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final, Self, cast, final

from structlog import BoundLoggerBase
from structlog.contextvars import merge_contextvars

from flext_observability.instrumentation.logging import bridge as logging_bridge
from flext_observability.instrumentation.logging.structured_record import TRACE, level_number, make_record
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_tag

_PROCESSORS: Final = (merge_contextvars,)


def get_logger(name: str | None = None, **bound: object) -> FlextStructuredLogger:
    """Make a structured logger; before the start too, for it finds the pipeline with each record.

    structlog's global configuration is neither read nor changed.

    Args:
        name: Name of the logger, as in ``logging.getLogger``; the caller's module by default.
        bound: Values that each of its records carries.
    """
    if name is None:
        name = sys._getframe(1).f_globals.get("__name__", "root")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as collections does
    return FlextStructuredLogger(logging.getLogger(encode_tag(name)), _PROCESSORS, bound)


@final
class FlextStructuredLogger(BoundLoggerBase):
    """Logger with bound values: an event and its values become one log record, and one line for the handlers of ``logging``.

    Made by ``get_logger``. Immutable, so it may be shared by threads and tasks, pickled and copied; nothing that it is given raises. Every
    verb takes the event, arguments that ``%`` puts into it, and values by name: of any type, under any name. ``exc_info``, ``stack_info``,
    ``stacklevel`` and ``extra`` mean what they mean to ``logging``. Values bound by ``structlog.contextvars`` count too. A name given
    more than once: the call wins over the logger, the logger over the context.

    What is written: see ``isEnabledFor``.
    """

    _logger: logging.Logger
    _context: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the logger."""
        return self._logger.name

    def isEnabledFor(self, level: int | str) -> bool:  # noqa: N802 - the name that users of logging and structlog know
        """Whether a record of this level is written: to the handlers of ``logging``, into the pipeline, or both.

        Handlers: what ``logging`` lets through. Pipeline: from ``log_level`` on; without one, what ``logging`` lets through and ``INFO``,
        although the root logger starts at ``WARNING``. A level set on this logger, or on one above it other than the root, counts for both.
        """
        number = _number(level)
        return self._logger.isEnabledFor(number) or logging_bridge.wants(self._logger, number)

    def is_enabled_for(self, level: int | str) -> bool:
        """Do the same as ``isEnabledFor``."""
        return self.isEnabledFor(level)

    def bind(self, /, **values: object) -> Self:
        """Return a logger with these values too."""
        return self._with({**self._context, **values})

    def unbind(self, /, *names: str) -> Self:
        """Return a logger without the values of these names; a name that is not bound changes nothing."""
        return self._with({name: value for name, value in self._context.items() if name not in names})

    def try_unbind(self, /, *names: str) -> Self:
        """Do the same as ``unbind``."""
        return self.unbind(*names)

    def new(self, /, **values: object) -> Self:
        """Return a logger of this name with these values alone."""
        return self._with(values)

    def trace(self, event: object = None, /, *args: object, **values: object) -> None:
        """Write at level ``TRACE`` (5)."""
        self._write(TRACE, event, args, values)

    def debug(self, event: object = None, /, *args: object, **values: object) -> None:
        """Write at level ``DEBUG``."""
        self._write(logging.DEBUG, event, args, values)

    def info(self, event: object = None, /, *args: object, **values: object) -> None:
        """Write at level ``INFO``."""
        self._write(logging.INFO, event, args, values)

    def warning(self, event: object = None, /, *args: object, **values: object) -> None:
        """Write at level ``WARNING``."""
        self._write(logging.WARNING, event, args, values)

    def error(self, event: object = None, /, *args: object, **values: object) -> None:
        """Write at level ``ERROR``."""
        self._write(logging.ERROR, event, args, values)

    def critical(self, event: object = None, /, *args: object, **values: object) -> None:
        """Write at level ``CRITICAL``."""
        self._write(logging.CRITICAL, event, args, values)

    def exception(self, event: object = None, /, *args: object, **values: object) -> None:
        """Write at level ``ERROR`` with the exception being handled, or the one given as ``exc_info``."""
        self._write(logging.ERROR, event, args, {"exc_info": True, **values})

    def log(self, level: int | str, event: object = None, /, *args: object, **values: object) -> None:
        """Write at a level: a number or a name; an unknown one counts as ``INFO`` and is kept as the attribute ``log.level``."""
        self._write(_number(level), event, args, _with_unknown(level, values))

    warn = warning
    fatal = critical

    async def atrace(self, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``trace``, handlers in a thread of their own."""
        await self._log_async(TRACE, event, args, values)

    async def adebug(self, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``debug``, handlers in a thread of their own."""
        await self._log_async(logging.DEBUG, event, args, values)

    async def ainfo(self, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``info``, handlers in a thread of their own."""
        await self._log_async(logging.INFO, event, args, values)

    async def awarning(self, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``warning``, handlers in a thread of their own."""
        await self._log_async(logging.WARNING, event, args, values)

    async def aerror(self, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``error``, handlers in a thread of their own."""
        await self._log_async(logging.ERROR, event, args, values)

    async def acritical(self, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``critical``, handlers in a thread of their own."""
        await self._log_async(logging.CRITICAL, event, args, values)

    async def aexception(self, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``exception``, handlers in a thread of their own."""
        await self._log_async(logging.ERROR, event, args, {"exc_info": True, **values})

    async def alog(self, level: int | str, event: object = None, /, *args: object, **values: object) -> None:
        """Do as ``log``, handlers in a thread of their own."""
        await self._log_async(_number(level), event, args, _with_unknown(level, values))

    awarn = awarning
    afatal = acritical

    def _with(self, context: Mapping[str, object]) -> Self:
        return type(self)(self._logger, self._processors, dict(context))

    def _write(self, level: int, event: object, args: tuple[object, ...], values: dict[str, object]) -> None:
        if record := self._record(level, event, args, values):
            _hand_over(self._logger, record)

    async def _log_async(self, level: int, event: object, args: tuple[object, ...], values: dict[str, object]) -> None:
        if record := self._record(level, event, args, values):
            import asyncio

            await asyncio.to_thread(_hand_over, self._logger, record)

    def _record(
        self, level: int, event: object, args: tuple[object, ...], values: dict[str, object]
    ) -> logging.LogRecord | None:
        """Return the record, made where the verb is called; None when nobody wants it."""
        try:
            handled = self._logger.isEnabledFor(level)
            if not handled and not logging_bridge.wants(self._logger, level):
                return None
            merged = merge_contextvars(self._logger, "", {**self._context, **values})
            return make_record(self._logger, level, event, args, merged, shown=handled)
        except Exception as error:  # noqa: BLE001 - the host only wanted to log
            report_once("Making a structured log record", error)
            return None


def _number(level: object) -> int:
    number = level_number(level)
    return logging.INFO if number is None else number


def _with_unknown(level: object, values: dict[str, object]) -> dict[str, object]:
    return values if level_number(level) is not None else {"log.level": encode_tag(level), **values}


def _hand_over(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Give the record to the handlers, where the bridge takes it, or to the bridge alone when ``logging`` would stop it."""
    try:
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
        elif kept := cast("object", logger.filter(record)):  # a record of its own, from Python 3.12 on
            logging_bridge.take(kept if isinstance(kept, logging.LogRecord) else record)
    except Exception as error:  # noqa: BLE001 - a handler or filter of the host
        report_once("Writing a structured log record", error)
