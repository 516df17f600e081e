from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from flext_observability.domain.result import FlextResult
from flext_observability.ops_server import channel
from flext_observability.ops_server.app import wsgi_app
from flext_observability.ops_server.server import OpsServer, start_server
from tests.unit.ops_server.asking import pages
from tests.waiting import eventually

HUGE = b"x" * 30_000_000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsServer]:
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(channel, "REPLY_SECONDS", 0.3)
    monkeypatch.setattr(channel, "CROWDED_SECONDS", 0.1)
    app = wsgi_app(pages(metrics=lambda _: FlextResult.ok((HUGE, "text/plain"))))
    with start_server(app, "127.0.0.1", 0).unwrap() as running:
        yield running


def connect(server: OpsServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def closes(client: socket.socket, meanwhile: Callable[[], object] = lambda: None, seconds: float = 8) -> bool:
    """Whether the server closes the connection, while the client goes on doing something."""
    client.settimeout(0.05)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            meanwhile()
            if client.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    "start", [b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"POST /health HTTP/1.1\r\nContent-Length: 4000\r\n\r\n"]
)
def test_a_request_that_comes_byte_by_byte_is_given_up(server: OpsServer, start: bytes) -> None:
    with connect(server) as client:
        client.sendall(start)
        assert closes(client, lambda: client.sendall(b"a"))
    assert answers(server)


def test_a_client_that_does_not_take_its_reply_is_given_up(server: OpsServer) -> None:
    with connect(server) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert eventually(lambda: server._channels != {})
        assert eventually(lambda: server._channels == {})
    assert answers(server)


def test_idle_connections_make_room_for_others(server: OpsServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    clients = [connect(server) for _ in range(110)]
    assert answers(server)
    for client in clients:
        client.close()


def answers(server: OpsServer) -> bool:
    with connect(server) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return client.recv(15) == b"HTTP/1.1 200 OK"
