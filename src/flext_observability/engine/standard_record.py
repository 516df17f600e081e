"""Plain fields of a standard library log record → log record for exporters, whose fields are computed when read."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord

from flext_observability.engine.log_record import EngineLogRecord, LogOptions, set_trace
from flext_observability.values.encoding import MAX_BYTES, MAX_EVENT_BYTES, encode_attribute, encode_tag
from flext_observability.values.names import CORRELATION_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry._logs import LogRecord
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LogRecordLimits
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext

    from flext_observability.engine.dropped_span import DroppedSpan
    from flext_observability.engine.span import EngineSpan

FORMAT_ERRORS: Final = (ArithmeticError, LookupError, MemoryError, TypeError, ValueError)
"""Exceptions of a message that is formatted with arguments of plain types."""
_MAX_LINES: Final = 1 << 30  # compared faster than larger numbers
_create: Final = cast("Callable[[type[EngineLogRecord]], EngineLogRecord]", object.__new__)


def severity_of(level: int, name: str) -> SeverityNumber:
    """Map ten levels each to four severity numbers, so that custom levels keep their order."""
    if name == "TRACE":
        return SeverityNumber.TRACE
    if level <= 0:
        return SeverityNumber.UNSPECIFIED
    return SeverityNumber(min(1 + level // 10 * 4 + level % 10 * 4 // 10, SeverityNumber.FATAL4.value))


_severity: Final = lru_cache(maxsize=256)(severity_of)


def text_of(message: str, args: tuple[object, ...]) -> str:
    """Return a message with its arguments, which are of plain types; without them if they do not fit."""
    if not args:
        return message
    try:
        return message % args
    except FORMAT_ERRORS:
        return message


@final
class StandardLogRecord(ReadableLogRecord):
    """A record of ``logging`` that exporters receive.

    ``queue_if_plain`` sets the fields without a call. Exporting threads compute the others, so that the program's
    threads do not. The constructor is that of the SDK's class, so that ``dataclasses.replace`` works.
    """

    __slots__ = (
        "added",
        "args",
        "context",
        "correlation_id",
        "created",
        "function",
        "level",
        "level_number",
        "line",
        "made",
        "message",
        "observed_timestamp",
        "options",
        "path",
        "trace",
    )

    added: dict[str, Any] | None
    args: tuple[object, ...]
    context: Context
    correlation_id: str | None
    created: float
    function: str
    level: str
    level_number: int
    line: int
    made: LogRecord | None
    message: str
    observed_timestamp: int
    options: LogOptions
    path: str
    trace: EngineSpan | DroppedSpan | SpanContext | None

    # A frozen dataclass has others, which would also be slower.
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__
    __eq__ = object.__eq__  # pyright: ignore[reportAssignmentType]  # its parameters have no names
    __hash__ = object.__hash__
    __repr__ = object.__repr__

    def __init__(
        self,
        log_record: LogRecord,
        resource: Resource,
        instrumentation_scope: InstrumentationScope | None = None,
        limits: LogRecordLimits | None = None,
    ) -> None:
        self.made = log_record
        self.options = LogOptions(resource, instrumentation_scope, limits)

    @property
    def log_record(self) -> LogRecord:  # pyright: ignore[reportIncompatibleVariableOverride]  # read-only, too
        """The record with all fields. Idempotent: it is created once."""
        made = self.made
        if made is None:
            made = self.made = self._make()
        return made

    @property
    def resource(self) -> Resource:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Resource of the provider."""
        return self.options.resource

    @property
    def instrumentation_scope(  # pyright: ignore[reportIncompatibleVariableOverride]
        self,
    ) -> InstrumentationScope | None:
        """Scope of the logger."""
        return self.options.scope

    @property
    def limits(self) -> LogRecordLimits | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Limits of the provider."""
        return self.options.limits

    @property
    def held_values(self) -> tuple[object, ...]:
        """The values that the record holds now, without the computation of others."""
        return self.message, self.args, self.added, None if self.made is None else self.made.body

    def _make(self) -> EngineLogRecord:  # measured: benchmarks, log record
        path, function, line, level, body = self.path, self.function, self.line, self.level, self.message
        if self.args:
            body = text_of(body, self.args)
        if not (path.isascii() and function.isascii() and level.isascii() and len(path) + len(level) <= MAX_BYTES):
            path, function, level = encode_tag(path), encode_tag(function), encode_tag(level)
        attributes: dict[str, Any] = {} if self.correlation_id is None else {CORRELATION_ATTRIBUTE: self.correlation_id}
        attributes["code.file.path"] = path
        attributes["code.function.name"] = function if len(function) <= MAX_BYTES else encode_tag(function)
        attributes["code.line.number"] = line if 0 <= line < _MAX_LINES else encode_attribute(line)
        if self.added is not None:
            attributes |= self.added
        made = _create(EngineLogRecord)
        made.options = self.options
        made.context = self.context
        made.timestamp = int(self.created * 1_000_000_000)
        made.observed_timestamp = self.observed_timestamp
        made.severity_text = level
        made.severity_number = _severity(self.level_number, level)
        is_short = len(body) <= MAX_EVENT_BYTES and body.isascii()
        made.body = body if is_short else encode_tag(body, max_bytes=MAX_EVENT_BYTES)
        made.event_name = made.exception = None
        made.attributes = attributes
        set_trace(made, self.trace)
        return made
