"""Request bodies: valid, malformed, of unknown types, too large."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.wire.otlp.decode import OtlpDecodeError, decode, inflate
from flext_observability.wire.otlp.encode import request_message
from flext_observability.wire.otlp.json import to_otlp_json
from tests.backends.telemetry import make_logs, make_metrics, make_spans

PROTOBUF = "application/x-protobuf"
JSON = "application/json; charset=utf-8"
LIMIT = 1 << 20


def batch(signal: Signal) -> Sequence[object]:
    if signal == "traces":
        return make_spans(2)
    if signal == "logs":
        return make_logs(2)
    return [make_metrics(lambda meter: meter.create_counter("sold").add(1))]


def error_status(signal: Signal, body: bytes, kind: str = PROTOBUF, encoding: str = "", limit: int = LIMIT) -> int:
    with pytest.raises(OtlpDecodeError) as caught:
        decode(signal, body, kind, encoding, limit)
    assert caught.value.message
    return caught.value.status


@pytest.mark.parametrize("signal", SIGNALS)
def test_all_encodings_give_the_same_request(signal: Signal) -> None:
    sent = request_message(signal, batch(signal))
    binary, text = sent.SerializeToString(), to_otlp_json(sent).encode()
    assert decode(signal, binary, PROTOBUF, "", LIMIT) == sent
    assert decode(signal, gzip.compress(binary), PROTOBUF, "gzip", LIMIT) == sent
    assert decode(signal, text, JSON, "identity", LIMIT) == sent
    assert decode(signal, zlib.compress(text), JSON, "deflate", LIMIT) == sent


def test_empty_body_is_an_empty_request() -> None:
    assert not decode("traces", b"", PROTOBUF, "", LIMIT).resource_spans


def test_malformed_bodies() -> None:
    assert error_status("traces", b"\xff\xff garbage") == 400
    assert error_status("logs", b"{", JSON) == 400


def test_unknown_types_and_encodings() -> None:
    assert error_status("traces", b"", "text/html") == 415
    assert error_status("traces", b"", PROTOBUF, "br") == 415


def test_body_over_the_limit() -> None:
    assert error_status("traces", b"x" * 11, limit=10) == 413


def test_compression_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(bytes(1 << 24))
    assert error_status("traces", bomb, encoding="gzip", limit=1000) == 413


def test_compression_bomb_of_many_members_is_stopped_at_the_limit() -> None:
    assert error_status("traces", gzip.compress(bytes(900)) * 3, encoding="gzip", limit=1000) == 413


def test_members_of_gzip_are_joined() -> None:
    assert inflate(gzip.compress(b"one") + gzip.compress(b"two"), "GZIP", 6) == b"onetwo"


def test_broken_compression() -> None:
    assert error_status("traces", b"not gzip", encoding="gzip") == 400
    assert error_status("traces", gzip.compress(b"hello world")[:-9], encoding="gzip") == 400


@given(
    st.sampled_from(SIGNALS),
    st.binary(max_size=200),
    st.sampled_from([PROTOBUF, JSON, ""]),
    st.sampled_from(["", "gzip"]),
)
def test_any_bytes_are_decoded_or_rejected(signal: Signal, body: bytes, kind: str, encoding: str) -> None:
    with suppress(OtlpDecodeError):
        decode(signal, body, kind, encoding, 1000)
