"""Span or log record → estimate of its bytes in memory, from the sizes of its texts; never raises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from sys import getsizeof
from types import MappingProxyType
from typing import Final, cast

from opentelemetry.attributes import BoundedAttributes

from flext_observability.values.foreign import MAX_ITEMS, attribute, copy_mapping, is_a
from flext_observability.values.interrupts import reraise_interrupt

ITEM_BYTES: Final = 1000
"""Bytes of a span or record without attributes."""
VALUE_BYTES: Final = 64
"""Bytes of a name, a number, or the head of a text or tuple."""
_TEXTS: Final = frozenset({str, bytes, bytearray})
_MAPPINGS: Final = frozenset({MappingProxyType, BoundedAttributes})
_LISTS: Final = frozenset({tuple, list, set, frozenset})


def item_bytes(item: object) -> int:
    """Return the estimate. It reads values of built-in types alone, at most ``MAX_ITEMS`` of them."""
    try:
        return ITEM_BYTES + values_bytes(_values(item))
    except BaseException as error:  # noqa: BLE001 - a span or record of another package
        reraise_interrupt(error)
        return ITEM_BYTES


def values_bytes(values: Iterable[object]) -> int:
    """Return the estimate for values, with those inside."""
    total, open_values, left = 0, list(values), MAX_ITEMS
    while open_values and left:
        value, left = open_values.pop(), left - 1
        total += VALUE_BYTES
        kind = type(value)
        if kind in _TEXTS:
            total += getsizeof(value)  # a text takes 1, 2 or 4 bytes for each character
        elif kind in _MAPPINGS or is_a(value, dict):
            items = copy_mapping(cast("Mapping[object, object]", value))
            open_values.extend(islice((*items, *items.values()), left))
        elif kind in _LISTS:
            open_values.extend(islice(cast("list[object]", value), left))
    return total


def _values(item: object) -> list[object]:
    """Return the values of a span or a record. The fields of a record that is not complete are not computed."""
    held = attribute(item, "held_values")
    if type(held) is tuple:
        return list(cast("tuple[object, ...]", held))
    record = attribute(item, "log_record")
    if record is not None:
        return [attribute(record, "body"), attribute(record, "attributes")]
    found: list[object] = [attribute(item, "attributes")]
    for name in ("events", "links"):
        parts = attribute(item, name)
        inside = cast("tuple[object, ...]", parts) if type(parts) is tuple else ()
        found.extend(attribute(part, "attributes") for part in inside)
    return found
