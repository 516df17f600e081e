"""Logger and logger provider of the engine, on public names only. They create ``EngineLogRecord``.

Records with plain attributes within the limits take a short way. All others become the SDK's ``ReadWriteLogRecord``,
which treats them as the SDK does; so do all records while the program has processors of its own. A test compares the
bytes of both loggers under random calls.
"""

from __future__ import annotations

from inspect import signature
from math import inf
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final

from opentelemetry._logs import Logger, LoggerProvider, LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flext_observability.adapters.correlation import correlation_id_in
from flext_observability.adapters.current_context import CURRENT
from flext_observability.engine.compat import is_suppressed, make_log_record_limits
from flext_observability.engine.log_record import (
    EngineLogRecord,
    LogOptions,
    plain_attributes,
    set_trace,
    trace_in,
    with_exception,
)
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import CORRELATION_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry._logs import SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.util.types import AnyValue, Attributes

_HAS_EXCEPTION: Final = "exception" in signature(LogRecord).parameters  # not in the oldest API
_create: Final = cast("Callable[[type[EngineLogRecord]], EngineLogRecord]", object.__new__)


class ExportingProcessor(Protocol):
    """The processor of this library, which queues records for the exporters. It never raises."""

    @property
    def export(self) -> Callable[[ReadableLogRecord], object]:
        """Function that queues a finished record."""
        ...

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Finish and queue a record of the SDK's class."""
        ...

    def shutdown(self) -> None:
        """Export the queued records."""
        ...

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export the queued records; return whether all were sent in time."""
        ...


@final
class EngineLogger(Logger):
    """Creates records of one scope.

    Args:
        options: Parts that its records share.
        exporting: Receives the records.

    Attributes:
        export: Queues a finished record.
        has_processors: Whether the program has added processors, which may run any code.
        max_plain: Number of plain attributes of a record up to which it is finished; -1 if no record is.
        options: Parts that its records share.
    """

    def __init__(self, options: LogOptions, exporting: ExportingProcessor) -> None:
        scope = cast("InstrumentationScope", options.scope)
        super().__init__(scope.name, scope.version, scope.schema_url, scope.attributes)
        self.options = options
        self._exporting = exporting
        self.export = exporting.export
        self._processors: tuple[Callable[[ReadWriteLogRecord], object], ...] = ()
        self.set_processors(())

    @property
    def resource(self) -> Resource:
        """Resource of the provider."""
        return self.options.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope | None:
        """Scope of the records."""
        return self.options.scope

    def set_processors(self, processors: tuple[LogRecordProcessor, ...]) -> None:
        """Replace the processors of the program."""
        self._processors = tuple(each.on_emit for each in processors)
        self.has_processors = bool(processors)
        is_limited = self.has_processors or self.options.max_length is not inf
        self.max_plain: float = -1 if is_limited else self.options.max_attributes

    def enabled(self, **_: object) -> bool:
        """Return True: the exporters of this library receive all records."""
        return True

    def emit(  # noqa: PLR0913 - OTel's signature
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Emit a record. See OTel's ``Logger.emit``. Never raises."""
        here = CURRENT.get()
        if is_suppressed(here):
            return
        try:
            if record is not None:
                self._emit_record(record)
                return
            plain = None
            if exception is None and (not context or context is here):
                plain = plain_attributes(attributes, self.options)
            fields: dict[str, Any] = {
                "timestamp": timestamp,
                "severity_text": severity_text,
                "severity_number": severity_number,
                "body": body,
                "event_name": event_name,
                "observed_timestamp": observed_timestamp,
            }
            if plain is not None:
                self.emit_plain(here, attributes=plain, **fields)
                return
            if exception is not None:
                attributes = with_exception(attributes, exception)
                if _HAS_EXCEPTION:  # pragma: no branch - not in the oldest API, which is tested separately
                    fields["exception"] = exception
            self._emit_complete(LogRecord(context=context, attributes=attributes, **fields))
        except BaseException as error:  # noqa: BLE001 - values of the program, of any type
            reraise_interrupt(error)
            report_once("Emitting a log record", error)

    def emit_plain(  # noqa: PLR0913, PLR0917 - called for each record; measured: benchmarks, log record
        self,
        context: Context,
        timestamp: int | None,
        severity_text: str | None,
        severity_number: SeverityNumber | None,
        body: Any,  # noqa: ANN401 - OTel's type
        attributes: dict[str, Any],
        event_name: str | None = None,
        observed_timestamp: int | None = None,
    ) -> None:
        """Emit a record with values that need no check.

        Args:
            context: The current context.
            timestamp: Time of the event, in nanoseconds since the epoch.
            severity_text: Name of the level.
            severity_number: Severity.
            body: Body.
            attributes: Attributes of exact plain types, or tuples of one, which the record keeps.
            event_name: Name of an event.
            observed_timestamp: Default: now.
        """
        options = self.options
        record = _create(EngineLogRecord)
        record.options = options
        record.context = context
        record.timestamp = timestamp
        record.observed_timestamp = time_ns() if observed_timestamp is None else observed_timestamp
        record.severity_text = severity_text
        record.severity_number = severity_number
        record.body = body
        record.event_name = event_name
        record.exception = None
        record.attributes = attributes
        set_trace(record, trace_in(context))
        if len(attributes) > self.max_plain:
            self._emit_complete(record)
            return
        if context:
            _add_correlation(record)
        self.export(record)

    def _emit_record(self, record: LogRecord | ReadWriteLogRecord) -> None:
        if isinstance(record, ReadWriteLogRecord):  # the SDK's logger accepts it, too
            inner = record.log_record
            error = getattr(inner, "exception", None)
            if error is not None:
                inner.attributes = with_exception(inner.attributes, error)
            self._pass_on(record)
            return
        error = getattr(record, "exception", None)
        plain = None
        if type(record) is LogRecord and error is None and record.context is CURRENT.get():
            plain = plain_attributes(record.attributes, self.options)
        copied = EngineLogRecord(record, self.options.resource)
        copied.options = self.options
        if error is not None:
            copied.attributes = with_exception(record.attributes, error)
        if plain is not None and not self.has_processors:
            copied.attributes = plain
            _add_correlation(copied)
            self.export(copied)
            return
        # A record of another class may have fields that only the processors and exporters of the program know.
        self._emit_complete(copied if error is not None or type(record) is LogRecord else record)

    def _emit_complete(self, record: LogRecord) -> None:
        self._pass_on(_complete(record, self.options))

    def _pass_on(self, record: ReadWriteLogRecord) -> None:
        for call in self._processors:
            call(record)
        self._exporting.on_emit(record)


