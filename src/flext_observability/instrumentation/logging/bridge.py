"""Standard library log records → OpenTelemetry log records, each once, whatever the logging configuration does (API only)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Set as AbstractSet
from functools import wraps
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from opentelemetry._logs import LogRecord, SeverityNumber, get_logger

from flext_observability.engine.compat import exports_to, is_suppressed
from flext_observability.instrumentation.logging.formatter import CONTEXT_FIELD, stamp
from flext_observability.instrumentation.logging.structured_record import LEVELS, ExcInfo, from_event
from flext_observability.instrumentation.logging.structured_text import MAX_EVENT_BYTES, StructuredText
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.owner import current_runtime
from flext_observability.values.encoding import AttributeValue, encode_attributes, encode_tag
from flext_observability.values.exceptions import MAX_STACK_BYTES, describe_error, exception_attributes

if TYPE_CHECKING:
    from opentelemetry._logs import Logger, LoggerProvider

_LOG: Final = logging.getLogger("flext_observability.logging")
_OURS: Final = frozenset(("flext_observability", "opentelemetry"))
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__)
_LEFT_OUT: Final = _STANDARD | {
    "asctime",
    "message",
    "taskName",
    # written by OpenTelemetry's own logging instrumentation; the record carries the same as its trace context
    "otelServiceName",
    "otelSpanID",
    "otelTraceID",
    "otelTraceSampled",
    CONTEXT_FIELD,
}
_OF_STRUCTLOG: Final = frozenset(("_logger", "_name"))  # extras of ProcessorFormatter.wrap_for_formatter

_CallHandlers = Callable[[logging.Logger, logging.LogRecord], None]


class _Installed(NamedTuple):
    wrapper: _CallHandlers
    original: _CallHandlers
    switch: threading.Event
    threshold: int
    loggers: _Loggers
    root_level: tuple[int, int] | None  # before, and as set by us


class _Here(threading.local):
    """What this thread is doing."""

    emitting = False
    record: logging.LogRecord | None = None


_here: Final = _Here()


class _Bridge:
    """What ``install`` changed, and whether the last record could not be emitted."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.installed: _Installed | None = None
        self.failing = False


def install(level: str = "", *, provider: LoggerProvider | None = None, on_console: bool = False) -> None:
    """Take every record that a logger lets through, before its handlers get it.

    Records of ``opentelemetry`` and ``flext_observability`` loggers, and those written while instrumentation is suppressed, are left out.
    Calling it again replaces the level.

    Args:
        level: ``trace`` to ``critical`` in any case: records below it are left out, and a root logger that is stricter is opened as
            far; empty leaves everything to the levels of the loggers.
        provider: Where the records go; OpenTelemetry's global provider unless given.
        on_console: Whether an exporter shows the records on the console: what no handler takes is then not printed a second time by
            the standard library's handler of last resort.
    """
    uninstall()
    bridge = current_runtime().get(_Bridge)
    with bridge.lock:
        bridge.failing = False
        threshold = LEVELS.get(level.lower(), logging.NOTSET)
        original = logging.Logger.callHandlers
        switch = threading.Event()
        switch.set()
        loggers = _Loggers(provider, on_console=on_console)
        wrapper = _wrap(original, threshold, switch, loggers)
        logging.Logger.callHandlers = wrapper  # type: ignore[method-assign,assignment]  # the one place that all records pass once
        bridge.installed = _Installed(wrapper, original, switch, threshold, loggers, _open_root(threshold))


def uninstall() -> None:
    """Take no more records, and put back what ``install`` changed unless somebody else has changed it since."""
    bridge = current_runtime().get(_Bridge)
    with bridge.lock:
        installed, bridge.installed = bridge.installed, None
        if installed is None:
            return
        installed.switch.clear()
        if logging.Logger.callHandlers is installed.wrapper:
            logging.Logger.callHandlers = installed.original  # type: ignore[method-assign,assignment]  # as it was
        if installed.root_level and logging.root.level == installed.root_level[1]:
            logging.root.setLevel(installed.root_level[0])


