"""Log record of the engine: OTel's record and the SDK's readable record in one object, on public names only."""

from __future__ import annotations

import traceback
from math import inf
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import INVALID_SPAN_CONTEXT, get_current_span

from flext_observability.adapters.current_context import SPAN_KEY
from flext_observability.engine.dropped_span import FLAGS, DroppedSpan
from flext_observability.engine.span import EngineSpan
from flext_observability.values.exceptions import whole_message
from flext_observability.values.foreign import qualified_type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LogRecordLimits
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, TraceFlags

_OWN_SPANS: Final = frozenset({EngineSpan, DroppedSpan})
_NO_TRACE: Final = INVALID_SPAN_CONTEXT
_DICTS: Final = frozenset({dict, MappingProxyType})
_PLAIN: Final = frozenset({str, bool, int, float, bytes, NoneType})
_FIELDS: Final = (
    "attributes",
    "body",
    "context",
    "event_name",
    "exception",
    "observed_timestamp",
    "severity_number",
    "severity_text",
    "span_id",
    "timestamp",
    "trace_flags",
    "trace_id",
)


@final
class LogOptions:
    """Parts that all records of a logger share.

    Attributes:
        resource: Resource of the provider.
        scope: Instrumentation scope of the logger.
        limits: Limits of the SDK's records.
        max_attributes: Maximum number of attributes of a record.
        max_length: Maximum length of a text attribute, in characters.
    """

    __slots__ = ("limits", "max_attributes", "max_length", "resource", "scope")

    def __init__(
        self,
        resource: Resource,
        scope: InstrumentationScope | None,
        limits: LogRecordLimits | None,
        max_attributes: float = inf,
        max_length: float = inf,
    ) -> None:
        self.resource = resource
        self.scope = scope
        self.limits = limits
        self.max_attributes = max_attributes
        self.max_length = max_length


@final
class EngineLogRecord(LogRecord, ReadableLogRecord):
    """A log record that exporters receive.

    ``EngineLogger`` sets the fields without a call. The constructor is that of the SDK's readable record, so that
    ``dataclasses.replace`` works.
    """

    __slots__ = (*_FIELDS, "options")

    attributes: Mapping[str, Any]
    body: Any
    context: Context
    event_name: str | None
    exception: BaseException | None
    observed_timestamp: int
    options: LogOptions
    severity_number: SeverityNumber | None
    severity_text: str | None
    span_id: int
    timestamp: int | None
    trace_flags: TraceFlags
    trace_id: int

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
        for name in _FIELDS:
            setattr(self, name, getattr(log_record, name, None))
        self.options = LogOptions(resource, instrumentation_scope, limits)

    @property
    def log_record(self) -> LogRecord:  # pyright: ignore[reportIncompatibleVariableOverride]  # read-only, too
        """The record itself."""
        return self

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


def set_trace(record: EngineLogRecord, trace: EngineSpan | DroppedSpan | SpanContext | None) -> None:
    """Set the trace context of a record: that of a span of the engine, or of any other span."""
    if type(trace) in _OWN_SPANS:
        span = cast("EngineSpan", trace)
        record.trace_id, record.span_id, record.trace_flags = span.trace_id, span.span_id, FLAGS[span.flags]
    else:
        context = _NO_TRACE if trace is None else cast("SpanContext", trace)
        record.trace_id, record.span_id, record.trace_flags = context.trace_id, context.span_id, context.trace_flags


def trace_in(context: Context) -> EngineSpan | DroppedSpan | SpanContext | None:
    """Return the current span if it is of the engine, otherwise the span context; None without a span."""
    span: Any = context.get(SPAN_KEY)
    return span if span is None or type(span) in _OWN_SPANS else get_current_span(context).get_span_context()


def plain_attributes(attributes: object, options: LogOptions) -> dict[str, Any] | None:
    """Return a copy of attributes that are plain and within the limits; None for others."""
    if attributes is None:
        return {}
    if type(attributes) not in _DICTS or len(cast("dict[object, object]", attributes)) > options.max_attributes:
        return None
    max_length = options.max_length
    copied = dict(cast("dict[object, object]", attributes))
    for key, value in copied.items():
        kind = type(value)
        if kind not in _PLAIN or type(key) is not str or not key:
            return None
        if kind is str and len(cast("str", value)) > max_length:
            return None
    return cast("dict[str, Any]", copied)


def with_exception(attributes: Mapping[str, Any] | None, error: BaseException) -> Mapping[str, Any]:
    """Return attributes with those of an exception, as the SDK adds them: the given ones have precedence.

    Source: https://opentelemetry.io/docs/specs/otel/logs/sdk/#emit-a-logrecord
    """
    added = {
        "exception.type": qualified_type_name(error).removeprefix("builtins."),
        "exception.message": whole_message(error),
        "exception.stacktrace": "".join(traceback.format_exception(error)),
    }
    if not isinstance(attributes, BoundedAttributes):
        return added | dict((attributes or {}).items())
    kept = BoundedAttributes(attributes.maxlen, attributes, immutable=False, max_value_len=attributes.max_value_len)
    kept.dropped = attributes.dropped
    for name, value in added.items():
        if name not in kept:
            kept[name] = value
    return kept