@final
class EngineLoggerProvider(LoggerProvider):
    """Creates loggers of one resource.

    Args:
        resource: Resource of all records.
        limits: Maximum number of attributes of a record, and maximum length of a text attribute; None for no limit.
        exporting: The processor of this library, called last.

    Attributes:
        resource: Resource of all records.
    """

    def __init__(
        self, resource: Resource, limits: tuple[int | None, int | None], exporting: ExportingProcessor
    ) -> None:
        self.resource = resource
        self._counts = tuple(inf if limit is None else limit for limit in limits)
        self._limits = make_log_record_limits(*limits)
        self._exporting = exporting
        self._lock = ForkSafeLock()
        self._processors: tuple[LogRecordProcessor, ...] = ()
        self._loggers: dict[InstrumentationScope, EngineLogger] = {}

    def get_logger(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> EngineLogger:
        """Return the logger of a scope."""
        scope = InstrumentationScope(name, version, schema_url, attributes)
        with self._lock:
            known = self._loggers.get(scope)
            if known is None:
                known = EngineLogger(LogOptions(self.resource, scope, self._limits, *self._counts), self._exporting)
                known.set_processors(self._processors)
                self._loggers[scope] = known
        return known

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Add a processor, called after the earlier ones, for existing and new loggers."""
        with self._lock:
            self._processors = (*self._processors, log_record_processor)
            for logger in self._loggers.values():
                logger.set_processors(self._processors)

    def shutdown(self) -> None:
        """Shut the processors down, in order."""
        for processor in self._all():
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the processors, in order; return whether all were flushed in time."""
        deadline = monotonic() + timeout_millis / 1000
        complete = True
        for processor in self._all():
            left = int((deadline - monotonic()) * 1000)
            if left <= 0:
                return False
            complete = processor.force_flush(left) is not False and complete
        return complete

    def _all(self) -> tuple[LogRecordProcessor | ExportingProcessor, ...]:
        return (*self._processors, self._exporting)


def _add_correlation(record: EngineLogRecord) -> None:
    """Add the correlation id of the current context, which is that of the record."""
    value = correlation_id_in(record.context)
    if value is not None:
        record.attributes = {CORRELATION_ATTRIBUTE: value, **record.attributes}


def _complete(record: LogRecord, options: LogOptions) -> ReadWriteLogRecord:
    """Return the record in the SDK's class, which reads its attributes and applies the limits."""
    parts: dict[str, Any] = {
        "resource": options.resource,
        "instrumentation_scope": options.scope,
        "limits": options.limits,
    }
    try:
        return ReadWriteLogRecord(record, **parts)
    except BaseException as error:  # noqa: BLE001 - attributes of any type; warnings may be errors
        reraise_interrupt(error)
        report_once("Reading the attributes of a log record", error)
    kept = record.attributes if isinstance(record.attributes, BoundedAttributes) else None
    record.attributes = kept
    completed = ReadWriteLogRecord(record, **parts)
    if kept is not None:
        cast("BoundedAttributes", record.attributes).dropped = kept.dropped
    return completed
