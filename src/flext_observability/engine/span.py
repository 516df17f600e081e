"""Span of the engine: OTel's span and the SDK's readable span in one object, on public names only.

Plain attributes are kept in a dict. The first unusual one (another type, a limit that is reached) replaces the dict by
the SDK's ``BoundedAttributes``, which treats it as the SDK does. A test compares both spans under random calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from math import inf
from time import time_ns
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, Span as SdkSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.util.types import Attributes, AttributeValue

_logger: Final = logging.getLogger("opentelemetry.sdk.trace")  # the messages of the SDK's span
_UNSET: Final = Status(StatusCode.UNSET)
_DICTS: Final = frozenset({dict, MappingProxyType})
_NUMBERS: Final = frozenset({bool, int, float})


@final
class SpanOptions:
    """Parts that all spans of a tracer share.

    Attributes:
        resource: Resource of the provider.
        scope: Instrumentation scope of the tracer.
        limits: Limits of spans.
        lock: Held while a part of a span is replaced.
        max_attributes: Maximum number of attributes of a span.
        max_length: Maximum length of a text attribute, in characters.
        on_start: Functions of the processors that are called with a new span and its parent context.
        on_end: Functions of the processors that are called with a span that ends.
    """

    __slots__ = ("limits", "lock", "max_attributes", "max_length", "on_end", "on_start", "resource", "scope")

    def __init__(self, resource: Resource, scope: InstrumentationScope, limits: SpanLimits) -> None:
        self.resource = resource
        self.scope = scope
        self.limits = limits
        self.lock = ForkSafeLock()
        self.on_start: tuple[Callable[..., object], ...] = ()
        self.on_end: tuple[Callable[..., object], ...] = ()
        self.max_attributes = _or_infinite(limits.max_span_attributes)
        self.max_length = _or_infinite(limits.max_span_attribute_length)


@final
class EngineSpan(Span, ReadableSpan):
    """A recording span, and the finished span that processors and exporters receive. Thread-safe.

    ``EngineTracer`` creates it and sets ``start_time``.
    """

    __slots__ = (
        "_event_list",
        "_link_list",
        "_open",
        "_options",
        "_record_exception",
        "_set_status_on_exception",
        "_values",
        "context",
        "end_time",
        "kind",
        "name",
        "parent",
        "start_time",  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        "status",
    )

    name: str
    context: SpanContext
    parent: SpanContext | None
    kind: SpanKind
    status: Status
    start_time: int | None
    end_time: int | None

    def __init__(  # noqa: PLR0913, PLR0917 - called for each span: keywords would cost time
        self,
        options: SpanOptions,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Attributes,
        record_exception: bool,  # noqa: FBT001
        set_status_on_exception: bool,  # noqa: FBT001
    ) -> None:
        self._options = options
        self.name = name
        self.context = context  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        self.parent = parent  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        self.kind = kind  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        self.status = _UNSET
        self.end_time = None
        self._record_exception = record_exception
        self._set_status_on_exception = set_status_on_exception
        self._open = True
        self._event_list: BoundedList[Event] | None = None
        self._link_list: BoundedList[Link] | None = None
        plain = plain_attributes(attributes, options)
        self._values: dict[str, Any] | BoundedAttributes = (
            bounded_attributes(attributes, options) if plain is None else plain
        )

    def get_span_context(self) -> SpanContext:
        """Return the span context."""
        return self.context

    @property
    def resource(self) -> Resource:
        """Resource of the provider."""
        return self._options.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Scope of the tracer."""
        return self._options.scope

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes, in the order in which they were set last."""
        return MappingProxyType(self._values)

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
        return attributes.dropped if isinstance(attributes, BoundedAttributes) else 0

    @property
    def dropped_events(self) -> int:
        """Number of dropped events."""
        return 0 if self._event_list is None else self._event_list.dropped

    @property
    def dropped_links(self) -> int:
        """Number of dropped links."""
        return 0 if self._link_list is None else self._link_list.dropped

    def is_recording(self) -> bool:
        """Return whether the span has not ended."""
        return self.end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:  # measured: benchmarks, recorded span
        """Set an attribute. See OTel's ``Span.set_attribute``."""
        if self.end_time is not None:
            _logger.warning("Setting attribute on ended span.")
            return
        attributes, options, kind = self._values, self._options, type(value)
        is_plain = kind in _NUMBERS or (kind is str and len(cast("str", value)) <= options.max_length)
        if is_plain and type(key) is str and key and type(attributes) is dict:
            if key in attributes:
                attributes.pop(key, None)  # set again, it is the last one
            if len(attributes) < options.max_attributes:
                attributes[key] = value
                if self._values is attributes:  # else another thread has replaced the dict
                    return
        self._complete()[key] = value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several attributes. See OTel's ``Span.set_attributes``."""
        if self.end_time is not None:
            _logger.warning("Setting attribute on ended span.")
            return
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event. See OTel's ``Span.add_event``."""
        limits = self._options.limits
        bounded = BoundedAttributes(
            limits.max_event_attributes, attributes, immutable=True, max_value_len=limits.max_attribute_length
        )
        event = Event(name=name, attributes=bounded, timestamp=timestamp)
        if self.end_time is not None:
            _logger.warning("Tried calling %s on an ended span.", "_add_event")
            return
        with self._options.lock:
            self._event_list = events = _list(limits.max_events) if self._event_list is None else self._event_list
        events.append(event)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link. See OTel's ``Span.add_link``."""
        link = bounded_link(context, attributes, self._options.limits)
        if link is None:
            return
        if self.end_time is not None:
            _logger.warning("Tried calling %s on an ended span.", "_add_link")
            return
        limits = self._options.limits
        with self._options.lock:
            self._link_list = links = _list(limits.max_links) if self._link_list is None else self._link_list
        links.append(link)

    def set_links(self, links: Sequence[Link]) -> None:
        """Set the links of a new span."""
        limits = self._options.limits
        given = (bounded_link(link.context, link.attributes, limits) for link in links)
        self._link_list = _list(limits.max_links)
        self._link_list.extend([link for link in given if link is not None])

    def update_name(self, name: str) -> None:
        """Replace the name. See OTel's ``Span.update_name``."""
        if self.end_time is not None:
            _logger.warning("Tried calling %s on an ended span.", "update_name")
            return
        self.name = name  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status, unless it is ok already. See OTel's ``Span.set_status``."""
        if self.end_time is not None:
            _logger.warning("Tried calling %s on an ended span.", "set_status")
            return
        code = status.status_code if isinstance(status, Status) else status
        if self.status.status_code is StatusCode.OK or code is StatusCode.UNSET:
            return
        if not isinstance(status, Status):
            self.status = Status(status, description)
            return
        if description is not None:
            _logger.warning("Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description)
        self.status = status  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - OTel's signature
    ) -> None:
        """Add the event of an exception. See OTel's ``Span.record_exception``."""
        SdkSpan.record_exception(cast("SdkSpan", self), exception, attributes, timestamp, escaped)

    def end(self, end_time: int | None = None) -> None:  # measured: benchmarks, recorded span
        """End the span and pass it to the processors. See OTel's ``Span.end``."""
        try:
            del self._open  # atomic: of two threads that end the span, one continues
        except AttributeError:
            _logger.warning("Calling end() on an ended span.")
            return
        options = self._options
        self.end_time = time_ns() if end_time is None else end_time  # pyright: ignore[reportIncompatibleMethodOverride]  # a field, for speed
        for call in options.on_end:
            call(self)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Record the exception as the options of the span say, and end the span."""
        if exc_val is not None and self.is_recording():
            if self._record_exception:
                self.record_exception(exc_val, escaped=True)
            if self._set_status_on_exception:
                self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

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
            attributes=self._values,
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

    def _complete(self) -> BoundedAttributes:
        """Replace the dict by ``BoundedAttributes``."""
        with self._options.lock:
            attributes = self._values
            if not isinstance(attributes, BoundedAttributes):
                attributes = self._values = bounded_attributes(attributes.copy(), self._options)
            return attributes


SdkSpan.register(EngineSpan)


def bounded_attributes(attributes: Attributes, options: SpanOptions) -> BoundedAttributes:
    """Return attributes of a span with the limits of the SDK."""
    limits = options.limits
    return BoundedAttributes(
        limits.max_span_attributes, attributes, immutable=False, max_value_len=limits.max_span_attribute_length
    )


def plain_attributes(attributes: Attributes, options: SpanOptions) -> dict[str, Any] | None:
    """Return a copy of attributes that are plain and within the limits; None for others."""
    if attributes is None:
        return {}
    if type(attributes) not in _DICTS or len(attributes) > options.max_attributes:
        return None
    max_length = options.max_length
    copied = dict(cast("dict[object, object]", attributes))
    for key, value in copied.items():
        kind = type(value)
        if type(key) is not str or not key:
            return None
        if kind is str:
            if len(cast("str", value)) > max_length:
                return None
        elif kind not in _NUMBERS:
            return None
    return cast("dict[str, Any]", copied)


def bounded_link(context: SpanContext, attributes: Attributes, limits: SpanLimits) -> Link | None:
    """Return a link with the limits of the SDK; None for an empty one."""
    if not (context.is_valid or attributes or context.trace_state):
        return None
    bounded = BoundedAttributes(
        limits.max_link_attributes, attributes, immutable=True, max_value_len=limits.max_attribute_length
    )
    return Link(context, bounded)


def _list(limit: int | None) -> BoundedList[Any]:
    return BoundedList(limit)


def _or_infinite(limit: int | None) -> float:
    return inf if limit is None else limit
