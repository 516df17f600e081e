"""Records of the spool: they are read as written, and damage costs the damaged ones alone."""

from __future__ import annotations

import json
import struct
import zlib

import pytest

from flext_observability.pipeline.spool.record import (
    MAGIC,
    SETTLED,
    STATE_OFFSET,
    STORED,
    SpoolRecord,
    pack,
    scan,
    unpack,
)

PLAIN = SpoolRecord("traces", "otlp_http", "127.0.0.1:4318", 3, 1_700_000_000_000_000_000, b"\x01\x02\x03")
REPETITIVE = SpoolRecord("logs", "otlp_grpc", "", 512, 1, b"abcdefgh" * 1000, "rejected: no")
EMPTY = SpoolRecord("metrics", "né\ud800", "", 0, 0, b"")


@pytest.mark.parametrize("record", [PLAIN, REPETITIVE, EMPTY], ids=["plain", "repetitive", "empty"])
def test_a_record_is_read_as_it_was_written(record: SpoolRecord) -> None:
    data = pack(record)
    (found,) = scan(data)
    assert (found.offset, found.size, found.state, found.record) == (0, len(data), STORED, record)


def test_repetitive_bodies_are_compressed() -> None:
    assert len(pack(REPETITIVE)) < len(REPETITIVE.body) / 10


def test_a_long_reason_is_shortened() -> None:
    found = unpack(pack(PLAIN._replace(reason="x" * 10_000)), 0)
    assert found is not None
    assert found.record is not None
    assert len(found.record.reason) == 500


def test_the_state_changes_in_place() -> None:
    data = bytearray(pack(PLAIN))
    data[STATE_OFFSET] = SETTLED
    (found,) = scan(bytes(data))
    assert (found.state, found.record) == (SETTLED, PLAIN)


def test_damage_at_any_byte_costs_its_record_alone() -> None:
    parts = [pack(PLAIN), pack(REPETITIVE._replace(body=b"y" * 40)), pack(PLAIN._replace(items=9))]
    data = b"".join(parts)
    for position in range(len(data)):
        if position in {STATE_OFFSET + sum(map(len, parts[:index])) for index in range(3)}:
            continue
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        found = list(scan(bytes(damaged)))
        assert sum(each.record is None for each in found) == 1, position
        assert sum(each.record is not None for each in found) == 2, position
        assert sum(each.size for each in found) == len(data)


def test_a_torn_end_costs_the_last_record_alone() -> None:
    first, second = pack(PLAIN), pack(REPETITIVE)
    for size in range(len(first) + 1, len(first) + len(second)):
        found = list(scan((first + second)[:size]))
        assert [each.record for each in found] == [PLAIN, None]


def test_magic_bytes_in_a_body_start_no_record() -> None:
    record = PLAIN._replace(body=MAGIC * 3)
    assert [each.record for each in scan(pack(record) * 2)] == [record, record]
    damaged = bytearray(pack(record) * 2)
    damaged[0] = 0
    assert [each.record for each in scan(bytes(damaged))] == [None, record]


@pytest.mark.parametrize(
    "change",
    [{"signal": "smoke"}, {"items": "3"}, {"created_ns": None}, {"exporter": ...}],
    ids=["signal", "items", "time", "missing"],
)
def test_a_header_of_another_form_is_damage(change: dict[str, object]) -> None:
    fields = {"signal": "traces", "exporter": "e", "endpoint": "", "items": 1, "created_ns": 1, "reason": "", **change}
    header = json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()
    total = zlib.crc32(header, zlib.crc32(b"\0"))
    data = struct.pack("<8sBBBIII", MAGIC, 1, STORED, 0, len(header), 0, total) + header
    assert [each.record for each in scan(data)] == [None]
