"""Standard library log record → OpenTelemetry log record, once for every logging configuration (API only)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Set as AbstractSet
from functools import cache, partial, wraps
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from opentelemetry._logs import LogRecord, SeverityNumber, get_logger

from flext_observability.engine.compat import exports_to, is_suppressed
from flext_observability.instrumentation.logging.formatter import attach_context
from flext_observability.instrumentation.logging.structured_record import LEVELS, RESERVED, ExcInfo, from_event
from flext_observability.instrumentation.logging.structured_text import MAX_EVENT_BYTES, StructuredText
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import AttributeValue, encode_attributes, encode_tag
from flext_observability.values.exceptions import MAX_STACK_BYTES, describe_error, exception_attributes
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry._logs import Logger, LoggerProvider

_logger: Final = logging.getLogger("flext_observability.logging")
_INTERNAL: Final = frozenset(("flext_observability", "opentelemetry"))
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__)
# Further ones are set by OpenTelemetry's logging instrumentation. The record has them as its trace context.
_EXCLUDED: Final = RESERVED | {"otelServiceName", "otelSpanID", "otelTraceID", "otelTraceSampled"}
_STRUCTLOG_EXTRAS: Final = frozenset(("_logger", "_name"))  # extras of ProcessorFormatter.wrap_for_formatter

_CallHandlers = Callable[[logging.Logger, logging.LogRecord], None]


class _Installed(NamedTuple):
    wrapper: _CallHandlers
    original: _CallHandlers
    threshold: int
    provider: LoggerProvider | None
    get_logger: Callable[[str], Logger]
    on_console: bool
    root_levels: tuple[int, int]  # before and after install


class _ThreadState(threading.local):
    """The record that this thread handles, and whether it emits one."""

    emitting = False
    record: logging.LogRecord | None = None


_thread_state: Final = _ThreadState()


class _Bridge:
    """Changes of ``install``, and whether emitting fails."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.installed: _Installed | None = None
        self.failing = False


def install(level: str = "", *, provider: LoggerProvider | None = None, on_console: bool = False) -> None:
    """Emit every record that passes its logger's level, before the handlers get it.

    Records of ``opentelemetry`` and ``flext_observability`` loggers, and those created while instrumentation is
    suppressed, are left out. Another call replaces the arguments.

    Args:
        level: ``trace`` to ``critical`` in any case. Records below it are left out, and a root logger with a higher
            level is set to it. Empty: the levels of the loggers decide.
        provider: Logger provider. Default: OpenTelemetry's global one.
        on_console: Whether an exporter prints the records to the console. Records without a handler are then not
            printed a second time by the standard library's handler of last resort.
    """
    uninstall()
    bridge = current_runtime().get(_Bridge)
    with bridge.lock:
        bridge.failing = False
        threshold = LEVELS.get(level.lower(), logging.NOTSET)
        original = logging.Logger.callHandlers
        wrapper = _wrap(original, bridge)
        # Never more than the loggers of ``logging``, which are never deleted either.
        cached_loggers = cache(partial(get_logger, logger_provider=provider))
        before = logging.root.level
        if logging.NOTSET < threshold < before:
            logging.root.setLevel(threshold)
        levels = (before, logging.root.level)
        bridge.installed = _Installed(wrapper, original, threshold, provider, cached_loggers, on_console, levels)
        logging.Logger.callHandlers = wrapper  # type: ignore[method-assign,assignment]  # all records pass it once


def uninstall() -> None:
    """Emit no more records, and undo the changes of ``install`` that were not changed since."""
    bridge = current_runtime().get(_Bridge)
    with bridge.lock:
        installed, bridge.installed = bridge.installed, None
        if installed is None:
            return
        if logging.Logger.callHandlers is installed.wrapper:
            logging.Logger.callHandlers = installed.original  # type: ignore[method-assign,assignment]  # as it was
        before, after = installed.root_levels
        if logging.root.level == after:
            logging.root.setLevel(before)


def is_enabled(logger: logging.Logger, level: int) -> bool:
    """Return whether a structured logger's record goes into the pipeline although ``logging`` would drop it.

    ``logging`` also drops records by defaults that concern its handlers: the level of the root logger is ``WARNING``,
    and ``dictConfig`` disables loggers without a configuration. Explicit settings apply: ``log_level``,
    ``logging.disable``, a root level above ``WARNING``, and a level of the logger or of a parent.
    """
    installed, manager = current_runtime().get(_Bridge).installed, logger.manager
    if installed is None or manager.disable >= level:
        return False
    root = logging.root.level
    if level < (installed.threshold or (logging.INFO if root == logging.WARNING else root)):
        return False
    while logger.parent is not None:
        if logger.level:
            return level >= logger.level
        logger = logger.parent
    return True


