"""Attributes of a measurement → cleaned attributes of plain types, and the key of their series.

Cleaning gives what the SDK sends: sequences become tuples, other objects text. The key keeps 1, 1.0, True and "1"
apart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from marshal import dumps
from typing import Any, Final, cast

from flext_observability.runtime.internal_log import report_once, warn_once
from flext_observability.values.encoding import encode_attribute
from flext_observability.values.foreign import copy_mapping, is_a, is_mapping, plain_text, read_all, type_name
from flext_observability.values.interrupts import reraise_interrupt

Clean = dict[str, Any]
Key = tuple[Any, ...]

_MAX_DEPTH: Final = 64
FORMAT: Final = 2
"""Version of ``marshal`` in which equal attributes in equal order have equal bytes."""
to_bytes: Final[Callable[[Any, int], bytes]] = dumps
"""Returns the bytes of an object of built-in types, in one operation that runs no code of the program."""
_SCALARS: Final = frozenset({str, bool, int, float})
_SEQUENCES: Final = frozenset({list, tuple})
_logger: Final = logging.getLogger("opentelemetry.sdk.metrics")


def clean(attributes: object) -> Clean:
    """Return attributes as the SDK sends them, of plain types. Anything but a mapping gives none. Never raises."""
    if not attributes_given(attributes):
        return {}
    try:
        return _clean_mapping(cast("Mapping[object, object]", attributes), 0)
    except BaseException as error:  # noqa: BLE001 - methods of a mapping of the program
        reraise_interrupt(error)
        report_once("Reading the attributes of a measurement", error)
        return {}


def attributes_given(attributes: object) -> bool:
    """Return whether the object is a mapping. Others are logged, but for None."""
    if attributes is None:
        return False
    if not is_mapping(attributes):
        name = type_name(attributes)
        warn_once(_logger, f"Invalid type '{name}' for attributes: expected a mapping. The measurement has none.")
        return False
    return True


def is_plain(attributes: object) -> bool:
    """Return whether cleaning changes nothing that a key of bytes could miss: text, numbers and lists of them alone."""
    if type(attributes) is not dict:
        return False
    items = cast("dict[object, object]", attributes).items()
    return all(type(name) is str and name and _is_plain_value(value, 0) for name, value in items)


def series_key(attributes: Clean) -> Key:
    """Return the key of cleaned attributes, in any order."""
    return tuple(sorted((name, _typed(value)) for name, value in attributes.items()))


def _is_plain_value(value: object, depth: int) -> bool:
    if type(value) in _SEQUENCES:
        return depth < _MAX_DEPTH and all(_is_plain_value(each, depth + 1) for each in cast("list[object]", value))
    return type(value) in _SCALARS


def _typed(value: Any) -> Key:  # noqa: ANN401 - a cleaned value
    kind = cast("type[object]", type(value))
    if kind is tuple:
        return "sequence", tuple(map(_typed, value))
    if kind is dict:
        return "mapping", series_key(value)
    return kind.__name__, "nan" if value != value else value  # noqa: PLR0124 - not a number; one series for all


def _clean_mapping(given: Mapping[object, object], depth: int) -> Clean:
    cleaned: Clean = {}
    for name, value in copy_mapping(given).items():
        text = _name(name)
        if text:
            cleaned[text] = _clean_value(value, depth)
        else:
            warn_once(_logger, "Invalid name of an attribute: expected a text that is not empty. It is left out.")
    return cleaned


def _name(name: object) -> str | None:
    if is_a(name, str):
        return plain_text(name)
    return plain_text(str(name)) if name and _has_text(name) else None


def _clean_value(value: object, depth: int) -> Any:  # noqa: ANN401 - of any plain type
    kind = type(value)
    if kind in _SCALARS or kind is bytes or value is None:
        return value
    if isinstance(value, str | bool | int | float | bytes):
        return _without_subclass(value)
    if depth >= _MAX_DEPTH:
        return encode_attribute(value)
    if isinstance(value, Sequence):
        return tuple(_clean_value(each, depth + 1) for each in read_all(cast("Sequence[object]", value)))
    if isinstance(value, Mapping):
        return _clean_mapping(cast("Mapping[object, object]", value), depth + 1)
    return plain_text(str(value)) if _has_text(value) else None


def _without_subclass(value: str | float | bytes) -> Any:  # noqa: ANN401 - of any plain type
    if is_a(value, str):
        return plain_text(value)
    if is_a(value, bytes):
        return bytes.__getitem__(value, slice(None))
    return float.__float__(value) if is_a(value, float) else int.__int__(cast("int", value))


def _has_text(value: object) -> bool:
    """Return whether the object has a text of its own; without, its address would be the value."""
    kind = type(value)
    return kind.__str__ is not object.__str__ or kind.__repr__ is not object.__repr__
