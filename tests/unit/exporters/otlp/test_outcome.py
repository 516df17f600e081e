"""Replies and transport errors → outcomes with a reason and a next action."""

from __future__ import annotations

from http.client import HTTPMessage

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from flext_observability.exporters.otlp.outcome import (
    RECEIVERS,
    from_file_error,
    from_reply,
    from_transport_error,
    partial_success,
)
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.wire.http.client import HttpReply
from flext_observability.wire.http.errors import ErrorKind, TransportError
from flext_observability.wire.http.tls import TlsFileError
from flext_observability.wire.otlp.response import PartialSuccess

URL = "http://collector:4318/v1/traces"


def outcome(
    status: int, body: bytes = b"", kind: str = "application/x-protobuf", *, complete: bool = True, **headers: str
) -> ExportOutcome:
    message = HTTPMessage()
    for name, value in {"content-type": kind, **headers}.items():
        message[name.replace("_", "-")] = value
    return from_reply("traces", HttpReply(status, message, body, complete), items=5, display_url=URL)


def test_success() -> None:
    assert outcome(200) == ExportOutcome(accepted=5)
    assert outcome(202) == ExportOutcome(accepted=5)


def partial(rejected: int, message: str) -> bytes:
    reply = ExportTraceServiceResponse()
    reply.partial_success.rejected_spans = rejected
    reply.partial_success.error_message = message
    return reply.SerializeToString()


def test_partial_success_is_counted() -> None:
    found = outcome(200, partial(2, "too old"))
    assert (found.accepted, found.rejected, found.retry, found.reason) == (3, 2, False, "rejected")
    assert found.message == f"{URL} rejected 2 of 5 items: too old"


def test_receiver_that_rejects_more_than_it_got() -> None:
    found = partial_success(PartialSuccess(9), items=5, display_url=URL)
    assert (found.accepted, found.rejected) == (0, 5)
    assert found.message.endswith("rejected 5 of 5 items")


def test_warning_of_a_receiver_that_accepted_everything() -> None:
    found = outcome(200, partial(0, "slow down"))
    assert (found.accepted, found.reason) == (5, "")
    assert "sent a warning: slow down" in found.message


@pytest.mark.parametrize(("body", "complete"), [(b"<html>", True), (b"", False)])
def test_success_with_garbage_counts_and_is_reported(body: bytes, *, complete: bool) -> None:
    found = outcome(200, body, complete=complete)
    assert (found.accepted, found.retry) == (5, False)
    assert "not an OTLP response" in found.message
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in found.fix


@pytest.mark.parametrize(
    ("status", "reason", "named"),
    [
        (301, "not_found", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (400, "rejected", "protobuf bodies"),
        (401, "unauthorized", "OTEL_EXPORTER_OTLP_HEADERS"),
        (403, "unauthorized", "OTEL_EXPORTER_OTLP_HEADERS"),
        (404, "not_found", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (405, "not_found", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (408, "error", "log"),
        (413, "too_large", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        (415, "rejected", "OTEL_EXPORTER_OTLP_COMPRESSION"),
        (418, "error", "log"),
        (500, "error", "log"),
    ],
)
def test_permanent_error(status: int, reason: str, named: str) -> None:
    found = outcome(status, b"because", "text/plain")
    assert (found.accepted, found.rejected, found.retry, found.reason) == (0, 0, False, reason)
    assert found.message == f"{URL} answered {status}: because"
    assert named in found.fix
    assert found.reached


@pytest.mark.parametrize("text", [b"http: request body too large", b"the body exceeds 64 KiB", b"cannot read: too big"])
def test_a_bad_request_may_be_too_large(text: bytes) -> None:
    found = outcome(400, text, "text/plain")
    assert (found.retry, found.reason) == (False, "too_large")
    assert found.message == f"{URL} answered 400: {text.decode()}"
    assert "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in found.fix


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retryable_error(status: int) -> None:
    found = outcome(status, retry_after="7")
    assert (found.retry, found.retry_after_seconds, found.reason) == (True, 7.0, "unavailable")
    assert found.fix


def test_retry_after_of_a_permanent_error_is_ignored() -> None:
    assert outcome(500, retry_after="7").retry_after_seconds is None


def test_address_of_a_redirect_is_in_the_message() -> None:
    assert "https://elsewhere/" in outcome(308, location="https://elsewhere/").message


@pytest.mark.parametrize(
    ("kind", "reason", "reached", "named"),
    [
        ("refused", "unreachable", False, "Start the collector"),
        ("unreachable", "unreachable", False, "Start the collector"),
        ("timeout", "timeout", False, "Start the collector"),
        ("unknown_host", "unreachable", False, "host name"),
        ("tls", "tls", True, "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ("tls_expected", "invalid_response", True, "https://"),
        ("broken", "invalid_response", True, "scheme and the port"),
        ("not_http", "invalid_response", True, "OTLP/HTTP receiver"),
        ("http1", "invalid_response", True, "port 4317"),
        ("http2", "invalid_response", True, "port 4318"),
        ("proxy", "unreachable", True, "NO_PROXY"),
    ],
)
def test_transport_error(kind: ErrorKind, reason: str, named: str, *, reached: bool) -> None:
    found = from_transport_error("traces", TransportError(kind, "what happened"), port=4318)
    assert (found.retry, found.reason, found.reached, found.message) == (True, reason, reached, "what happened")
    assert named in found.fix


@pytest.mark.parametrize("kind", ["broken", "not_http"])
def test_unexpected_reply_on_the_port_of_grpc(kind: ErrorKind) -> None:
    assert "otlp_grpc" in from_transport_error("traces", TransportError(kind, "x"), port=4317).fix


def test_unusable_certificate_file() -> None:
    found = from_file_error(TlsFileError("client_key", "gone"))
    assert (found.retry, found.reached, found.message) == (True, False, "TLS cannot be used: gone")
    assert found.fix == "Correct otlp_client_key (OTEL_EXPORTER_OTLP_CLIENT_KEY)"


def test_limit_on_size_names_the_setting_of_the_signal() -> None:
    assert "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE" in RECEIVERS["logs"].fix("too_large")
