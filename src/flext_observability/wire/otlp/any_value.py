"""Value of any type → OTLP ``AnyValue``. Anything unusual raises: the stock encoder encodes the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any, Final

from flext_observability.wire.otlp.protobuf import field, int64, text_field

_MAX_DEPTH: Final = 16
_double: Final = Struct("<d").pack


class NotEncodableError(Exception):
    """Raised for a value that the stock encoders of different versions encode differently, or not at all."""


def any_value(value: object, depth: int = 0) -> bytes:
    """Return a value of any type as ``AnyValue``.

    Raises:
        NotEncodableError: The type is not supported, or the value is nested too deeply.
        OverflowError: A number has more than 64 bits.
        UnicodeEncodeError: A text has a lone surrogate.
    """
    encode = _BY_TYPE.get(type(value))
    if encode is not None:
        return encode(value, depth)
    for base, encode_base in _BY_BASE:  # the order of the stock encoder
        if isinstance(value, base):
            return encode_base(value, depth)
    raise NotEncodableError(type(value).__name__)


def _text(value: str, _depth: int) -> bytes:
    return field(b"\x0a", str.encode(value))


def _bool(value: object, _depth: int) -> bytes:
    return b"\x10\x01" if value else b"\x10\x00"


def _int(value: int, _depth: int) -> bytes:
    return b"\x18" + int64(int(value))


def _float(value: float, _depth: int) -> bytes:
    return b"\x21" + _double(value)


def _bytes(value: bytes, _depth: int) -> bytes:
    return field(b"\x3a", bytes(value))


def _array(values: Sequence[object], depth: int) -> bytes:
    if depth == _MAX_DEPTH:
        raise NotEncodableError("nested too deeply")
    return field(b"\x2a", b"".join([field(b"\x0a", any_value(value, depth + 1)) for value in values]))


def _map(values: Mapping[object, object], depth: int) -> bytes:
    if depth == _MAX_DEPTH:
        raise NotEncodableError("nested too deeply")
    pairs = [_key(str(key)) + field(b"\x12", any_value(value, depth + 1)) for key, value in values.items()]
    return field(b"\x32", b"".join([field(b"\x0a", pair) for pair in pairs]))


def _key(key: str) -> bytes:
    return text_field(b"\x0a", key)


_Encode = Callable[[Any, int], bytes]
_BY_TYPE: Final[Mapping[type, _Encode]] = {
    str: _text,
    bool: _bool,
    int: _int,
    float: _float,
    bytes: _bytes,
    tuple: _array,
    list: _array,
    dict: _map,
}
_BY_BASE: Final[Sequence[tuple[type, _Encode]]] = (
    (str, _text),
    (int, _int),
    (float, _float),
    (bytes, _bytes),
    (Sequence, _array),
    (Mapping, _map),
)