def wants(logger: logging.Logger, level: int) -> bool:
    """Whether a structured logger's record goes into the pipeline although ``logging`` would stop it.

    ``logging`` stops it for the sake of its handlers: the root logger starts at ``WARNING``, and ``dictConfig`` disables loggers that it does
    not name. What says that nobody wants the record counts: ``log_level``, ``logging.disable``, a root logger stricter than
    ``WARNING``, and a level of the logger's own or above it.
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


def take(record: logging.LogRecord) -> None:
    """Take a record that goes past ``logging``; never raise."""
    installed = current_runtime().get(_Bridge).installed
    if installed is not None and record.levelno >= installed.threshold and not _here.emitting:
        _take(record, installed.loggers)


def _open_root(threshold: int) -> tuple[int, int] | None:
    before = logging.root.level
    if threshold == logging.NOTSET or before <= threshold:
        return None
    logging.root.setLevel(threshold)
    return before, threshold


class _Loggers(dict[str, "Logger"]):
    """OpenTelemetry loggers by name; as many as the program has loggers, which live for ever anyway."""

    def __init__(self, provider: LoggerProvider | None, *, on_console: bool) -> None:
        super().__init__()
        self.provider = provider
        self.on_console = on_console

    def __missing__(self, name: str) -> Logger:
        return self.setdefault(name, get_logger(name, logger_provider=self.provider))


def _wrap(original: _CallHandlers, threshold: int, switch: threading.Event, otel_loggers: _Loggers) -> _CallHandlers:
    @wraps(original)
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        outer = _here.record
        # A handler may pass the record on to another logger: it is the same record still.
        if outer is record or not switch.is_set():
            original(self, record)
            return
        if record.levelno >= threshold and not _here.emitting:
            taken = not _brought(self, record, otel_loggers.provider) and _take(record, otel_loggers)
            if taken and otel_loggers.on_console and not self.hasHandlers():
                return
        stamp(record)
        _here.record = record
        try:
            original(self, record)
        finally:
            _here.record = outer

    return call_handlers


def _brought(logger: logging.Logger | None, record: logging.LogRecord, provider: LoggerProvider | None) -> bool:
    """Whether a handler of OpenTelemetry's own, which the program has added, brings the record to the same place."""
    while logger is not None:
        if any(record.levelno >= handler.level and exports_to(handler, provider) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _take(record: logging.LogRecord, otel_loggers: _Loggers) -> bool:
    """Emit the record and return whether that was done; never raise, and say once when it fails."""
    if record.name.partition(".")[0] in _OURS or is_suppressed():
        return False
    _here.emitting = True
    try:
        otel_loggers[record.name].emit(_translate(record))
    except Exception as error:  # noqa: BLE001 - the host only wanted to log
        bridge = current_runtime().get(_Bridge)
        if not bridge.failing:
            bridge.failing = True
            log_warning(_LOG, f"Log records cannot be recorded: {describe_error(error)}")
        return False
    finally:
        _here.emitting = False
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
    """Return event and values of a record that has them: from our structured loggers, and from structlog's formatter."""
    message: object = record.msg
    if type(message) is StructuredText:
        return message, None
    if isinstance(message, dict) and record.__dict__.keys() >= _OF_STRUCTLOG:
        return from_event(cast("dict[str, object]", message))
    return None, None


def _severity(level: int) -> SeverityNumber:
    """Map a level: each span of ten to its four severity numbers, so that custom levels keep their order."""
    if level <= 0:
        return SeverityNumber.UNSPECIFIED
    return SeverityNumber(min(1 + level // 10 * 4 + level % 10 * 4 // 10, SeverityNumber.FATAL4.value))


def _body(record: logging.LogRecord) -> str:
    try:
        text: object = record.getMessage()
    except Exception:  # noqa: BLE001 - wrong arguments for the template: the template says most of it
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
    left_out: AbstractSet[str] = _LEFT_OUT
    if text is not None:
        attributes |= text.attributes
        left_out = _LEFT_OUT | _OF_STRUCTLOG
    fields = record.__dict__  # wins over the values: a filter of the host may have changed them
    if len(fields) > len(_STANDARD):
        attributes |= encode_attributes({name: fields[name] for name in fields if name not in left_out})
    if record.stack_info:
        attributes["code.stacktrace"] = encode_tag(record.stack_info, max_bytes=MAX_STACK_BYTES)
    raised = error or record.exc_info
    if raised and raised[1] is not None:
        attributes |= exception_attributes(raised[1])
    elif record.exc_text:  # the record came from another process, its exception as text
        attributes["exception.stacktrace"] = encode_tag(record.exc_text, max_bytes=MAX_STACK_BYTES)
    return attributes
