"""Span of the engine: OTel's span and the SDK's readable span in one object, on public names only.

Plain attributes are kept in a dict. The first unusual one (another type, a limit that is reached) replaces the dict by
the SDK's ``BoundedAttributes``, which treats it as the SDK does. A test compares both spans under random calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, Span as SdkSpan
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from flext_observability.engine.compat import set_items
from flext_observability.engine.dropped_span import span_context
from flext_observability.engine.shedding import EXCEPTION, ShedAttributes
from flext_observability.engine.span_values import (
    NUMBERS,
    bounded_attributes,
    bounded_event,
    bounded_link,
    bounded_links,
    bounded_list,
    contained,
    finite,
    is_essential,
    items_of,
    scope_info,
)
from flext_observability.values.exceptions import whole_message
from flext_observability.values.foreign import is_a

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util import BoundedList
    from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
    from opentelemetry.util.types import Attributes, AttributeValue

    from flext_observability.engine.span_options import SpanOptions, SpanSink

_logger: Final = logging.getLogger("opentelemetry.sdk.trace")  # the messages of the SDK's span
_IGNORED_DESCRIPTION: Final = "Description %s ignored. Use either `Status` or `(StatusCode, Description)`"
_UNSET: Final = Status(StatusCode.UNSET)
_SAMPLED: Final[int] = TraceFlags.SAMPLED


@final
class EngineSpan(Span, ReadableSpan):
    """A recording span, and the finished span that processors and exporters receive. Thread-safe.

    ``EngineTracer`` creates it and sets all fields.

    Attributes:
        made_context: The span context, once it was asked for.
        is_of_engine: Says, on the class, that ids and flags are fields.
        is_unregistered: Whether the registry of open spans had no room for it, or keeps it as one that is long open.
        before_end: Called before it ends, if it was long open.
        is_cut_short: Whether this library ended it: what the program still does with it is not wrong.
    """

    __slots__ = (
        "_flext_correlation",  # see adapters.id_holder
        "_options",
        "_values",
        "end_time",
        "flags",
        "kind",  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        "made_context",
        "name",
        "parent",  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        "span_id",
        "start_time",  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        "trace_id",
        "trace_state",
    )

    name: str
    trace_id: int
    span_id: int
    flags: int
    trace_state: TraceState
    made_context: SpanContext | None
    parent: SpanContext | None
    kind: SpanKind
    start_time: int | None
    end_time: int | None
    _flext_correlation: object
    _options: SpanOptions
    _values: dict[str, Any] | BoundedAttributes

    # Defaults of fields that few spans set.
    status: Status = _UNSET
    _event_list: BoundedList[Event] | None = None
    _link_list: BoundedList[Link] | None = None
    _record_exception = True
    _set_status_on_exception = True
    is_of_engine = True
    is_unregistered = False
    before_end: Callable[[int], object] | None = None
    is_cut_short = False

    __init__: Any = object.__init__  # that of the base class costs time

    def get_span_context(self) -> SpanContext:
        """Return the span context."""
        made = self.made_context
        if made is None:
            self.made_context = made = span_context(self)
        return made

    context = property(get_span_context)  # pyright: ignore[reportIncompatibleMethodOverride]  # read-only, too

    @property
    def resource(self) -> Resource:
        """Resource of the provider."""
        return self._options.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Scope of the tracer."""
        return self._options.scope

    @property
    def instrumentation_info(self) -> InstrumentationInfo:
        """Scope of the tracer in its former form, which OpenTelemetry deprecates."""
        return scope_info(self._options.scope)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes, in the order in which they were set last."""
        return MappingProxyType(self._values)

    @property
    def plain_attributes(self) -> dict[str, Any] | None:
        """The attributes, for encoders; None where anything was dropped, and where there are events or links."""
        attributes = self._values
        if type(attributes) is dict and self._event_list is None and self._link_list is None:
            return attributes
        return None

    @property
    def events(self) -> Sequence[Event]:
        """The latest events, up to the limit."""
        return () if self._event_list is None else tuple(self._event_list)

    @property
    def links(self) -> Sequence[Link]:
        """The latest links, up to the limit."""
        return () if self._link_list is None else tuple(self._link_list)

    @property
    def dropped_attributes(self) -> int:
        """Number of dropped attributes."""
        attributes = self._values
        return attributes.dropped if isinstance(attributes, BoundedAttributes | ShedAttributes) else 0

    @property
    def dropped_events(self) -> int:
        """Number of dropped events."""
        return 0 if self._event_list is None else self._event_list.dropped

    @property
    def dropped_links(self) -> int:
        """Number of dropped links."""
        return 0 if self._link_list is None else self._link_list.dropped

    def start(self, start_time: int | None = None, parent_context: Context | None = None) -> None:
        """Log a warning: the span has started. The SDK's span has this method."""
        _logger.warning("Calling start() on a started span.")

    def is_recording(self) -> bool:
        """Return whether the span has not ended."""
        return self.end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:  # measured: benchmarks, recorded span
        """Set an attribute. See OTel's ``Span.set_attribute``."""
        if self.end_time is not None:
            self._warn("Setting attribute on ended span.")
            return
        attributes, options, kind = self._values, self._options, type(value)
        is_plain = kind in NUMBERS or (kind is str and len(cast("str", value)) <= options.max_length)
        if is_plain and type(key) is str and key and type(attributes) is dict:
            if key in attributes:
                attributes.pop(key, None)  # set again, it is the last one
            if len(attributes) < options.max_attributes:
                attributes[key] = value
                if self._values is attributes:  # else another thread has replaced the dict
                    return
        contained("Setting an attribute", self._set_unusual, key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several attributes. See OTel's ``Span.set_attributes``."""
        if self.end_time is not None:
            self._warn("Setting attribute on ended span.")
            return
        items = contained("Setting attributes", items_of, attributes) or ()
        if all(type(key) is str and key for key, _ in items):
            for key, value in items:
                self.set_attribute(key, value)
        else:
            contained("Setting attributes", set_items, self._complete(), dict(items))

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event. See OTel's ``Span.add_event``."""
        if self._options.sheds_events and self.end_time is None and not (type(name) is str and name == EXCEPTION):
            self._shed_event()
            return
        event = contained("Adding an event", bounded_event, name, attributes, timestamp, self._options.limits)
        if event is None:
            return
        if self.end_time is not None:
            self._warn("Tried calling %s on an ended span.", "_add_event")
            return
        with self._options.lock:
            events = self._open_events()
        events.append(event)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link. See OTel's ``Span.add_link``."""
        link = contained("Adding a link", bounded_link, context, attributes, self._options.limits)
        if link is None:
            return
        if self.end_time is not None:
            self._warn("Tried calling %s on an ended span.", "_add_link")
            return
        limits = self._options.limits
        with self._options.lock:
            self._link_list = links = bounded_list(limits.max_links) if self._link_list is None else self._link_list
        links.append(link)

    def set_links(self, links: Sequence[Link]) -> None:
        """Set the links of a new span."""
        self._link_list = bounded_links(links, self._options.limits)

    def update_name(self, name: str) -> None:
        """Replace the name. See OTel's ``Span.update_name``."""
        if self.end_time is not None:
            self._warn("Tried calling %s on an ended span.", "update_name")
            return
        self.name = name  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status, unless it is ok already. See OTel's ``Span.set_status``."""
        if self.end_time is not None:
            self._warn("Tried calling %s on an ended span.", "set_status")
            return
        new = status if is_a(status, Status) else None
        code = status if new is None else new.status_code
        if self.status.status_code is StatusCode.OK or code is StatusCode.UNSET:
            return
        if new is None:
            new = contained("Setting a status", Status, status, description) if is_a(status, StatusCode) else None
        elif description is not None:
            _logger.warning(_IGNORED_DESCRIPTION, description)
        if new is not None:
            self.status = new  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - OTel's signature
    ) -> None:
        """Add the event of an exception. See OTel's ``Span.record_exception``."""
        given = contained("Recording an exception", finite, attributes)
        arguments = cast("SdkSpan", self), exception, given, timestamp, escaped
        contained("Recording an exception", SdkSpan.record_exception, *arguments)

    def end(self, end_time: int | None = None) -> None:  # measured: benchmarks, recorded span
        """End the span and pass it to the processors. See OTel's ``Span.end``."""
        options = self._options
        try:
            del options.open[self]  # atomic: of two threads that end the span, one continues
        except KeyError:
            if not self._end_unregistered():
                self._warn("Calling end() on an ended span.")
                return
        ended = time_ns() if end_time is None else end_time
        self.end_time = ended  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        for call in options.on_end:
            call(self)
        if self.flags & _SAMPLED:
            options.finished(self)
        else:
            next(options.unsampled)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Record the exception as the options of the span say, and end the span."""
        if exc_val is not None and self.is_recording():
            if self._record_exception:
                self.record_exception(exc_val, escaped=True)
            if self._set_status_on_exception:
                self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {whole_message(exc_val)}"))
        self.end()

    def redirect(self, sink: SpanSink) -> None:
        """Pass this span and those of its tracer that end from now on to another pipeline."""
        self._options.redirect(sink)

    def to_json(self, indent: int | None = 4) -> str:
        """Return the span as JSON text, as the SDK writes it."""
        return str(self.to_sdk().to_json(indent))

    def to_sdk(self) -> ReadableSpan:
        """Return a copy that is of the SDK's class."""
        return ReadableSpan(
            name=self.name,
            context=self.context,
            parent=self.parent,
            resource=self.resource,
            attributes=self._complete() if type(self._values) is ShedAttributes else self._values,
            events=self.events,
            links=self.links,
            kind=self.kind,
            status=self.status,
            start_time=self.start_time,
            end_time=self.end_time,
            instrumentation_scope=self.instrumentation_scope,
        )

    def __repr__(self) -> str:
        """Return name and context."""
        return f'{type(self).__name__}(name="{self.name}", context={self.context})'

    def unregister(self, before_end: Callable[[int], object] | None = None) -> bool:
        """Remove an open span from the registry; return whether it was there.

        Args:
            before_end: Called with the span id before the span ends; None for nothing.
        """
        with self._options.lock:
            if self._options.open.pop(self, None) is None:
                return False
            self.is_unregistered, self.before_end = True, before_end
            return True

    def _end_unregistered(self) -> bool:
        """Return whether the span is open, but not in the registry; True once."""
        with self._options.lock:
            was_open, self.is_unregistered = self.is_unregistered and self.end_time is None, False
        if was_open and self.before_end is not None:
            contained("Ending a span that was long open", self.before_end, self.span_id)
        return was_open

    def _warn(self, message: str, *arguments: object) -> None:
        """Log a wrong use, unless this library ended the span before the program did."""
        if not self.is_cut_short:
            _logger.warning(message, *arguments)

    def _set_unusual(self, key: str, value: AttributeValue) -> None:
        values, options = self._values, self._options
        is_new = options.kept_attributes <= len(values) and type(key) is str and key not in values
        if not is_new or is_essential(key):
            self._complete()[key] = value
            return
        next(options.shed_counts.attributes)
        with options.lock:
            self._values = values = ShedAttributes(self._values) if type(self._values) is dict else self._values
            cast("ShedAttributes", values).dropped += 1

    def _open_events(self) -> BoundedList[Event]:
        if self._event_list is None:
            self._event_list = bounded_list(self._options.limits.max_events)
        return self._event_list

    def _shed_event(self) -> None:
        next(self._options.shed_counts.events)
        with self._options.lock:
            self._open_events().dropped += 1

    def _complete(self) -> BoundedAttributes:
        """Replace the dict by ``BoundedAttributes``."""
        with self._options.lock:
            attributes = self._values
            if not isinstance(attributes, BoundedAttributes):
                dropped = self.dropped_attributes
                attributes = self._values = bounded_attributes(dict(attributes), self._options)
                attributes.dropped += dropped
            return attributes


SdkSpan.register(EngineSpan)
