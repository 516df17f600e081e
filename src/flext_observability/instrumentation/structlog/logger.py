"""Name and bound values → structured logger, whose records reach the pipeline like those of ``logging``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Self, cast, final

from structlog import BoundLoggerBase
from structlog.contextvars import merge_contextvars

from flext_observability.instrumentation.logging import bridge
from flext_observability.instrumentation.logging.structured_record import TRACE, level_number, make_record
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_tag
from flext_observability.values.foreign import plain_text
from flext_observability.values.interrupts import reraise_interrupt

_PROCESSORS: Final = (merge_contextvars,)


def get_logger(name: str | None = None, **bound: object) -> FlextStructuredLogger:
    """Return a structured logger. It can be created before the start: it finds the pipeline with each record.

    structlog's global configuration is neither read nor changed.

    Args:
        name: Name of the logger, as in ``logging.getLogger``. Default: the caller's module.
        bound: Values of all its records.
    """
    if name is None:
        caller = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as collections does
        name = caller.f_globals.get("__name__", "root")
    return FlextStructuredLogger(logging.getLogger(encode_tag(name)), _PROCESSORS, bound)


def _methods(
    name: str, level: int, **defaults: object
) -> tuple[Callable[..., None], Callable[..., Coroutine[Any, Any, None]]]:
    """Return the methods ``<name>`` and ``a<name>``.

    structlog's ``BoundLogger`` has them as well, but its parameters ``self`` and ``event`` reject values of these
    names.
    """

    def write(self: FlextStructuredLogger, event: object = None, /, *args: object, **values: object) -> None:
        self._write(level, event, args, {**defaults, **values})  # pyright: ignore[reportPrivateUsage]  # class below

    async def write_async(
        self: FlextStructuredLogger, event: object = None, /, *args: object, **values: object
    ) -> None:
        values = {**defaults, **values}
        await self._write_async(level, event, args, values)  # pyright: ignore[reportPrivateUsage]  # class below

    write.__name__, write_async.__name__ = name, f"a{name}"
    write.__doc__ = f"Log at level {level}."
    write_async.__doc__ = f"Log as ``{name}``, and call the handlers in another thread."
    return write, write_async


@final
class FlextStructuredLogger(BoundLoggerBase):
    """Logger with bound values. An event and its values become one log record, and one line for ``logging``.

    Created by ``get_logger``. Immutable: threads and tasks can share it, and it can be pickled and copied. Log methods
    accept an event, arguments for ``%`` placeholders, and values of any type and name. They never raise. ``exc_info``,
    ``stack_info``, ``stacklevel`` and ``extra`` have the meaning of ``logging``. Values of the call replace bound ones,
    those replace values of ``structlog.contextvars``. ``isEnabledFor`` describes which levels are written.
    """

    _logger: logging.Logger
    _context: dict[str, Any]

    trace, atrace = _methods("trace", TRACE)
    debug, adebug = _methods("debug", logging.DEBUG)
    info, ainfo = _methods("info", logging.INFO)
    warning, awarning = _methods("warning", logging.WARNING)
    error, aerror = _methods("error", logging.ERROR)
    critical, acritical = _methods("critical", logging.CRITICAL)
    exception, aexception = _methods("exception", logging.ERROR, exc_info=True)
    warn, awarn = warning, awarning
    fatal, afatal = critical, acritical

    def log(self, level: int | str, event: object = None, /, *args: object, **values: object) -> None:
        """Log at a level: a number or a name. An unknown level becomes ``INFO`` with the attribute ``log.level``."""
        number, values = _resolve_level(level, values)
        self._write(number, event, args, values)

    async def alog(self, level: int | str, event: object = None, /, *args: object, **values: object) -> None:
        """Log as ``log``, and call the handlers in another thread."""
        number, values = _resolve_level(level, values)
        await self._write_async(number, event, args, values)

    @property
    def name(self) -> str:
        """Name of the logger."""
        return self._logger.name

    def isEnabledFor(self, level: int | str) -> bool:  # noqa: N802 - the name in logging and structlog
        """Return whether a record of this level is written to the handlers of ``logging``, into the pipeline, or both.

        Handlers get the records that ``logging`` permits. The pipeline gets the records from ``log_level`` on. Without
        ``log_level``, it gets the same ones as handlers, and ``INFO`` even if the root logger has its default level
        ``WARNING``. A level set on this logger or on a parent other than the root applies to both.
        """
        number, _ = _resolve_level(level, {})
        return self._logger.isEnabledFor(number) or bridge.is_enabled(self._logger, number)

    is_enabled_for = isEnabledFor

    def bind(self, /, **values: object) -> Self:
        """Return a logger with these values added."""
        return self._with({**self._context, **values})

    def unbind(self, /, *names: str) -> Self:
        """Return a logger without the values of these names. Unknown names are ignored."""
        removed = set(map(plain_text, names))
        return self._with({name: value for name, value in self._context.items() if name not in removed})

    def try_unbind(self, /, *names: str) -> Self:
        """Return the same as ``unbind``."""
        return self.unbind(*names)

    def new(self, /, **values: object) -> Self:
        """Return a logger of this name with these values only."""
        return self._with(values)

    def _with(self, context: Mapping[str, object]) -> Self:
        return type(self)(self._logger, self._processors, dict(context))

    def _write(self, level: int, event: object, args: tuple[object, ...], values: dict[str, object]) -> None:
        if record := self._record(level, event, args, values):
            _handle(self._logger, record)

    async def _write_async(
        self, level: int, event: object, args: tuple[object, ...], values: dict[str, object]
    ) -> None:
        if record := self._record(level, event, args, values):
            import asyncio

            await asyncio.to_thread(_handle, self._logger, record)

    def _record(
        self, level: int, event: object, args: tuple[object, ...], values: dict[str, object]
    ) -> logging.LogRecord | None:
        """Return the record, or None if its level is not enabled. Called in the caller's thread."""
        try:
            handled = self._logger.isEnabledFor(level)
            if not handled and not bridge.is_enabled(self._logger, level):
                return None
            merged = merge_contextvars(self._logger, "", {**self._context, **values})
            return make_record(self._logger, level, event, args, merged, with_values=handled)
        except BaseException as error:  # noqa: BLE001 - logging must not fail the program
            reraise_interrupt(error)
            report_once("Making a structured log record", error)
            return None


def _resolve_level(level: object, values: dict[str, object]) -> tuple[int, dict[str, object]]:
    number = level_number(level)
    return (logging.INFO, {"log.level": encode_tag(level), **values}) if number is None else (number, values)


def _handle(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Pass the record to the handlers, where the bridge gets it, or to the bridge if ``logging`` drops its level."""
    try:
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
        elif filtered := cast("object", logger.filter(record)):  # since Python 3.12 it may be another record
            bridge.emit(filtered if isinstance(filtered, logging.LogRecord) else record)
    except BaseException as error:  # noqa: BLE001 - a handler or filter of the program
        reraise_interrupt(error)
        report_once("Writing a structured log record", error)
