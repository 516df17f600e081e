"""Python value → attribute value: text, bool, int, float, or a tuple of one type (never raises, bounded size)."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet
from datetime import date, time, timedelta
from enum import Enum
from itertools import islice
from json.encoder import encode_basestring as quote
from math import isfinite, isnan
from typing import Any, cast

from flext_observability.values.foreign import MAX_ITEMS, ImportedType, plain_text, qualified_type_name, type_name
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.lazy_pattern import lazy_pattern

Scalar = str | bool | int | float
AttributeValue = Scalar | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]

MAX_BYTES = 8192
"""Default size limit of one encoded value, in bytes of UTF-8. A number counts 8."""
MAX_EVENT_BYTES = 262_144  # of the body of a log record
_ELLIPSIS = "…"
_ELLIPSIS_BYTES = 3
_MAX_DEPTH = 16
# Longer ints are written in hexadecimal: decimal digits need quadratic time, and Python allows at most 4300 of them.
_MAX_DECIMAL_BITS = 4096
_INT64 = 1 << 63
_TYPES = "decimal.Decimal", "numbers.Integral", "numbers.Real", "pathlib.PurePath"
_INT30 = 1 << 30  # numbers below it are compared faster
_NUMBER_BYTES = 8
_MAX_KNOWN_NAMES = 1000
_MAX_KNOWN_LENGTH = 100
_known_names: set[str] = set()
"""Names that need no check: that of a set costs a third."""
_SIMPLE: frozenset[object] = frozenset((str, bool, int, float))
_ADDRESS = lazy_pattern(r" at 0x[0-9a-fA-F]+")


class _Array(list[object]):
    """Items of a reduced sequence."""


class _Unordered(_Array):
    """Items of a reduced set, in no defined order."""


class _Object(list[tuple[object, object]]):
    """Pairs of a reduced mapping, dataclass or model, in their order."""


_FINITE: frozenset[object] = frozenset((list, tuple, dict, set, frozenset))
_REDUCED: frozenset[object] = _SIMPLE | {type(None), _Array, _Unordered, _Object}


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
    if kind is bool or kind is float or (kind is int and -_INT64 <= cast("int", value) < _INT64):
        return cast("bool | int | float", value)
    reduced = value if kind is str else _reduce(value, max_bytes)
    if isinstance(reduced, str):
        return _text(reduced, max_bytes)
    if isinstance(reduced, bool | int | float):
        return reduced
    if isinstance(reduced, _Array) and (uniform := _uniform(reduced, max_bytes)) is not None:
        return uniform
    return _json(value, max_bytes)


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
    return {
        encode_tag(name, max_bytes=max_bytes): encode_attribute(value, max_bytes=max_bytes)
        for name, value in pairs_of(attributes)
        if value is not None
    }


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
            if not (-_INT30 < value < _INT30 or -_INT64 <= value < _INT64):
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
            if not -_INT64 <= value < _INT64:
                return False
        elif type(value) is not float and type(value) is not bool:
            return False
    return True


def encode_tag(value: object, *, max_bytes: int = MAX_BYTES) -> str:
    """Encode one value as text, for tags and names. Bool becomes ``true`` or ``false``, None becomes ``null``."""
    encoded = _text(value, max_bytes) if type(value) is str else encode_attribute(value, max_bytes=max_bytes)
    return encoded if isinstance(encoded, str) else _json(encoded, max_bytes)


def preview(value: object) -> str:
    """Return a short form of a value for messages: quoted text of at most 80 bytes, or a number or tuple."""
    return repr(encode_attribute(value, max_bytes=80))


def is_container(value: object) -> bool:
    """Return whether the value contains other values, so that it is not a valid tag."""
    return type(value) is not str and isinstance(_reduce(value, _ELLIPSIS_BYTES), list)


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


def _reduce(value: object, max_bytes: int) -> object:
    """Reduce a value to text, bool, int, float, None, _Array or _Object, one level deep."""
    try:
        for types, reduce in _REDUCERS:
            if isinstance(value, types):
                return _exact(reduce(value, max_bytes))
        return _exact(_reduce_other(value, max_bytes))
    except BaseException as error:  # noqa: BLE001 - the code of the value raised
        reraise_interrupt(error)
        return f"<unprintable {qualified_type_name(value)}>"


def _exact(reduced: object) -> object:
    """Return a reduced value of an exact type: a method of foreign code may return anything."""
    if type(reduced) in _REDUCED:
        return reduced
    text = plain_text(reduced)
    if text is None:
        raise TypeError(f"the method returned {type_name(reduced)}")
    return text


def pairs_of(attributes: object) -> Sequence[tuple[object, object]]:
    """Return the items of a mapping, or the fields of a dataclass or model.

    At most ``MAX_ITEMS``, except of a ``dict``. Any other object, and a mapping that raises, is the only item, named
    ``value``.
    """
    if type(attributes) is dict:
        return list(cast("dict[object, object]", attributes).items())
    pairs = _reduce(attributes, MAX_ITEMS)
    return pairs if isinstance(pairs, _Object) else [("value", attributes)]


def _reduce_int(value: int) -> int | str:
    number = int.__int__(value)
    if -_INT64 <= number < _INT64:
        return number
    return str(number) if number.bit_length() <= _MAX_DECIMAL_BITS else hex(number)


def _reduce_bytes(value: bytes | bytearray | memoryview, max_bytes: int) -> str:
    # Four bytes over the limit: the text gets its ellipsis, and no character within the limit is cut.
    raw = bytes(memoryview(value).cast("B")[: max_bytes + 4])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        return raw[: error.start].decode() if error.start > max_bytes else base64.b64encode(raw).decode()


def _reduce_other(value: object, max_bytes: int) -> object:
    models = getattr(type(value), "model_fields", None)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields: Iterable[tuple[str, Any]] = ((field.name, field) for field in dataclasses.fields(value))
    elif isinstance(models, dict):
        fields = cast("dict[str, Any]", models).items()
    else:
        return _ADDRESS.sub("", repr(value) if isinstance(value, BaseException) else str(value))
    return _Object((name, getattr(value, name)) for name, field in islice(fields, max_bytes) if field.repr)


def _reduce_mapping(value: Mapping[object, object], max_bytes: int) -> _Object:
    return _Object((name, item) for name, item in islice(value.items(), _max_items(value, max_bytes)))


def _reduce_set(value: AbstractSet[object], max_bytes: int) -> object:
    limit = _max_items(value, max_bytes)
    is_large = type(value) in _FINITE and len(value) > limit
    items = _Unordered(() if is_large else islice(value, limit + 1))
    return _size(value) if is_large or len(items) > limit else items


def _max_items(container: object, max_bytes: int) -> int:
    """Return the number of items to read: an item takes at least one byte, and a foreign container may be endless."""
    return max_bytes if type(container) in _FINITE else min(max_bytes, MAX_ITEMS)


_DECIMAL, _INTEGRAL, _REAL, _PATH = (cast("Any", ImportedType(name)) for name in _TYPES)
# First match wins: enum members and bool before their base types.
_REDUCERS: tuple[tuple[type | tuple[type, ...], Callable[[Any, int], object]], ...] = (
    (Enum, lambda value, limit: _reduce(value.value, limit)),
    (str, lambda value, _: str.__str__(value)),
    ((bool, type(None)), lambda value, _: value),
    (int, lambda value, _: _reduce_int(value)),
    (float, lambda value, _: float.__float__(value)),
    (timedelta, lambda value, _: value.total_seconds()),
    ((date, time), lambda value, _: value.isoformat()),
    ((_DECIMAL, uuid.UUID, _PATH), lambda value, _: str(value)),
    ((bytes, bytearray, memoryview), _reduce_bytes),
    (_INTEGRAL, lambda value, _: _reduce_int(int(value))),
    (_REAL, lambda value, _: float(value)),
    (Mapping, _reduce_mapping),
    (AbstractSet, _reduce_set),
    (Sequence, lambda value, limit: _Array(islice(value, _max_items(value, limit)))),
)


def _size(value: AbstractSet[object]) -> str:
    try:
        return f"<{type_name(value)} of {len(value):d} items>"
    except BaseException as error:  # noqa: BLE001 - the length of a foreign set
        reraise_interrupt(error)
        return f"<{type_name(value)}>"


def _uniform(items: _Array, max_bytes: int) -> AttributeValue | None:
    """Return the items as a tuple if they have one simple type and are within the size limit."""
    found: list[Any] = []
    left = max_bytes
    for item in items:
        reduced = _reduce(item, max_bytes)
        if type(reduced) not in _SIMPLE or (found and type(reduced) is not type(found[0])):
            return None
        if isinstance(reduced, str):
            reduced = _text(reduced, max_bytes)
        left -= len(reduced.encode()) if isinstance(reduced, str) else _NUMBER_BYTES
        if left < 0:
            return None  # the rest is not read
        found.append(reduced)
    return tuple(sorted(found) if isinstance(items, _Unordered) else found)  # items of one simple type can be sorted


def _json(value: object, max_bytes: int) -> str:
    """Return compact JSON text up to the size limit."""
    writer = _JsonWriter(max_bytes)
    with contextlib.suppress(_BudgetExceeded):
        writer.write(value, ())
    return _text("".join(writer.parts), max_bytes)


class _JsonWriter:
    """Pieces of JSON text. Writing stops shortly after the size limit."""

    __slots__ = ("left", "max_bytes", "parts")

    def __init__(self, max_bytes: int, left: int | None = None) -> None:
        self.max_bytes = max_bytes
        self.left = max_bytes if left is None else left
        self.parts: list[str] = []

    def write(self, value: object, parents: tuple[object, ...]) -> None:
        """Append one value. ``parents`` are the containers around it."""
        reduced = _reduce(value, self.max_bytes)
        if not isinstance(reduced, _Array | _Object):
            self._put(_json_scalar(reduced, self.max_bytes))
        elif len(parents) == _MAX_DEPTH or any(value is parent for parent in parents):
            self._put(quote(_ELLIPSIS))
        elif isinstance(reduced, _Object):
            self._write_object(reduced, (*parents, value))
        elif isinstance(reduced, _Unordered):
            self._write_unordered(reduced, (*parents, value))
        else:
            self._write_array(reduced, (*parents, value))

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self.left -= len(text)
        if self.left < 0:
            raise _BudgetExceeded

    def _write_array(self, items: _Array, parents: tuple[object, ...]) -> None:
        self._put("[")
        for index, item in enumerate(items):
            self._put("," if index else "")
            self.write(item, parents)
        self._put("]")

    def _write_object(self, items: _Object, parents: tuple[object, ...]) -> None:
        self._put("{")
        for index, (name, item) in enumerate(items):
            self._put(("," if index else "") + quote(encode_tag(name, max_bytes=self.max_bytes)) + ":")
            self.write(item, parents)
        self._put("}")

    def _write_unordered(self, items: _Unordered, parents: tuple[object, ...]) -> None:
        """Append the items sorted by their text, or only the size of a set that exceeds the limit."""
        texts: list[str] = []
        left = self.left - 1  # two brackets, and one comma less than items
        try:
            for item in items:
                writer = _JsonWriter(self.max_bytes, left)
                writer.write(item, parents)
                texts.append("".join(writer.parts))
                left = writer.left - 1
        except _BudgetExceeded:
            if any(isinstance(parent, AbstractSet) for parent in parents[:-1]):
                raise
            self._put(quote(_size(cast("AbstractSet[object]", parents[-1]))))
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
