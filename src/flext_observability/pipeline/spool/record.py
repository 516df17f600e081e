"""One request of the spool ↔ its bytes in a segment. Damaged bytes are skipped and counted.

A record is: magic, version, state, flags, sizes of header and body, CRC-32, header (JSON), body. The state is
outside of the sum, so that it can be changed in place.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC: Final = b"\x89FXSPOOL"
STATE_OFFSET: Final = len(MAGIC) + 1
STORED, SETTLED = 0, 1
_VERSION: Final = 1
_COMPRESSED: Final = 1
_PREFIX: Final = struct.Struct(f"<{len(MAGIC)}sBBBIII")
_MAX_HEADER: Final = 1 << 16
_LEVEL: Final = 1
_MAX_REASON: Final = 500


class SpoolRecord(NamedTuple):
    """A request that could not be sent.

    Attributes:
        signal: Signal of the items.
        exporter: Name of the exporter.
        endpoint: Address for people, without secrets.
        items: Number of items (metrics: data points).
        created_ns: When the record was made, nanoseconds since the Unix epoch.
        body: OTLP request, protobuf.
        reason: Why the back end refused the request for good; empty for one that is to be sent.
    """

    signal: Signal
    exporter: str
    endpoint: str
    items: int
    created_ns: int
    body: bytes
    reason: str = ""


class Found(NamedTuple):
    """A record in a segment, or a damaged part of it.

    Attributes:
        offset: Position of the record.
        size: Number of bytes.
        state: ``STORED`` or ``SETTLED``.
        record: The record, with its body; None for a damaged part.
    """

    offset: int
    size: int
    state: int
    record: SpoolRecord | None


def pack(record: SpoolRecord) -> bytes:
    """Return the bytes of a record."""
    body = zlib.compress(record.body, _LEVEL)
    flags, body = (_COMPRESSED, body) if len(body) < len(record.body) else (0, record.body)
    fields = record._replace(body=b"", reason=record.reason[:_MAX_REASON])._asdict()
    del fields["body"]
    header = json.dumps(fields, separators=(",", ":")).encode("ascii")
    total = _checksum(flags, header, body)
    return _PREFIX.pack(MAGIC, _VERSION, STORED, flags, len(header), len(body), total) + header + body


def scan(data: bytes) -> Iterator[Found]:
    """Yield the records of a segment, and each damaged part between them, in order."""
    position = 0
    while position < len(data):
        found = unpack(data, position)
        if found is None:
            end = data.find(MAGIC, position + 1)
            while end >= 0 and unpack(data, end) is None:
                end = data.find(MAGIC, end + 1)
            end = len(data) if end < 0 else end
            found = Found(position, end - position, SETTLED, None)
        yield found
        position += found.size


def unpack(data: bytes, offset: int) -> Found | None:
    """Return the record at a position; None if there is none, or its bytes are damaged."""
    if len(data) - offset < _PREFIX.size:
        return None
    magic, version, state, flags, header_size, body_size, total = _PREFIX.unpack_from(data, offset)
    begin = offset + _PREFIX.size
    end = begin + header_size + body_size
    if magic != MAGIC or version != _VERSION or header_size > _MAX_HEADER or end > len(data):
        return None
    header, body = data[begin : begin + header_size], data[begin + header_size : end]
    if _checksum(flags, header, body) != total:
        return None
    try:
        record = _record(json.loads(header), zlib.decompress(body) if flags & _COMPRESSED else body)
    except (ValueError, KeyError, TypeError, zlib.error):
        return None
    return Found(offset, end - offset, state, record)


def _checksum(flags: int, header: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(header, zlib.crc32(bytes([flags]))))


def _record(fields: Mapping[str, object], body: bytes) -> SpoolRecord:
    signal, items, created = fields["signal"], fields["items"], fields["created_ns"]
    if signal not in SIGNALS or not isinstance(items, int) or not isinstance(created, int):
        raise ValueError(signal)
    exporter, endpoint, reason = (str(fields[name]) for name in ("exporter", "endpoint", "reason"))
    return SpoolRecord(signal, exporter, endpoint, items, created, body, reason)
