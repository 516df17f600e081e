from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from flext_observability.domain.result import FlextResult
from flext_observability.ops_server import bounded_server
from flext_observability.ops_server.apps import wsgi_app
from flext_observability.ops_server.bounded_server import TimeoutChannel
from flext_observability.ops_server.server import OpsServer, start_server
from tests.unit.ops_server.samples import pages
from tests.waiting import eventually

HUGE = b"x" * 30_000_000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsServer]:
    monkeypatch.setattr(bounded_server, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(bounded_server, "REPLY_SECONDS", 0.3)
    monkeypatch.setattr(bounded_server, "CONNECTIONS", 20)
    app = wsgi_app(pages(metrics=lambda _: FlextResult.ok((HUGE, "text/plain"))))
    with start_server(app, "127.0.0.1", 0).unwrap() as running:
        yield running


def connect(server: OpsServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def channels(server: OpsServer) -> list[TimeoutChannel]:
    return list(cast("dict[int, TimeoutChannel]", server._server.active_channels).values())  # the stubs are wrong


def closes(client: socket.socket, action: Callable[[], object] = lambda: None, seconds: float = 8) -> bool:
    """Return whether the server closes the connection while the client repeats an action."""
    client.settimeout(0.05)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            action()
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
def test_slow_request_is_closed(server: OpsServer, start: bytes) -> None:
    with connect(server) as client:
        client.sendall(start)
        assert closes(client, lambda: client.sendall(b"a"))
    assert answers(server)


def test_reply_that_is_not_received_is_closed(server: OpsServer) -> None:
    with connect(server) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert eventually(lambda: channels(server))
        assert eventually(lambda: not channels(server))
    assert answers(server)


def test_idle_connections_are_closed_at_capacity(server: OpsServer, caplog: pytest.LogCaptureFixture) -> None:
    clients = [connect(server) for _ in range(30)]
    assert answers(server)
    assert closes(clients[0])
    assert len(channels(server)) <= 20
    assert caplog.messages == ["The limit of 20 connections is reached: the longest idle one is closed"]
    for client in clients:
        client.close()


def test_connection_is_closed_when_no_file_descriptor_is_left(server: OpsServer) -> None:
    idle = connect(server)
    assert eventually(lambda: channels(server))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with connect_later() as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_next_descriptor(), before[1]))
        try:
            client.connect(("127.0.0.1", server.port))
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(15) == b"HTTP/1.1 200 OK"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert closes(idle)
    idle.close()


def connect_later() -> socket.socket:
    client = socket.socket()
    client.settimeout(10)
    return client


def _next_descriptor() -> int:
    with Path(os.devnull).open() as file:
        return file.fileno()


@pytest.mark.parametrize("target", ["http://evil.example/metrics", "http://evil.example:80/metrics"])
def test_host_of_an_absolute_target_replaces_the_header(target: str) -> None:
    hosts: list[str] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        hosts.append(environ["HTTP_HOST"])
        start_response("204 No Content", [])
        return ()

    with start_server(app, "127.0.0.1", 0).unwrap() as running, connect(running) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 204"
    assert hosts == [target.split("/")[2]]


def answers(server: OpsServer) -> bool:
    with connect(server) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return client.recv(15) == b"HTTP/1.1 200 OK"


def test_equal_warnings_are_logged_once(server: OpsServer, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        server._server.logger.warning("limit reached")
    assert caplog.messages == ["limit reached"]


def test_stop_ends_a_page_that_waits_for_a_slow_client(server: OpsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_server, "REPLY_SECONDS", 30.0)
    with connect(server) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert eventually(lambda: any(channel.total_outbufs_len for channel in channels(server)))
        server.stop()
        assert eventually(lambda: not server._server._dispatcher.threads)


def test_page_that_ends_after_stop_does_not_wake_the_loop(server: OpsServer) -> None:
    server.stop()
    server._server.pull_trigger()  # its pipe is closed: writing would raise, or reach another file
