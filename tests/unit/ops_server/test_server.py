from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from flext_observability.domain.result import FlextResult
from flext_observability.ops_server.apps import wsgi_app
from flext_observability.ops_server.auth import Credentials
from flext_observability.ops_server.server import OpsServer, start_server
from tests.unit.ops_server.samples import pages, status
from tests.waiting import eventually

Serve = Callable[[WSGIApplication], OpsServer]
APP = wsgi_app(pages())

FORKING = """
import http.client, os, socket
from flext_observability.ops_server.apps import wsgi_app
from flext_observability.ops_server.server import start_server
from tests.unit.ops_server.samples import pages

server = start_server(wsgi_app(pages()), "127.0.0.1", 0).unwrap()
client = http.client.HTTPConnection("127.0.0.1", server.port)
client.request("GET", "/health")
client.getresponse().read()
connection = client.sock
(go_read, go_write), (done_read, done_write) = os.pipe(), os.pipe()
if os.fork() == 0:
    server.stop()
    os.write(done_write, b"x")
    os.read(go_read, 1)
    os._exit(0)
os.read(done_read, 1)
client.request("GET", "/health")
answer = client.getresponse()
print("parent", answer.status, len(answer.read()) > 0)
server.stop()
print("closed", connection.recv(1) == b"")
try:
    socket.create_connection(("127.0.0.1", server.port))
    print("child serves")
except ConnectionRefusedError:
    print("child refuses")
os.write(go_write, b"x")
os.wait()
"""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as running:

        def start(app: WSGIApplication) -> OpsServer:
            server = start_server(app, "127.0.0.1", 0).unwrap()
            running.callback(server.stop)
            return server

        yield start


def get(
    server: OpsServer, path: str = "/metrics", headers: dict[str, str] | None = None, body: bytes | None = None
) -> int:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", path, headers=headers or {}, body=body)
        return connection.getresponse().status
    finally:
        connection.close()


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(("waitress", "flext-ops"))]


def test_pages_are_served_on_a_free_port(serve: Serve) -> None:
    server = serve(APP)

    assert server.port > 0
    assert server.address == f"http://127.0.0.1:{server.port}"
    assert [get(server, path) for path in ("/metrics", "/health", "/status", "/nothing")] == [200, 200, 200, 404]


@pytest.mark.parametrize(
    ("host", "address"), [("0.0.0.0", "http://127.0.0.1:"), ("localhost", "http://"), ("", "http://127.0.0.1:")]
)
def test_address_can_be_opened_for_every_host(host: str, address: str) -> None:
    server = start_server(APP, host, 0).unwrap()
    try:
        assert server.address.startswith(address)
        assert get(server) == 200
    finally:
        server.stop()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_ipv6_address_is_in_brackets() -> None:
    started = start_server(APP, "::1", 0)
    if started.is_failure:
        pytest.skip("this machine has no IPv6 loopback")
    server = started.unwrap()
    server.stop()

    assert server.address == f"http://[::1]:{server.port}"


def test_port_in_use_is_a_failure_with_a_fix(serve: Serve) -> None:
    port = serve(APP).port
    result = start_server(APP, "127.0.0.1", port)

    assert result.code == "port_taken"
    assert result.message == f"Port {port} on 127.0.0.1 is taken"
    assert result.fix == "Stop the program that uses it, choose another port, or choose 0 for a free one"


@pytest.mark.parametrize(
    ("host", "port"), [("nowhere.invalid", 0), ("127.0.0.1", 99999), ("127.0.0.1", -1), ("x" * 100, 0)]
)
def test_invalid_address_is_a_failure(host: str, port: int) -> None:
    result = start_server(APP, host, port)

    assert result.code == "cannot_listen"
    assert str(result.message).startswith(f"Cannot listen on {host!r}, port {port}: ")
    assert result.fix == "Use an address of this machine and a free port up to 65535"


@pytest.mark.alone
def test_stop_closes_the_port_and_ends_the_threads_immediately(serve: Serve) -> None:
    before = len(our_threads())
    server = serve(APP)
    idle = socket.create_connection(("127.0.0.1", server.port))
    assert get(server) == 200
    started = time.monotonic()
    server.stop()

    assert time.monotonic() - started < 0.5
    assert eventually(lambda: len(our_threads()) == before)
    assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        get(server)
    idle.close()


