"""Body of an OTLP export request in protobuf → two bodies, each with the resources and scopes of its items.

The bytes of items and of unknown fields are copied, not parsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.values.named_tuple import NamedTuple
from flext_observability.wire.otlp.batch import shortened_name
from flext_observability.wire.otlp.encode import collector_message
from flext_observability.wire.otlp.protobuf import field, read_varint, varint

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal

_Path = Sequence[frozenset[int]]
"""Numbers of the fields from a request to its items."""
_GROUPS: Final[_Path] = (frozenset({1}), frozenset({2}), frozenset({2}))
_PATHS: Final[Mapping[Signal, _Path]] = {
    "traces": _GROUPS,
    "logs": _GROUPS,
    "metrics": (*_GROUPS, frozenset({5, 7, 9, 10, 11}), frozenset({1})),
}
_DELIMITED: Final = 2
_SIZES: Final = {1: 8, 5: 4}
"""Bytes of a fixed-size field, by wire type."""


def divide(signal: Signal, body: bytes, first: int) -> tuple[bytes, bytes]:
    """Return a request with the first items, and one with the others; empty without items.

    Args:
        signal: Signal of the request.
        body: The request.
        first: Number of items (metrics: data points) of the first part.

    Raises:
        ValueError: The body is not a request.
    """
    return _Selection(signal, 0, first).of(body), _Selection(signal, first, inf).of(body)


def count_request_items(signal: Signal, body: bytes) -> int:
    """Return the number of spans, log records or data points of a request.

    Raises:
        ValueError: The body is not a request.
    """
    selection = _Selection(signal, 0, 0)
    selection.of(body)
    return selection.seen


def describe_request(signal: Signal, body: bytes) -> str:
    """Return what the first item of a request is, for messages, such as ``span GET /orders``."""
    from google.protobuf.message import DecodeError

    request: Any = collector_message(signal, "Request")
    try:
        request.ParseFromString(body)
        if signal == "traces":
            return f"span {shortened_name(request.resource_spans[0].scope_spans[0].spans[0].name)}"
        if signal == "logs":
            record = request.resource_logs[0].scope_logs[0].log_records[0]
            return f"log record {shortened_name(record.body.string_value)}"
        return f"metric {shortened_name(request.resource_metrics[0].scope_metrics[0].metrics[0].name)}"
    except (DecodeError, IndexError):
        return f"unreadable {signal}"


class _Field(NamedTuple):
    number: int
    whole: bytes
    content: bytes
    is_delimited: bool


@final
class _Selection:
    """Copies the items at some positions."""

    __slots__ = ("_path", "_start", "_stop", "seen")

    def __init__(self, signal: Signal, start: int, stop: float) -> None:
        self._path = _PATHS[signal]
        self._start = start
        self._stop = stop
        self.seen = 0

    def of(self, body: bytes) -> bytes:
        """Return the request with its selected items; empty without any of them."""
        try:
            return self._copy(body, 0) or b""
        except IndexError as error:
            raise ValueError("the OTLP request is truncated") from error

    def _copy(self, message: bytes, level: int) -> bytes | None:
        """Return the message with its selected items; None without any of them."""
        parts: list[bytes] = []
        found = False
        for each in _fields(message):
            if each.number not in self._path[level]:
                parts.append(each.whole)
                continue
            copied = self._copy_part(each, level)
            if copied is not None:
                found = True
                parts.append(copied)
        return b"".join(parts) if found else None

    def _copy_part(self, part: _Field, level: int) -> bytes | None:
        if not part.is_delimited:
            raise ValueError("not an OTLP request")
        if level < len(self._path) - 1:
            inner = self._copy(part.content, level + 1)
            return None if inner is None else field(varint(part.number << 3 | _DELIMITED), inner)
        position, self.seen = self.seen, self.seen + 1
        return part.whole if self._start <= position < self._stop else None


def _fields(message: bytes) -> Iterator[_Field]:
    position, end = 0, len(message)
    while position < end:
        tag, start = read_varint(message, position)
        content, after = _bounds(message, tag & 7, start)
        if after > end:
            raise ValueError("the OTLP request is truncated")
        yield _Field(tag >> 3, message[position:after], message[content:after], tag & 7 == _DELIMITED)
        position = after


def _bounds(message: bytes, wire_type: int, start: int) -> tuple[int, int]:
    """Return the positions of the content of a field, and after it."""
    if wire_type == _DELIMITED:
        size, content = read_varint(message, start)
        return content, content + size
    if wire_type in _SIZES:
        return start, start + _SIZES[wire_type]
    if wire_type == 0:
        return start, read_varint(message, start)[1]
    raise ValueError("not an OTLP request")
