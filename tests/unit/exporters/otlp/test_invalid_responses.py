"""Hosts that answer, but not with a reply of a receiver: they are reached, and nothing counts as accepted."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from types import ModuleType

import pytest

from flext_observability.exporters.otlp import grpc, http
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.settings.resolve import resolve
from tests.backends.collector import collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.raw import RawServer, answers, raw_server, reads_and_closes, resets
from tests.backends.telemetry import make_spans

SETTINGS_FRAME = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
Behaviour = Callable[[RawServer, socket.socket], None]


def sends(content: bytes) -> Behaviour:
    """Return a behaviour that reads once, sends these bytes, and waits for the end of the client."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    return behave


def resets_after_the_request(server: RawServer, connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def resets_an_http2_call(server: RawServer, connection: socket.socket) -> None:
    connection.sendall(SETTINGS_FRAME)
    received = b""
    while b"\x01\x04\x00\x00\x00\x01" not in received and (part := connection.recv(1 << 16)):
        received += part  # until the headers of the first stream
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


BEHAVIOURS: dict[str, Behaviour] = {
    "garbage": sends(b"\x00\xff garbage \r\n\r\n" * 10),
    "ssh": sends(b"SSH-2.0-OpenSSH_9\r\n"),
    "half a status line": sends(b"HTTP/1.1 2"),
    "half a header": sends(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "headers without an end": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
    "TLS alert": sends(b"\x15\x03\x01\x00\x02\x02\x46"),
    "HTTP/2 and garbage": sends(SETTINGS_FRAME + b"\xff" * 100),
    "closed": reads_and_closes,
    "reset": resets,
    "reset after the request": resets_after_the_request,
}


def export(module: ModuleType, url: str) -> ExportOutcome:
    exporter = module.factory.create("traces", resolve(None, {"otlp_endpoint": url}, {}).unwrap().config)
    try:
        outcome = exporter.export(make_spans(1), 5)
        assert isinstance(outcome, ExportOutcome)
        return outcome
    finally:
        exporter.close()


def summary(outcome: ExportOutcome) -> tuple[int, bool, bool, str]:
    return outcome.accepted, outcome.retry, outcome.reached, outcome.reason


@pytest.mark.parametrize("module", [http, grpc], ids=["http", "grpc"])
@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_a_host_that_is_no_receiver(module: ModuleType, behaviour: Behaviour) -> None:
    with raw_server(behaviour) as server:
        found = export(module, server.url)
    assert summary(found) == (0, True, True, "invalid_response")
    assert found.message
    assert found.fix


@pytest.mark.parametrize("module", [http, grpc], ids=["http", "grpc"])
def test_a_port_without_tls(module: ModuleType) -> None:
    with raw_server(sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        found = export(module, server.url.replace("http:", "https:"))
    assert summary(found) == (0, True, True, "tls")


def test_the_other_protocol() -> None:
    with collector() as receiver:
        assert summary(export(grpc, receiver.url)) == (0, True, True, "invalid_response")
    with grpc_collector() as other:
        assert summary(export(http, other.url)) == (0, True, True, "invalid_response")


def test_a_call_that_is_reset() -> None:
    with raw_server(resets_an_http2_call) as server:
        found = export(grpc, server.url)
    assert summary(found) == (0, True, True, "invalid_response")
    assert "closed the connection without a reply" in found.message


def test_an_accepted_request_stays_accepted_when_the_body_of_the_reply_is_cut_off() -> None:
    with raw_server(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")) as server:
        assert summary(export(http, server.url)) == (1, False, True, "")


def test_a_server_that_ended_is_not_reached() -> None:
    with grpc_collector() as server:
        config = resolve(None, {"otlp_endpoint": server.url}, {}).unwrap().config
        exporter = grpc.factory.create("traces", config)
        assert exporter.export(make_spans(1), 5).accepted == 1
    for _ in range(2):
        assert summary(exporter.export(make_spans(1), 5)) == (0, True, False, "unreachable")
    exporter.close()
