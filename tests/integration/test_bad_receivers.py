"""Receivers that refuse, stay silent or send invalid data: nothing is raised, and the status names problem and fix."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from opentelemetry import trace

from tests.backends import raw
from tests.backends.certificates import make_certificates
from tests.backends.collector import Answer, collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.integration.bad_input import assert_degraded, record, start


@contextmanager
def refusing() -> Iterator[str]:
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def speaking(behaviour: Callable[[raw.RawServer, socket.socket], None]) -> Iterator[str]:
    with raw.raw_server(behaviour) as server:
        yield server.url


@contextmanager
def answering(status: int, scheme: str = "http") -> Iterator[str]:
    with collector() as received:
        received.standing = Answer(status)
        yield received.url.replace("http", scheme)


@contextmanager
def answering_page() -> Iterator[str]:
    with collector() as received:
        received.standing = Answer(200, {"content-type": "text/html"}, b"<html>hello</html>")
        yield received.url


@contextmanager
def grpc_answering() -> Iterator[str]:
    with grpc_collector() as received:
        yield received.url


@contextmanager
def named(address: str) -> Iterator[str]:
    yield address


HTTP, GRPC = "http/protobuf", "grpc"
ENDPOINT, HEADERS, CERTIFICATE = (f"OTEL_EXPORTER_OTLP_{name}" for name in ("ENDPOINT", "HEADERS", "CERTIFICATE"))
NO_END = raw.answers_without_end(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)
NO_END_OF_HEAD = raw.answers_without_end(b"HTTP/1.1 ", b"x" * 65536)
RECEIVERS: dict[str, tuple[str, Callable[[], AbstractContextManager[str]], str, str]] = {
    "refusing": (HTTP, refusing, "connection refused", ENDPOINT),
    "refusing grpc": (GRPC, refusing, "connection refused", ENDPOINT),
    "silent": (HTTP, lambda: speaking(raw.silent), "did not answer", ENDPOINT),
    "silent grpc": (GRPC, lambda: speaking(raw.silent), "did not answer", ENDPOINT),
    "closing": (HTTP, lambda: speaking(raw.reads_and_closes), "closed the connection", ENDPOINT),
    "unknown host": (HTTP, lambda: named("http://unknown.invalid:4318"), "'unknown.invalid'", ENDPOINT),
    "unknown host grpc": (GRPC, lambda: named("http://unknown.invalid:4317"), "'unknown.invalid'", ENDPOINT),
    "https without TLS": (HTTP, lambda: answering(200, "https"), "TLS", "use http://"),
    "http to grpc": (HTTP, grpc_answering, "HTTP/2 (gRPC)", "grpc"),
    "grpc to http": (GRPC, lambda: answering(200), "does not speak HTTP/2", "http/protobuf"),
    "401": (HTTP, lambda: answering(401), "answered 401", HEADERS),
    "403": (HTTP, lambda: answering(403), "answered 403", HEADERS),
    "404": (HTTP, lambda: answering(404), "answered 404", ENDPOINT),
    "413": (HTTP, lambda: answering(413), "answered 413", "lower"),
    "429": (HTTP, lambda: answering(429), "answered 429", "Send less"),
    "500": (HTTP, lambda: answering(500), "answered 500", "log"),
    "503": (HTTP, lambda: answering(503), "answered 503", "recovers"),
    "redirect": (HTTP, lambda: answering(302), "answered 302", ENDPOINT),
    "web page": (HTTP, answering_page, "not an OTLP response", ENDPOINT),
    "garbage": (HTTP, lambda: speaking(raw.answers(b"\x00\x01\x02 hello\r\n\r\n")), "reply that is not HTTP", ENDPOINT),
    "garbage grpc": (GRPC, lambda: speaking(raw.answers(b"\x00\x01 hello\r\n")), "does not speak HTTP/2", "http"),
    "endless": (HTTP, lambda: speaking(NO_END), "not an OTLP response", ENDPOINT),
    "endless head": (HTTP, lambda: speaking(NO_END_OF_HEAD), "reply that is not HTTP", ENDPOINT),
}


@pytest.mark.parametrize("case", RECEIVERS)
def test_the_status_names_the_problem_of_the_receiver_and_the_fix(case: str) -> None:
    protocol, open_receiver, words, fix = RECEIVERS[case]
    with open_receiver() as endpoint:
        if fix == "lower":  # what to lower differs by signal
            fix = ""
        assert_degraded(words, fix, otlp_endpoint=endpoint, otlp_protocol=protocol, otlp_timeout_seconds=0.3)


def test_an_untrusted_certificate_is_named_and_a_trusted_one_works(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with collector(context=certificates.server_context()) as received:
        assert_degraded("not trusted", CERTIFICATE, otlp_endpoint=received.url)
        assert received.requests == []
        handle = start(otlp_endpoint=received.url, otlp_certificate=str(certificates.authority))
        record()
        assert handle.flush(5).unwrap().complete
        assert {status.state for status in handle.status().values()} == {"active"}


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
@pytest.mark.parametrize("part", ["certificate", "client_certificate", "client_key"])
def test_a_missing_tls_file_is_named(protocol: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "missing.pem"
    assert_degraded(
        str(file),
        f"OTEL_EXPORTER_OTLP_{part.upper()}",
        **{"otlp_endpoint": "https://127.0.0.1:9", "otlp_protocol": protocol, f"otlp_{part}": str(file)},
    )


def test_an_endpoint_without_scheme_is_used_and_reported() -> None:
    with collector() as received:
        handle = start(otlp_endpoint=f"127.0.0.1:{received.port}")
        record()
        assert handle.flush(5).unwrap().complete
        assert len(received.spans()) == 1
        for status in handle.status().values():
            assert (status.state, "scheme" in status.reason) == ("degraded", True)
            assert f"http://127.0.0.1:{received.port}" in status.fix


@pytest.mark.parametrize(
    ("port", "exporter", "words", "fix"),
    [(4317, "otlp_http", "gRPC", "4318"), (4318, "otlp_grpc", "HTTP", "4317")],
)
def test_the_port_of_the_other_protocol_is_noticed_before_sending(
    port: int, exporter: str, words: str, fix: str
) -> None:
    handle = start(exporters=exporter, otlp_endpoint=f"http://192.0.2.1:{port}")
    for status in handle.status().values():
        assert status.state == "degraded"
        assert words in status.reason
        assert fix in status.fix


def test_a_retry_waits_as_long_as_the_receiver_requests() -> None:
    with collector() as received:
        received.answers.extend([Answer(429, {"retry-after": "1"})])
        start(exporters={"traces": "otlp"}, metrics_enabled=False, logs_enabled=False, otlp_endpoint=received.url)
        record()
        received.wait_for(lambda each: each.requests)
        refused = time.monotonic()
        received.wait_for(lambda each: each.spans())
        assert 0.9 <= time.monotonic() - refused <= 2
        assert len(received.requests) == 2


def test_an_item_over_the_size_limit_is_dropped_and_the_rest_arrives() -> None:
    with collector() as received:
        received.max_body_bytes = 3000
        handle = start(
            exporters={"traces": "otlp"}, metrics_enabled=False, logs_enabled=False, otlp_endpoint=received.url
        )
        for size in (10, 6000, 20):
            trace.get_tracer("t").start_span(f"of {size}", attributes={"text": "x" * size}).end()
        handle.flush(5)
        assert [span.name for span in received.spans()] == ["of 10", "of 20"]
        (row,) = handle.status()["traces"].deliveries
        assert (row.exported, row.dropped) == (2, {"too_large": 1})
