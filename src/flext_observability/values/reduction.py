"""Python value → text, bool, int, float, None, ``Items`` or ``Pairs``, one level deep, within a budget of reading.

Foreign code (methods, iterators, properties) may raise, lie, or never end. What it returns is read item by item, up to
the limits of ``Reading``. Only a single call that does not return cannot be stopped.
"""

from __future__ import annotations

import base64
import dataclasses
import reprlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet, ValuesView
from datetime import date, time, timedelta
from enum import Enum
from itertools import islice
from time import monotonic
from typing import Any, Final, cast, final

from flext_observability.values.foreign import (
    MAX_ITEMS,
    ImportedType,
    plain_text,
    qualified_type_name,
    type_name,
)
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.lazy_pattern import lazy_pattern

INT64: Final = 1 << 63
# Longer ints are written in hexadecimal: decimal digits need quadratic time, and Python allows at most 4300 of them.
_MAX_DECIMAL_BITS: Final = 4096
_MAX_FOREIGN_ITEMS: Final = 4 * MAX_ITEMS
_MAX_SECONDS: Final = 1.0
_MAX_ARGUMENT: Final = 200
_ADDRESS_CHARACTERS: Final = 100  # more than those of a type's name and an address
_HEX_BITS: Final = 4
_TYPES: Final = "decimal.Decimal", "numbers.Integral", "numbers.Real", "pathlib.PurePath"
_ADDRESS = lazy_pattern(r" at 0x[0-9a-fA-F]+")


class Items(list[object]):
    """Items of a reduced sequence."""


class Unordered(Items):
    """Items of a reduced set, in no defined order."""


class Pairs(list[tuple[object, object]]):
    """Pairs of a reduced mapping, dataclass or model, in their order."""


PLAIN: Final[frozenset[object]] = frozenset((str, bool, int, float))
_BUILT_IN: Final[frozenset[object]] = frozenset((list, tuple, dict, set, frozenset))
_REDUCED: Final[frozenset[object]] = PLAIN | {type(None), Items, Unordered, Pairs}


class _TooLong(Exception):
    """The budget of reading is spent."""


