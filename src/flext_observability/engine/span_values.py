"""Attributes, events and links as given → those that a span keeps, within its limits."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo
from opentelemetry.trace import Link, SpanContext

from flext_observability.engine.shedding import ESSENTIAL, ShedAttributes
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import EncodedAttributes
from flext_observability.values.foreign import copy_mapping, read_all
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.util.types import Attributes, AttributeValue

    from flext_observability.engine.span_options import SpanOptions

P = ParamSpec("P")
T = TypeVar("T")
NUMBERS: Final = frozenset({bool, int, float})
_DICTS: Final = frozenset({dict, EncodedAttributes, MappingProxyType})


def contained(action: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return the result of a function; None if it raises, which is logged once."""
    try:
        return function(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - values of the program, of any type
        reraise_interrupt(error)
        report_once(action, error)
        return None


def bounded_attributes(attributes: Attributes, options: SpanOptions) -> BoundedAttributes:
    """Return attributes of a span with the limits of the SDK."""
    limits = options.limits
    return BoundedAttributes(
        limits.max_span_attributes, finite(attributes), immutable=False, max_value_len=limits.max_span_attribute_length
    )


def values_of(attributes: Mapping[str, AttributeValue], options: SpanOptions) -> dict[str, Any] | BoundedAttributes:
    """Return the attributes that a new span keeps. Those that cannot be read are left out."""
    plain = plain_attributes(attributes, options)
    if plain is not None:
        return plain
    is_shedding = options.kept_attributes < inf
    kept = contained("Setting attributes", _first_attributes, attributes, options) if is_shedding else None
    if kept is None:
        kept = contained("Setting attributes", bounded_attributes, attributes, options)
    return {} if kept is None else kept


def _first_attributes(attributes: Attributes, options: SpanOptions) -> dict[str, Any] | BoundedAttributes:
    """Return the first attributes, as many as are kept, and the essential ones."""
    given = finite(attributes) or {}
    kept: dict[str, Any] = dict(islice(given.items(), int(options.kept_attributes)))
    if not ESSENTIAL.isdisjoint(given):
        kept.update((key, given[key]) for key in given if is_essential(key))
    left_out = len(given) - len(kept)
    deque(islice(options.shed_counts.attributes, left_out), maxlen=0)  # advances it
    plain = plain_attributes(kept, options)
    values = bounded_attributes(kept, options) if plain is None else ShedAttributes(plain)
    values.dropped = getattr(values, "dropped", 0) + left_out
    return values


def is_essential(key: object) -> bool:
    """Return whether each span keeps an attribute."""
    return type(key) is str and key in ESSENTIAL


def plain_attributes(attributes: Mapping[str, AttributeValue], options: SpanOptions) -> dict[str, Any] | None:
    """Return a copy of attributes that are plain and within the limits; None for others."""
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
        elif kind not in NUMBERS:
            return None
    return cast("dict[str, Any]", copied)


def bounded_link(context: SpanContext, attributes: Attributes, limits: SpanLimits) -> Link | None:
    """Return a link with the limits of the SDK; None for an empty one."""
    if not (context.is_valid or attributes or context.trace_state):
        return None
    bounded = BoundedAttributes(
        limits.max_link_attributes, finite(attributes), immutable=True, max_value_len=limits.max_attribute_length
    )
    return Link(context, bounded)


def bounded_links(links: Iterable[Link], limits: SpanLimits) -> BoundedList[Any]:
    """Return the links of a new span. One that cannot be read is left out."""
    kept = bounded_list(limits.max_links)
    for each in contained("Reading links", read_all, links) or ():
        link = contained("Adding a link", _copied_link, each, limits)
        if link is not None:
            kept.append(link)
    return kept


def _copied_link(link: Link, limits: SpanLimits) -> Link | None:
    return bounded_link(link.context, link.attributes, limits)


def bounded_event(name: str, attributes: Attributes, timestamp: int | None, limits: SpanLimits) -> Event:
    """Return an event with the limits of the SDK."""
    length = limits.max_attribute_length
    kept = BoundedAttributes(limits.max_event_attributes, finite(attributes), immutable=True, max_value_len=length)
    return Event(name=name, attributes=kept, timestamp=timestamp)


def bounded_list(limit: int | None) -> BoundedList[Any]:
    """Return an empty list that keeps the latest items."""
    return BoundedList(limit)


def items_of(attributes: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the items of attributes, which may be a mapping of any kind."""
    return cast("dict[str, Any]", copy_mapping(cast("Mapping[object, object]", attributes))).items()


def finite(attributes: Attributes) -> Attributes:
    """Return attributes of any kind as a dict, which ends."""
    if not attributes or type(attributes) in _DICTS:
        return attributes
    return dict(items_of(attributes))


def scope_info(scope: InstrumentationScope) -> InstrumentationInfo:
    """Return a scope in its former form, which OpenTelemetry deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return InstrumentationInfo(scope.name, scope.version, scope.schema_url)
