"""Responses of OTLP receivers."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped] # its package has no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # as above
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.wire.otlp.response import (
    PartialSuccess,
    encode_error,
    encode_success,
    parse_error,
    parse_success,
    retry_delay_seconds,
)

PROTOBUF = "application/x-protobuf"


def partial(signal: Signal) -> bytes:
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        traces.partial_success.rejected_spans = 2
        traces.partial_success.error_message = "too old"
        return traces.SerializeToString()
    if signal == "metrics":
        metrics = ExportMetricsServiceResponse()
        metrics.partial_success.rejected_data_points = 2
        metrics.partial_success.error_message = "too old"
        return metrics.SerializeToString()
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = 2
    logs.partial_success.error_message = "too old"
    return logs.SerializeToString()


@pytest.mark.parametrize("signal", SIGNALS)
def test_partial_success(signal: Signal) -> None:
    assert parse_success(signal, partial(signal), PROTOBUF) == PartialSuccess(2, "too old")


def test_full_success_is_an_empty_body() -> None:
    assert parse_success("traces", b" \n") == PartialSuccess()


def test_json_reply() -> None:
    body = b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "why"}, "unknown": 1}'
    assert parse_success("traces", body, "application/json") == PartialSuccess(3, "why")


def test_negative_count_is_zero() -> None:
    assert parse_success("traces", b'{"partialSuccess": {"rejectedSpans": "-3"}}', "application/json").rejected == 0


@pytest.mark.parametrize(
    ("body", "kind"), [(b"<html>", PROTOBUF), (b"<html>", "application/json"), (b"\xff", "application/json")]
)
def test_invalid_body(body: bytes, kind: str) -> None:
    with pytest.raises(ValueError, match="not an OTLP response"):
        parse_success("traces", body, kind)


def test_explanation_in_an_error_response() -> None:
    status = Status(message="no such tenant").SerializeToString()
    assert parse_error(status, PROTOBUF) == "no such tenant"
    assert parse_error(b'{"message": "no such tenant"}', "application/json; charset=utf-8") == "no such tenant"
    assert parse_error(b'{"error": "nope"}', "application/problem+json") == "nope"
    assert parse_error(b"404 page\nnot found\n", "text/plain; charset=utf-8") == "404 page not found"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", PROTOBUF),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"[1]", "application/json"),
        (b'{"message": 3}', "application/json"),
        (b"<html>", "text/html"),
        (b"", ""),
    ],
)
def test_error_response_without_explanation(body: bytes, kind: str) -> None:
    assert not parse_error(body, kind)


def status_with(*details: object) -> bytes:
    status = Status()
    for detail in details:
        packed = Any()
        packed.Pack(detail)  # type: ignore[arg-type] # untyped messages
        status.details.append(packed)
    return bytes(status.SerializeToString())


def test_retry_delay() -> None:
    info = RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000))
    assert retry_delay_seconds(status_with(Duration(seconds=9), info)) == 2.5
    assert retry_delay_seconds(status_with(RetryInfo(retry_delay=Duration(seconds=-2)))) == 0.0


def test_no_retry_delay() -> None:
    assert retry_delay_seconds(b"") is None
    assert retry_delay_seconds(status_with(Duration(seconds=9))) is None
    assert retry_delay_seconds(b"\xff\xff") is None


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("as_json", "kind"), [(True, "application/json"), (False, PROTOBUF)])
def test_an_encoded_reply_is_parsed_back(signal: Signal, kind: str, *, as_json: bool) -> None:
    body = encode_success(signal, 3, "too old", as_json=as_json)
    assert parse_success(signal, body, kind) == PartialSuccess(3, "too old")
    assert parse_success(signal, encode_success(signal, 0, "", as_json=as_json), kind) == PartialSuccess()
    assert parse_error(encode_error(3, "no such field", as_json=as_json), kind) == "no such field"