def emit(record: logging.LogRecord) -> None:
    """Emit a record that does not pass ``logging``. Never raises."""
    installed = current_runtime().get(_Bridge).installed
    if installed is not None and record.levelno >= installed.threshold and not _thread_state.emitting:
        _emit(record, installed)


def _wrap(original: _CallHandlers, bridge: _Bridge) -> _CallHandlers:
    @wraps(original)
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        outer, installed = _thread_state.record, bridge.installed
        # A handler may pass the same record to another logger.
        if outer is record or installed is None:
            original(self, record)
            return
        if record.levelno >= installed.threshold and not _thread_state.emitting:
            exported = _already_exported(self, record, installed.provider)
            emitted = not exported and _emit(record, installed)
            if emitted and installed.on_console and not self.hasHandlers():
                return
        attach_context(record)
        _thread_state.record = record
        try:
            original(self, record)
        finally:
            _thread_state.record = outer

    return call_handlers


def _already_exported(
    logger: logging.Logger | None, record: logging.LogRecord, provider: LoggerProvider | None
) -> bool:
    """Return whether one of OpenTelemetry's handlers, added by the program, emits the record to the same provider."""
    while logger is not None:
        if any(record.levelno >= handler.level and exports_to(handler, provider) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _emit(record: logging.LogRecord, installed: _Installed) -> bool:
    """Emit the record and return whether it was emitted. Never raises; logs the first failure."""
    if record.name.partition(".")[0] in _INTERNAL or is_suppressed():
        return False
    _thread_state.emitting = True
    try:
        installed.get_logger(record.name).emit(_translate(record))
    except BaseException as error:  # noqa: BLE001 - logging must not fail the program
        reraise_interrupt(error)
        bridge = current_runtime().get(_Bridge)
        if not bridge.failing:
            bridge.failing = True
            log_warning(_logger, f"Log records cannot be emitted: {describe_error(error)}")
        return False
    finally:
        _thread_state.emitting = False
    return True


def _translate(record: logging.LogRecord) -> LogRecord:
    text, error = _structured(record)
    return LogRecord(
        timestamp=int(record.created * 1_000_000_000),
        observed_timestamp=time.time_ns(),
        severity_text=record.levelname,
        severity_number=SeverityNumber.TRACE if record.levelname == "TRACE" else _severity(record.levelno),
        body=_body(record) if text is None else text.event,
        attributes=_attributes(record, text, error),
    )


def _structured(record: logging.LogRecord) -> tuple[StructuredText | None, ExcInfo | None]:
    """Return event with values, and exception, of records from structured loggers and from structlog's formatter."""
    message: object = record.msg
    if type(message) is StructuredText:
        return message, None
    if isinstance(message, dict) and record.__dict__.keys() >= _STRUCTLOG_EXTRAS:
        return from_event(cast("dict[str, object]", message))
    return None, None


def _severity(level: int) -> SeverityNumber:
    """Map ten levels each to four severity numbers, so that custom levels keep their order."""
    if level <= 0:
        return SeverityNumber.UNSPECIFIED
    return SeverityNumber(min(1 + level // 10 * 4 + level % 10 * 4 // 10, SeverityNumber.FATAL4.value))


def _body(record: logging.LogRecord) -> str:
    try:
        text: object = record.getMessage()
    except BaseException as error:  # noqa: BLE001 - wrong arguments: keep the template
        reraise_interrupt(error)
        text = record.msg
    return encode_tag(text, max_bytes=MAX_EVENT_BYTES)


def _attributes(
    record: logging.LogRecord, text: StructuredText | None, error: ExcInfo | None
) -> dict[str, AttributeValue]:
    """Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/."""
    attributes: dict[str, AttributeValue] = {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName or "",
        "code.line.number": record.lineno,
    }
    excluded: AbstractSet[str] = _EXCLUDED
    if text is not None:
        attributes |= text.attributes
        excluded = _EXCLUDED | _STRUCTLOG_EXTRAS
    fields = record.__dict__  # replace the values: a filter of the program may have changed them
    if len(fields) > len(_STANDARD):
        attributes |= encode_attributes({name: fields[name] for name in fields if name not in excluded})
    if record.stack_info:
        attributes["code.stacktrace"] = encode_tag(record.stack_info, max_bytes=MAX_STACK_BYTES)
    exc_info = error or record.exc_info
    if exc_info and exc_info[1] is not None:
        attributes |= exception_attributes(exc_info[1])
    elif record.exc_text:  # from another process
        attributes["exception.stacktrace"] = encode_tag(record.exc_text, max_bytes=MAX_STACK_BYTES)
    return attributes