@final
class Reading:
    """Budget for reading the values of one call: bytes of a value, foreign items, and time.

    Args:
        max_bytes: Size limit of one encoded value. It is the maximum number of items of a container, too: an item
            takes at least one byte.
    """

    __slots__ = ("_left", "_until", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._left = _MAX_FOREIGN_ITEMS
        self._until = 0.0

    def begin(self) -> None:
        """Raise ``_TooLong`` if nothing may be read any more; called before foreign code."""
        if not self._until:
            self._until = monotonic() + _MAX_SECONDS
        elif self._left <= 0 or monotonic() > self._until:
            raise _TooLong

    def read(self, items: Iterable[object]) -> list[object]:
        """Return the first items of a foreign iterable."""
        found: list[object] = []
        for item in islice(items, min(self.max_bytes, MAX_ITEMS) + 1):
            found.append(item)
            self._left -= 1
            if self._left <= 0 or monotonic() > self._until:
                break
        return found


def reduce_value(value: object, reading: Reading) -> object:
    """Reduce a value. One whose code raises becomes ``<unprintable type>``."""
    try:
        kind = type(value)
        if kind not in _BUILT_IN:
            reading.begin()
        for types, reduce in _REDUCERS:
            if isinstance(value, types):
                return _exact(reduce(value, reading))
        return _exact(_reduce_other(value, reading))
    except BaseException as error:  # noqa: BLE001 - the code of the value raised
        reraise_interrupt(error)
        return f"<unprintable {qualified_type_name(value)}>"


def size_of(value: object) -> str:
    """Return the text for a set that is too large: its number of items."""
    try:
        return f"<{type_name(value)} of {len(cast('AbstractSet[object]', value)):d} items>"
    except BaseException as error:  # noqa: BLE001 - the length of a foreign set
        reraise_interrupt(error)
        return f"<{type_name(value)}>"


def _exact(reduced: object) -> object:
    """Return a reduced value of an exact type: a method of foreign code may return anything."""
    if type(reduced) in _REDUCED:
        return reduced
    text = plain_text(reduced)
    if text is None:
        raise TypeError(f"the method returned {type_name(reduced)}")
    return text


def _reduce_text(value: str, reading: Reading) -> str:
    """Return the first characters: more than the limit, so that the text is cut with an ellipsis."""
    return str.__getitem__(value, slice(reading.max_bytes + 1)) if type(value) is not str else value


def _reduce_int(value: int, reading: Reading) -> int | str:
    number = int.__int__(value)
    if -INT64 <= number < INT64:
        return number
    bits = number.bit_length()
    if bits <= _MAX_DECIMAL_BITS:
        return str(number)
    # The digits beyond the limit are not computed.
    unread = max(bits // _HEX_BITS - reading.max_bytes - 1, 0) * _HEX_BITS
    return ("-" if number < 0 else "") + hex(abs(number) >> unread)


def _reduce_bytes(value: bytes | bytearray | memoryview, reading: Reading) -> str:
    # Four bytes over the limit: the text gets its ellipsis, and no character within the limit is cut.
    max_bytes = reading.max_bytes
    raw = bytes(memoryview(value).cast("B")[: max_bytes + 4])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        return raw[: error.start].decode() if error.start > max_bytes else base64.b64encode(raw).decode()


def _reduce_other(value: object, reading: Reading) -> object:
    models = getattr(type(value), "model_fields", None)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value, ((field.name, field) for field in dataclasses.fields(value)), reading)
    if isinstance(models, dict):
        return _fields(value, cast("dict[str, Any]", models).items(), reading)
    if isinstance(value, BaseException):
        return _without_address(_error_text(value, reading), reading)
    return _without_address(str(value), reading)


def _fields(value: object, fields: Iterable[tuple[str, Any]], reading: Reading) -> Pairs:
    pairs = ((name, getattr(value, name)) for name, field in islice(fields, reading.max_bytes) if field.repr)
    return Pairs(cast("list[tuple[object, object]]", reading.read(pairs)))


def _error_text(error: BaseException, reading: Reading) -> str:
    """Return the ``repr`` of an exception. Long arguments are cut before: it would copy them."""
    arguments = cast("tuple[object, ...]", BaseException.args.__get__(error))  # type: ignore[attr-defined]  # C code
    is_own = type(error).__repr__ is not BaseException.__repr__
    if is_own or all(type(each) in PLAIN and not _is_long(each, reading) for each in arguments):
        return repr(error)
    shown = reprlib.Repr()
    shown.maxlevel, shown.maxstring, shown.maxother = 3, _MAX_ARGUMENT, _MAX_ARGUMENT
    shown.maxtuple = shown.maxlist = shown.maxdict = shown.maxset = shown.maxfrozenset = shown.maxdeque = 30
    return f"{type_name(error)}({', '.join(map(shown.repr, islice(arguments, _MAX_ARGUMENT)))})"


def _is_long(value: object, reading: Reading) -> bool:
    return type(value) is str and len(value) > reading.max_bytes


def _without_address(text: object, reading: Reading) -> str:
    plain = plain_text(text) or ""
    return _ADDRESS.sub("", plain[: 2 * (reading.max_bytes + _ADDRESS_CHARACTERS)])


def _reduce_mapping(value: Mapping[object, object], reading: Reading) -> Pairs:
    kind: object = type(value)
    if kind is dict:
        return Pairs(islice(value.items(), reading.max_bytes))
    pairs = reading.read((name, item) for name, item in value.items())
    return Pairs(cast("list[tuple[object, object]]", pairs[:MAX_ITEMS]))


def _reduce_set(value: AbstractSet[object], reading: Reading) -> object:
    kind: object = type(value)
    if kind in _BUILT_IN:
        return Unordered(value) if len(value) <= reading.max_bytes else size_of(value)
    items = Unordered(reading.read(value))
    return items if len(items) <= min(reading.max_bytes, MAX_ITEMS) else size_of(value)


def _reduce_sequence(value: Iterable[object], reading: Reading) -> Items:
    kind: object = type(value)
    if kind in _BUILT_IN:
        return Items(islice(value, reading.max_bytes))
    return Items(reading.read(value)[: min(reading.max_bytes, MAX_ITEMS)])


_DECIMAL, _INTEGRAL, _REAL, _PATH = (cast("Any", ImportedType(name)) for name in _TYPES)
# First match wins: enum members and bool before their base types.
_REDUCERS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any, Reading], object]], ...]] = (
    (Enum, lambda value, reading: reduce_value(value.value, reading)),
    (str, _reduce_text),
    ((bool, type(None)), lambda value, _: value),
    (int, _reduce_int),
    (float, lambda value, _: float.__float__(value)),
    (timedelta, lambda value, _: value.total_seconds()),
    ((date, time), lambda value, _: value.isoformat()),
    ((_DECIMAL, uuid.UUID, _PATH), lambda value, _: str(value)),
    ((bytes, bytearray, memoryview), _reduce_bytes),
    (_INTEGRAL, lambda value, reading: _reduce_int(int(value), reading)),
    (_REAL, lambda value, _: float(value)),
    (Mapping, _reduce_mapping),
    (AbstractSet, _reduce_set),
    ((Sequence, ValuesView), _reduce_sequence),
)
