"""Standard library log record → OpenTelemetry log record, once for every logging configuration (API only)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry._logs import LogRecord, get_logger
from opentelemetry.context import attach, detach, set_value

from flext_observability.adapters.current_context import CURRENT
from flext_observability.engine.compat import HANDLER_PROVIDER, SUPPRESSED, exports_to
from flext_observability.engine.delegating_logger import DelegatingLogger
from flext_observability.instrumentation.logging.formatter import FormatterUse, attach_context
from flext_observability.instrumentation.logging.record_fields import fields_of, queue_if_plain
from flext_observability.instrumentation.logging.structured_record import LEVELS
from flext_observability.runtime.internal_log import log_warning, report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.dataclass import dataclass
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import is_interrupted, reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry._logs import Logger, LoggerProvider, SeverityNumber
    from opentelemetry.context import Context

_logger: Final = logging.getLogger("flext_observability.logging")
_INTERNAL: Final = frozenset(("flext_observability", "opentelemetry"))
_MAX_NESTED: Final = 8
"""Records of a thread that are read at the same time: reading one may call a method that logs."""

_LEFT_OUT: Final = 0
_EMITTED: Final = 1
_QUEUED: Final = 2
"""Results of ``_emit``. A queued record has called no code of the program, which might add a handler."""

_CallHandlers = Callable[[logging.Logger, logging.LogRecord], None]


@final
class _Targets(dict[str, "Logger | None"]):
    """OTel's loggers by name, or None for records about telemetry. Never more than the loggers of ``logging``."""

    def __init__(self, provider: LoggerProvider | None) -> None:
        super().__init__()
        self._provider = provider

    def __missing__(self, name: str) -> Logger | None:
        is_internal = name.partition(".")[0] in _INTERNAL
        found = self[name] = None if is_internal else get_logger(name, logger_provider=self._provider)
        return found


@dataclass(frozen=True, slots=True)
class _Installed:
    wrapper: _CallHandlers
    original: _CallHandlers
    threshold: int
    provider: LoggerProvider | None
    targets: _Targets
    on_console: bool
    root_levels: tuple[int, int]  # before and after install


class _ThreadState(threading.local):
    """The record that this thread handles, how many it reads, and whether processors of the program have one."""

    record: logging.LogRecord | None = None
    nested = 0
    passing = False


_thread_state: Final = _ThreadState()


class _Bridge:
    """Changes of ``install``, and whether emitting fails."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.installed: _Installed | None = None
        self.failing = False


def install(level: str = "", *, provider: LoggerProvider | None = None, on_console: bool = False) -> None:
    """Emit every record that passes its logger's level, before the handlers get it.

    Records of ``opentelemetry`` and ``flext_observability`` loggers, those created while instrumentation is suppressed,
    and those that log record processors of the program create, are left out. Another call replaces the arguments.

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
        before = logging.root.level
        if logging.NOTSET < threshold < before:
            logging.root.setLevel(threshold)
        levels = (before, logging.root.level)
        bridge.installed = _Installed(wrapper, original, threshold, provider, _Targets(provider), on_console, levels)
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
    if installed is not None and record.levelno >= installed.threshold:
        _emit(record, installed)


def _wrap(original: _CallHandlers, bridge: _Bridge) -> _CallHandlers:
    state = _thread_state
    is_standard = getattr(original, "__globals__", None) is vars(logging)

    @wraps(original)
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        installed = bridge.installed
        if installed is None or state.record is record:  # a handler may pass it to another logger
            original(self, record)
            return
        logger: logging.Logger | None = self
        while logger is not None and not logger.handlers:
            logger = logger.parent if logger.propagate else None
        is_left_out = record.levelno < installed.threshold or (
            logger is not None and _already_exported(logger, record, installed.provider)
        )
        result = _LEFT_OUT if is_left_out else _emit(record, installed)
        if result and installed.on_console and not self.hasHandlers():
            return
        if FormatterUse.active:
            attach_context(record)
        last = logging.lastResort if logger is None and result is _QUEUED and is_standard else None
        if last is not None and record.levelno < last.level:
            return  # without handlers, the original does nothing
        outer, state.record = state.record, record
        try:
            original(self, record)
        finally:
            state.record = outer

    return call_handlers


def _already_exported(
    logger: logging.Logger | None, record: logging.LogRecord, provider: LoggerProvider | None
) -> bool:
    """Return whether one of OpenTelemetry's handlers, added by the program, emits the record to the same provider."""
    while logger is not None:
        for handler in logger.handlers:
            is_of_otel = getattr(handler, HANDLER_PROVIDER, None) is not None
            if is_of_otel and record.levelno >= handler.level and exports_to(handler, provider):
                return True
        logger = logger.parent if logger.propagate else None
    return False


def _emit(record: logging.LogRecord, installed: _Installed) -> int:
    """Emit the record and return what was done. Never raises; logs the first failure."""
    try:
        target, context = installed.targets[record.name], CURRENT.get()
        if target is None:
            return _LEFT_OUT
        if context and context.get(SUPPRESSED):
            return _emit_unsuppressed(record, installed) if is_interrupted() else _LEFT_OUT
        engine = target.engine if type(target) is DelegatingLogger else None
        if engine is not None and not engine.has_processors and queue_if_plain(record, engine, context):
            return _QUEUED
        return _EMITTED if _emit_unusual(record, target, context) else _LEFT_OUT
    except BaseException as error:  # noqa: BLE001 - logging must not fail the program
        reraise_interrupt(error)
        bridge = current_runtime().get(_Bridge)
        if not bridge.failing:
            bridge.failing = True
            log_warning(_logger, f"Log records cannot be emitted: {describe_error(error)}")
        return _LEFT_OUT


def _emit_unsuppressed(record: logging.LogRecord, installed: _Installed) -> int:
    """Emit a record of a destructor of the program, which the garbage collector calls in an exporting thread."""
    token = attach(set_value(SUPPRESSED, None))
    try:
        return _emit(record, installed)
    finally:
        detach(token)


def _emit_unusual(record: logging.LogRecord, target: Logger, context: Context) -> bool:
    """Emit a record whose values or processors may log themselves.

    A record that a processor creates is left out, unless a signal handler or a destructor interrupts the processor.
    """
    state = _thread_state
    outer = state.passing
    if outer and not is_interrupted(_emit_unusual.__code__):
        return False
    if state.nested == _MAX_NESTED:
        report_once("Emitting a log record", RecursionError(f"{_MAX_NESTED} others of this thread are being read"))
        return False
    state.nested += 1
    state.passing = False
    try:
        fields = fields_of(record)
        engine = target.engine if type(target) is DelegatingLogger else None
        state.passing = engine is None or engine.has_processors
        if engine is not None:
            engine.emit_plain(context, *fields)
        else:
            _emit_to(target, *fields)
    finally:
        state.nested -= 1
        state.passing = outer
    return True


def _emit_to(
    target: Logger,
    timestamp: int,
    severity_text: str,
    severity_number: SeverityNumber,
    body: str,
    attributes: dict[str, Any],
) -> None:
    """Emit to a logger of another package."""
    target.emit(
        LogRecord(
            timestamp=timestamp,
            observed_timestamp=time.time_ns(),
            severity_text=severity_text,
            severity_number=severity_number,
            body=body,
            attributes=attributes,
        )
    )
