"""Export request in protobuf → the same request in OTLP/JSON. Ids are hexadecimal, 64-bit numbers are texts.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring as quote
from math import isfinite, isnan
from struct import Struct, iter_unpack
from typing import Final, final

from flext_observability.wire.otlp.json_schema import MESSAGES
from flext_observability.wire.otlp.protobuf import read_varint

_MAX_ATTRIBUTES: Final = 4096
_MAX_ATTRIBUTE_BYTES: Final = 256
_fixed32: Final = Struct("<I").unpack_from
_FIXED64: Final[Mapping[str, Callable[[bytes, int], tuple[int]]]] = {
    "fixed64": Struct("<Q").unpack_from,
    "sfixed64": Struct("<q").unpack_from,
}
_double: Final = Struct("<d").unpack_from


@final
class JsonTranscoder:
    """Transcodes requests, with a bounded cache of short attributes. Not thread-safe: one for each exporter."""

    __slots__ = ("_attributes",)

    def __init__(self) -> None:
        self._attributes: dict[bytes, str] = {}

    def transcode(self, message: str, data: bytes) -> str:
        """Return a message as JSON text.

        Args:
            message: Name of the message in ``json_schema``.
            data: The message in protobuf, with its fields in order.

        Raises:
            Exception: The message is not valid, or has an unknown field.
        """
        if message == "KeyValue":
            return self._attribute(data)
        fields = MESSAGES[message]
        single: list[str] = []
        lists: dict[str, list[str]] = {}
        position, end = 0, len(data)
        while position < end:
            tag, position = read_varint(data, position)
            name, kind, repeated = fields[tag]
            text, position = self._value(kind, tag & 7, data, position)
            if not repeated:
                single.append(f'"{name}":{text}')
            elif (known := lists.get(name)) is None:
                lists[name] = [text]
                single.append(name)  # replaced by the list below
            else:
                known.append(text)
        if lists:
            single = [f'"{each}":[{",".join(lists[each])}]' if each in lists else each for each in single]
        return "{" + ",".join(single) + "}"

    def _attribute(self, data: bytes) -> str:
        known = self._attributes.get(data)
        if known is None:
            known = self._pair(data)
            if len(data) <= _MAX_ATTRIBUTE_BYTES:
                if len(self._attributes) >= _MAX_ATTRIBUTES:
                    self._attributes.clear()
                self._attributes[data] = known
        return known

    def _pair(self, data: bytes) -> str:
        parts: list[str] = []
        position = 0
        while position < len(data):
            tag, position = read_varint(data, position)
            name, kind, _ = MESSAGES["KeyValue"][tag]
            text, position = self._value(kind, tag & 7, data, position)
            parts.append(f'"{name}":{text}')
        return "{" + ",".join(parts) + "}"

    def _value(self, kind: str, wire_type: int, data: bytes, position: int) -> tuple[str, int]:
        """Return a value as JSON, and the position after it."""
        if wire_type == _DELIMITED:
            size, position = read_varint(data, position)
            content = data[position : position + size]
            read = _DELIMITED_KINDS.get(kind)
            return (self.transcode(kind, content) if read is None else read(content)), position + size
        if wire_type == _VARINT:
            number, position = read_varint(data, position)
            return _VARINT_KINDS[kind](number), position
        if kind == "fixed32":
            return str(_fixed32(data, position)[0]), position + 4
        if kind == "double":
            return _float(_double(data, position)[0]), position + 8
        return f'"{_FIXED64[kind](data, position)[0]}"', position + 8


def _float(number: float) -> str:
    if isfinite(number):
        return repr(number)
    return '"NaN"' if isnan(number) else ('"Infinity"' if number > 0 else '"-Infinity"')


def _uints(data: bytes) -> str:
    numbers: list[str] = []
    position = 0
    while position < len(data):
        number, position = read_varint(data, position)
        numbers.append(f'"{number}"')
    return f"[{','.join(numbers)}]"


_VARINT, _DELIMITED = 0, 2
_VARINT_KINDS: Final[Mapping[str, Callable[[int], str]]] = {
    "uint": str,
    "bool": lambda number: "true" if number else "false",
    "int64": lambda number: f'"{number - (1 << 64) if number >> 63 else number}"',
    "sint": lambda number: str(number >> 1 ^ -(number & 1)),
}
_DELIMITED_KINDS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "text": lambda data: quote(data.decode()),
    "id": lambda data: f'"{data.hex()}"',
    "bytes": lambda data: f'"{b64encode(data).decode()}"',
    "doubles": lambda data: f"[{','.join([_float(number) for (number,) in iter_unpack('<d', data)])}]",
    "fixed64s": lambda data: "[" + ",".join([f'"{number}"' for (number,) in iter_unpack("<Q", data)]) + "]",
    "uints": _uints,
}
