"""Python value → attribute value: text, bool, int, float, or a tuple of one type (never raises, bounded size)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set as AbstractSet
from json.encoder import encode_basestring as quote
from math import isfinite, isnan
from typing import Any, cast

from flext_observability.values.foreign import MAX_ITEMS
from flext_observability.values.reduction import INT64, PLAIN, Items, Pairs, Reading, Unordered, reduce_value, size_of

Scalar = str | bool | int | float
AttributeValue = Scalar | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]

MAX_BYTES = 8192
"""Default size limit of one encoded value, in bytes of UTF-8. A number counts 8."""
MAX_EVENT_BYTES = 262_144  # of the body of a log record
_ELLIPSIS = "…"
_ELLIPSIS_BYTES = 3
_MAX_DEPTH = 16
_INT30 = 1 << 30  # numbers below it are compared faster
_NUMBER_BYTES = 8
_MAX_KNOWN_NAMES = 1000
_MAX_KNOWN_LENGTH = 100
_known_names: set[str] = set()
"""Names that need no check: that of a set costs a third."""


class _BudgetExceeded(Exception):
    """The size limit is reached."""


def encode_attribute(value: object, *, max_bytes: int = MAX_BYTES) -> AttributeValue:
    """Encode one value.

    - Text, bool, float and int within 64 bits are unchanged. Sequences and sets of one of these types become tuples.
    - Enum members become their value; Decimal, UUID and paths text; dates and times ISO 8601; timedelta seconds.
    - Bytes become text when they are UTF-8, otherwise base64.
    - Nested values (mappings, dataclasses, pydantic models, mixed sequences) become compact JSON, without fields
      declared ``repr=False``.
    - None becomes ``null``, lone surrogates become U+FFFD. Text over the limit ends in an ellipsis.
    - Any other object becomes its ``str`` without memory addresses.

    Args:
        value: Any object.
        max_bytes: Size limit in bytes of UTF-8, at least 3.
    """
    kind = type(value)
    if kind is str:
        return _text(cast("str", value), max_bytes)
    if kind is bool or kind is float or (kind is int and -INT64 <= cast("int", value) < INT64):
        return cast("bool | int | float", value)
    return _encode(value, Reading(max_bytes))


def _encode(value: object, reading: Reading) -> AttributeValue:
    kind = type(value)
    if kind is str:
        return _text(cast("str", value), reading.max_bytes)
    if kind is bool or kind is float or (kind is int and -INT64 <= cast("int", value) < INT64):
        return cast("bool | int | float", value)
    reduced = reduce_value(value, reading)
    if isinstance(reduced, str):
        return _text(reduced, reading.max_bytes)
    if isinstance(reduced, bool | int | float):
        return reduced
    if isinstance(reduced, Items) and (uniform := _uniform(reduced, reading)) is not None:
        return uniform
    return _json(value, reduced, reading)


def encode_attributes(
    attributes: Mapping[str, object] | None, *, max_bytes: int = MAX_BYTES
) -> dict[str, AttributeValue]:
    """Encode the values of a mapping. Names become text. None values are left out.

    Args:
        attributes: Names and values. None gives an empty result. A dataclass or model gives its fields. Any other
            object is encoded under the name ``value``.
        max_bytes: Size limit of each value.
    """
    given: object = attributes
    if type(given) is dict and are_encoded(cast("dict[object, object]", given), max_bytes):
        return cast("dict[str, AttributeValue]", given.copy())
    reading = Reading(max_bytes)
    return {_tag(name, reading): _encode(value, reading) for name, value in pairs_of(attributes) if value is not None}


class EncodedAttributes(dict[str, AttributeValue]):
    """Attributes that encoding would not change. None is a sequence, and no name is empty."""

    __slots__ = ()


def encode_span_attributes(attributes: Mapping[str, object] | None) -> dict[str, AttributeValue]:
    """Encode the values of a mapping, as ``encode_attributes``; usually into ``EncodedAttributes``."""
    given: object = attributes
    copied = checked_copy(cast("dict[object, object]", given)) if type(given) is dict else None
    return encode_attributes(attributes) if copied is None else EncodedAttributes(copied)


def checked_copy(attributes: dict[object, object]) -> dict[str, AttributeValue] | None:  # measured: recorded span
    """Return a copy of attributes that encoding would not change, and without an empty name; None for others."""
    copied = attributes.copy()
    for name in copied:
        if type(name) is not str or (name not in _known_names and not _is_plain_name(name)):
            return None
        value = copied[name]
        if type(value) is str:
            if not value.isascii() or len(value) > MAX_BYTES:
                return None
        elif type(value) is int:
            if not (-_INT30 < value < _INT30 or -INT64 <= value < INT64):
                return None
        elif type(value) is not float and type(value) is not bool:
            return None
    return cast("dict[str, AttributeValue]", copied)


def _is_plain_name(name: str) -> bool:
    """Return whether encoding would not change the name of an attribute, and remember some that it would not."""
    if not name.isascii() or not 0 < len(name) <= MAX_BYTES:
        return False
    if len(_known_names) < _MAX_KNOWN_NAMES and len(name) <= _MAX_KNOWN_LENGTH:
        _known_names.add(name)
    return True


def are_encoded(
    attributes: dict[object, object], max_bytes: int = MAX_BYTES
) -> bool:  # measured: benchmarks, recorded span
    """Return whether encoding would change nothing: short ASCII texts, bools, floats and 64-bit integers."""
    for name, value in attributes.items():
        if type(name) is not str or len(name) > max_bytes or not name.isascii():
            return False
        if type(value) is str:
            if len(value) > max_bytes or not value.isascii():
                return False
        elif type(value) is int:
            if not -INT64 <= value < INT64:
                return False
        elif type(value) is not float and type(value) is not bool:
            return False
    return True


def encode_tag(value: object, *, max_bytes: int = MAX_BYTES) -> str:
    """Encode one value as text, for tags and names. Bool becomes ``true`` or ``false``, None becomes ``null``."""
    if type(value) is str:
        return _text(value, max_bytes)
    return _tag(value, Reading(max_bytes))


def _tag(value: object, reading: Reading) -> str:
    if type(value) is str:
        return _text(value, reading.max_bytes)
    encoded = _encode(value, reading)
    return encoded if isinstance(encoded, str) else _json(encoded, reduce_value(encoded, reading), reading)


def preview(value: object) -> str:
    """Return a short form of a value for messages: quoted text of at most 80 bytes, or a number or tuple."""
    return repr(encode_attribute(value, max_bytes=80))


def is_container(value: object) -> bool:
    """Return whether the value contains other values, so that it is not a valid tag."""
    return type(value) is not str and isinstance(reduce_value(value, Reading(_ELLIPSIS_BYTES)), list)


def _text(text: str, max_bytes: int) -> str:
    if len(text) <= max_bytes and text.isascii():
        return text
    head = text[: max_bytes + 1]
    try:
        raw = head.encode()
    except UnicodeEncodeError:
        head = head.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        raw = head.encode()
    if len(raw) <= max_bytes:
        return head
    return raw[: max_bytes - _ELLIPSIS_BYTES].decode(errors="ignore") + _ELLIPSIS


def pairs_of(attributes: object) -> Sequence[tuple[object, object]]:
    """Return the items of a mapping, or the fields of a dataclass or model.

    At most ``MAX_ITEMS``, except of a ``dict``. Any other object, and a mapping that raises, is the only item, named
    ``value``.
    """
    if type(attributes) is dict:
        return list(cast("dict[object, object]", attributes).items())
    pairs = reduce_value(attributes, Reading(MAX_ITEMS))
    return pairs if isinstance(pairs, Pairs) else [("value", attributes)]


def _uniform(items: Items, reading: Reading) -> AttributeValue | None:
    """Return the items as a tuple if they have one simple type and are within the size limit."""
    found: list[Any] = []
    left, max_bytes = reading.max_bytes, reading.max_bytes
    for item in items:
        kind = type(item)
        is_plain = kind is str or kind is float or kind is bool
        reduced = item if is_plain else reduce_value(item, reading)
        if type(reduced) not in PLAIN or (found and type(reduced) is not type(found[0])):
            return None
        if isinstance(reduced, str):
            reduced = _text(reduced, max_bytes)
            left -= len(reduced) if reduced.isascii() else len(reduced.encode())
        else:
            left -= _NUMBER_BYTES
        if left < 0:
            return None
        found.append(reduced)
    # Items of one simple type can be sorted.
    return tuple(sorted(found) if isinstance(items, Unordered) else found)


def _json(value: object, reduced: object, reading: Reading) -> str:
    """Return compact JSON text up to the size limit."""
    writer = _JsonWriter(reading)
    with contextlib.suppress(_BudgetExceeded):
        writer.write_reduced(value, reduced, ())
    return _text("".join(writer.parts), reading.max_bytes)


class _JsonWriter:
    """Pieces of JSON text. Writing stops shortly after the size limit."""

    __slots__ = ("left", "parts", "reading")

    def __init__(self, reading: Reading, left: int | None = None) -> None:
        self.reading = reading
        self.left = reading.max_bytes if left is None else left
        self.parts: list[str] = []

    def write(self, value: object, parents: tuple[object, ...]) -> None:
        """Append one value. ``parents`` are the containers around it."""
        self.write_reduced(value, reduce_value(value, self.reading), parents)

    def write_reduced(self, value: object, reduced: object, parents: tuple[object, ...]) -> None:
        """Append one value that is reduced."""
        if not isinstance(reduced, Items | Pairs):
            self._put(_json_scalar(reduced, self.reading.max_bytes))
        elif len(parents) == _MAX_DEPTH or any(value is parent for parent in parents):
            self._put(quote(_ELLIPSIS))
        elif isinstance(reduced, Pairs):
            self._write_object(reduced, (*parents, value))
        elif isinstance(reduced, Unordered):
            self._write_unordered(reduced, (*parents, value))
        else:
            self._write_array(reduced, (*parents, value))

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self.left -= len(text)
        if self.left < 0:
            raise _BudgetExceeded

    def _write_array(self, items: Items, parents: tuple[object, ...]) -> None:
        self._put("[")
        for index, item in enumerate(items):
            self._put("," if index else "")
            self.write(item, parents)
        self._put("]")

    def _write_object(self, items: Pairs, parents: tuple[object, ...]) -> None:
        self._put("{")
        for index, (name, item) in enumerate(items):
            self._put(("," if index else "") + quote(_tag(name, self.reading)) + ":")
            self.write(item, parents)
        self._put("}")

    def _write_unordered(self, items: Unordered, parents: tuple[object, ...]) -> None:
        """Append the items sorted by their text, or only the size of a set that exceeds the limit."""
        texts: list[str] = []
        left = self.left - 1  # two brackets, and one comma less than items
        try:
            for item in items:
                writer = _JsonWriter(self.reading, left)
                writer.write(item, parents)
                texts.append("".join(writer.parts))
                left = writer.left - 1
        except _BudgetExceeded:
            if any(isinstance(parent, AbstractSet) for parent in parents[:-1]):
                raise
            self._put(quote(size_of(parents[-1])))
        else:
            self._put("[" + ",".join(sorted(texts)) + "]")


def _json_scalar(value: object, max_bytes: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not isfinite(value):
        return quote("NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity")
    return quote(_text(value, max_bytes)) if isinstance(value, str) else repr(value)
