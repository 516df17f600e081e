"""Numbers and bytes ↔ protobuf wire format: variable-length integers and length-delimited fields.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from struct import Struct

_fixed64 = Struct("<BQ").pack
_ONE_BYTE = tuple(bytes([number]) for number in range(128))
_UINT64 = (1 << 64) - 1
_MAX_KEPT_SIZE = 4096


def varint(number: int) -> bytes:
    """Return a number from 0 to 2**64 - 1 as a variable-length integer."""
    if number < 128:
        return _ONE_BYTE[number]
    if number < 16384:
        return bytes((number & 127 | 128, number >> 7))
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def int64(number: int) -> bytes:
    """Return a signed number as the variable-length integer of its two's complement.

    Raises:
        OverflowError: The number has more than 64 bits.
    """
    if not -1 << 63 <= number < 1 << 63:
        raise OverflowError("more than 64 bits")
    return varint(number & _UINT64)


def sint32(number: int) -> bytes:
    """Return a signed number in zigzag form."""
    return varint(number << 1 if number >= 0 else -(number << 1) - 1)


def field(tag: bytes, content: bytes) -> bytes:
    """Return a length-delimited field: text, bytes or a message.

    Args:
        tag: Number and type of the field.
        content: The encoded content.
    """
    size = len(content)
    return tag + (_ONE_BYTE[size] if size < 128 else varint(size)) + content


def text_field(tag: bytes, text: str | None) -> bytes:
    """Return a text field, nothing for an empty or missing text.

    Raises:
        UnicodeEncodeError: The text has a lone surrogate.
        TypeError: The value is not text.
    """
    return field(tag, str.encode(text)) if text else b""


def number_field(tag: bytes, number: int) -> bytes:
    """Return a variable-length integer field, nothing for 0."""
    return tag + varint(number) if number > 0 else b""


def fixed64_field(tag: int, number: int | None) -> bytes:
    """Return a field of eight bytes, nothing for 0 and None.

    Raises:
        struct.error: The number is not an integer from 0 to 2**64 - 1.
    """
    return _fixed64(tag, number) if number else b""


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a variable-length integer, and the position after it.

    Raises:
        IndexError: The data ends before it.
    """
    number = data[position]
    position += 1
    if number < 128:
        return number, position
    number &= 127
    shift = 7
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
        shift += 7


class LengthPrefixes(dict[int, bytes]):
    """Size of the content of a field → tag and length. Some thousand small sizes are kept.

    Args:
        tag: Number and type of the field.
    """

    def __init__(self, tag: bytes) -> None:
        self._tag = tag

    def __missing__(self, size: int) -> bytes:
        prefix = self._tag + varint(size)
        if size < _MAX_KEPT_SIZE:
            self[size] = prefix
        return prefix