def test_context_manager_stops_the_server() -> None:
    with start_server(APP, "127.0.0.1", 0).unwrap() as server:
        assert get(server) == 200
    with pytest.raises(ConnectionRefusedError):
        get(server)


@pytest.mark.parametrize(
    ("host", "credentials", "warns"),
    [
        ("127.0.0.1", Credentials(), False),
        ("0.0.0.0", Credentials("t"), False),
        ("0.0.0.0", Credentials(), True),
    ],
)
def test_public_server_without_credentials_warns(host: str, credentials: Credentials, warns: bool) -> None:
    with start_server(APP, host, 0).unwrap() as server:
        warning = server.exposure_warning(credentials)
    assert (warning is not None) is warns


def test_stop_is_idempotent(serve: Serve) -> None:
    server = serve(APP)
    server.stop()
    server.stop()


def test_port_is_free_after_stop(serve: Serve) -> None:
    server = serve(APP)
    get(server)
    server.stop()
    again = start_server(APP, "127.0.0.1", server.port).unwrap()
    again.stop()

    assert again.port == server.port


@pytest.mark.alone
def test_stop_does_not_wait_for_a_page_that_hangs(serve: Serve) -> None:
    release, entered = threading.Event(), threading.Event()

    def hang() -> FlextResult[Mapping[str, object]]:
        entered.set()
        release.wait(10)
        return status()

    server = serve(wsgi_app(pages(status=hang)))
    client = socket.create_connection(("127.0.0.1", server.port))
    client.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
    assert entered.wait(5)
    started = time.monotonic()
    server.stop()

    assert time.monotonic() - started < 0.5
    release.set()
    client.close()


def test_threads_are_daemons(serve: Serve) -> None:
    serve(APP)

    assert our_threads()
    assert all(thread.daemon for thread in our_threads())


def test_large_header_and_body_are_rejected(serve: Serve) -> None:
    server = serve(APP)

    assert get(server, headers={"X-Long": "x" * 20_000}) == 431
    assert get(server, body=b"x" * 10_000) == 413
    assert get(server) == 200


def test_connections_are_limited_and_the_server_recovers(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(APP)
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(220)]
    assert eventually(lambda: "limit of 200 connections" in caplog.text)
    assert get(server) == 200
    for client in clients:
        client.close()

    assert get(server) == 200
    assert len(caplog.records) == 1


def test_burst_of_requests_and_of_disconnections_is_not_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    body = b"x" * 3_000_000
    server = serve(wsgi_app(pages(metrics=lambda _: FlextResult.ok((body, "text/plain")))))
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(10)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: get(server, "/health"), range(64))) == {200}

    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    assert all(record.name.startswith("flext_observability") for record in caplog.records)


def test_forked_child_does_not_serve() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING]
    run = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30)

    assert run.stdout.splitlines() == ["parent 200 True", "closed True", "child refuses"]


def test_page_that_ends_after_stop_logs_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    entered, release, left = threading.Event(), threading.Event(), threading.Event()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        entered.set()
        release.wait(10)
        start_response("200 OK", [])
        return Body([b"late"])

    class Body(list[bytes]):
        def close(self) -> None:
            left.set()

    server = start_server(app, "127.0.0.1", 0).unwrap()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert entered.wait(5)
        workers = {thread for thread in threading.enumerate() if thread.name.startswith("waitress")}
        server.stop()
        release.set()
        assert left.wait(5)
        for thread in workers:
            thread.join(5)
    # waitress may note at INFO that the client is gone.
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


def test_no_free_thread_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = [3]  # of eight threads
    start = threading.Thread.start

    def fail_later(self: threading.Thread) -> None:
        allowed[0] -= 1
        if allowed[0] < 0:
            raise RuntimeError("can't start new thread")
        start(self)

    before = len(our_threads())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail_later)
        result = start_server(APP, "127.0.0.1", 0)
    assert (result.code, "can't start new thread" in str(result.message)) == ("cannot_listen", True)
    assert result.fix == "Raise the limits of threads and open files of this process"
    assert eventually(lambda: len(our_threads()) == before)


def test_foreign_host_is_refused() -> None:
    served = pages()
    with start_server(wsgi_app(served), "127.0.0.1", 0, served).unwrap() as server:
        assert get(server, headers={"Host": "evil.example"}) == 403
        assert get(server, headers={"Host": "localhost"}) == 200
