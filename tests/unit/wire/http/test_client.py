"""Requests over real sockets: reuse, loss, limits, TLS, proxies."""

from __future__ import annotations

import multiprocessing
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from flext_observability.values.endpoint import parse_endpoint
from flext_observability.wire.http.client import MAX_REPLY_BYTES, HttpTransport
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.target import http_target
from flext_observability.wire.http.tls import TlsFileError, TlsFiles
from tests.backends.certificates import Certificates, make_certificates
from tests.backends.collector import Answer, collector
from tests.backends.ports import refusing_port
from tests.backends.raw import (
    RawServer,
    answers,
    answers_without_end,
    drips,
    raw_server,
    read_request,
    reads_and_closes,
    resets,
    silent,
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def transport(url: str, tls: TlsFiles | None = None) -> HttpTransport:
    return HttpTransport(http_target(parse_endpoint(url), headers={"x-test": "yes"}, tls=tls))


def request_error(url: str, seconds: float = 2.0, tls: TlsFiles | None = None) -> TransportError:
    with pytest.raises(TransportError) as caught:
        transport(url, tls).post(b"body", timeout_seconds=seconds)
    return caught.value


def test_reply_with_status_headers_and_body() -> None:
    with collector() as server:
        server.answers.append(Answer(429, {"Retry-After": "3"}, b"slower"))
        with closing(transport(f"{server.url}/some/path")) as sender:
            reply = sender.post(b"body", timeout_seconds=2)
    assert (reply.status, reply.headers["retry-after"], reply.body, reply.complete) == (429, "3", b"slower", True)
    request = server.requests[0]
    assert (request.path, request.body, request.headers["x-test"]) == ("/some/path", b"body", "yes")


def test_connection_is_kept() -> None:
    with collector() as server:
        sender = transport(server.url)
        for _ in range(3):
            sender.post(b"body", timeout_seconds=2)
        sender.close()
        assert (server.connections, len(server.requests)) == (1, 3)


def test_connection_close_is_respected() -> None:
    with collector() as server:
        server.standing = Answer(200, {"Connection": "close"})
        sender = transport(server.url)
        sender.post(b"body", timeout_seconds=2)
        sender.post(b"body", timeout_seconds=2)
        assert server.connections == 2


def test_connection_that_the_server_closed_is_replaced_at_once() -> None:
    def once(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with raw_server(once) as server:
        sender = transport(server.url)
        assert sender.post(b"one", timeout_seconds=2).status == 200
        assert sender.post(b"two", timeout_seconds=2).status == 200
        assert server.connections == 2
        sender.close()


def test_kept_connection_with_another_error_is_not_retried() -> None:
    def garbage_second(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        read_request(connection)
        connection.sendall(b"garbage\r\n")

    with raw_server(garbage_second) as server:
        sender = transport(server.url)
        sender.post(b"one", timeout_seconds=2)
        with pytest.raises(TransportError, match="reply that is not HTTP"):
            sender.post(b"two", timeout_seconds=2)
        assert server.connections == 1


def test_forked_child_opens_its_own_connection() -> None:
    with collector() as server:
        sender = transport(server.url)
        sender.post(b"parent", timeout_seconds=2)
        child = multiprocessing.get_context("fork").Process(
            target=lambda: sender.post(b"child", timeout_seconds=2), daemon=True
        )
        child.start()
        child.join(5)
        sender.post(b"parent", timeout_seconds=2)
        sender.close()
        assert child.exitcode == 0
        assert server.connections == 2
        assert [each.body for each in server.requests] == [b"parent", b"child", b"parent"]


def test_close_without_connection_and_twice() -> None:
    sender = transport("http://127.0.0.1:9")
    sender.close()
    sender.close()


def answers_once(server: RawServer, connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    server.stopping.wait()


@pytest.mark.parametrize("kept", [False, True])
def test_close_wakes_a_waiting_request(*, kept: bool) -> None:
    with raw_server(answers_once if kept else silent) as server:
        sender = transport(server.url)
        if kept:
            sender.post(b"first", timeout_seconds=2)
        closer = threading.Timer(0.1, sender.close)
        closer.start()
        began = time.monotonic()
        with pytest.raises(TransportError) as caught:
            sender.post(b"body", timeout_seconds=5)
        closer.join()
        assert server.connections == 1
    assert time.monotonic() - began < 2
    assert caught.value.kind == "broken"


def test_close_after_the_peer_is_gone() -> None:
    with collector() as server:
        sender = transport(server.url)
        sender.post(b"body", timeout_seconds=2)
    sender.close()


def test_refusing_port() -> None:
    with refusing_port() as port:
        assert request_error(f"http://127.0.0.1:{port}").kind == "refused"


def test_silent_server_costs_the_timeout() -> None:
    with raw_server(silent) as server:
        began = time.monotonic()
        assert request_error(server.url, 0.2).kind == "timeout"
    assert time.monotonic() - began < 1


def test_server_that_stops_reading_a_large_request() -> None:
    with raw_server(silent) as server, pytest.raises(TransportError, match="did not accept the request") as caught:
        transport(server.url).post(bytes(1 << 25), timeout_seconds=0.3)
    assert caught.value.kind == "timeout"


def test_server_that_closes_without_reply() -> None:
    with raw_server(reads_and_closes) as server:
        assert request_error(server.url).kind == "broken"


def test_reply_before_the_whole_request_was_read() -> None:
    def too_large(server: RawServer, connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_RD)

    with raw_server(too_large) as server:
        try:
            status = transport(server.url).post(bytes(1 << 25), timeout_seconds=2).status
        except TransportError as error:  # the reset may overtake the reply
            status = 413 if error.kind == "broken" else 0
    assert status == 413


def test_garbage_instead_of_http() -> None:
    with raw_server(answers(b"\xff\xfe garbage\r\n\r\n")) as server:
        assert request_error(server.url).kind == "not_http"


def test_grpc_server_is_recognised() -> None:
    with raw_server(answers(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")) as server:
        assert request_error(server.url).kind == "http2"


def test_tls_server_is_recognised_by_its_alert() -> None:
    with raw_server(answers(b"\x15\x03\x01\x00\x02\x02\x46")) as server:
        assert request_error(server.url).kind == "tls_expected"


def test_endless_body_is_limited() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    with raw_server(answers_without_end(head, b"x" * 4096)) as server:
        reply = transport(server.url).post(b"body", timeout_seconds=5)
    assert (reply.status, len(reply.body), reply.complete) == (200, MAX_REPLY_BYTES, False)


def test_endless_headers_are_limited() -> None:
    with raw_server(answers_without_end(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 50)) as server:
        assert request_error(server.url, 5).kind == "not_http"


def test_dripping_headers_cost_the_timeout() -> None:
    with raw_server(drips(b"HTTP/1.1 200 OK\r\n", b"X", 0.01)) as server:
        assert request_error(server.url, 0.2).kind == "timeout"


def test_dripping_body_costs_the_timeout_and_keeps_the_status() -> None:
    with raw_server(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x", 0.01)) as server:
        reply = transport(server.url).post(b"body", timeout_seconds=0.2)
    assert (reply.status, reply.complete) == (200, False)


def test_truncated_body_keeps_the_status() -> None:
    with raw_server(answers(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nbusy")) as server:
        reply = transport(server.url).post(b"body", timeout_seconds=2)
    assert (reply.status, reply.body, reply.complete) == (503, b"busy", False)


def test_chunked_body_with_a_broken_chunk_keeps_the_status() -> None:
    with raw_server(answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfull\r\nzz\r\n")) as server:
        reply = transport(server.url).post(b"body", timeout_seconds=2)
    assert (reply.status, reply.body, reply.complete) == (200, b"full", False)


def test_tls_with_a_trusted_authority(certificates: Certificates) -> None:
    with collector(context=certificates.server_context()) as server:
        sender = transport(server.url, TlsFiles(str(certificates.authority)))
        assert sender.post(b"body", timeout_seconds=2).status == 200
        sender.close()
        # The context is made once.
        assert sender.post(b"body", timeout_seconds=2).status == 200
        sender.close()


def test_tls_with_client_certificate(certificates: Certificates) -> None:
    files = TlsFiles(str(certificates.authority), str(certificates.client), str(certificates.client_key))
    with collector(context=certificates.server_context(ask_client=True)) as server:
        sender = transport(server.url, files)
        assert sender.post(b"body", timeout_seconds=2).status == 200
        sender.close()


def test_untrusted_certificate(certificates: Certificates) -> None:
    with collector(context=certificates.server_context()) as server:
        error = request_error(server.url)
    assert error.kind == "tls"
    assert "certificate is not trusted" in error.message


def test_tls_to_a_server_without_it() -> None:
    with collector() as server:
        error = request_error(server.url.replace("http:", "https:"))
    assert error.kind == "tls"
    assert "wrong version number" in error.message or "record layer failure" in error.message


def test_server_that_closes_during_the_handshake() -> None:
    with raw_server(reads_and_closes) as server:
        assert request_error(server.url.replace("http:", "https:")).kind == "tls"


def test_server_that_resets_during_the_handshake() -> None:
    with raw_server(resets) as server:
        error = request_error(server.url.replace("http:", "https:"))
    assert error.kind == "tls"
    assert "reset" in error.message


def test_server_that_is_silent_during_the_handshake() -> None:
    with raw_server(silent) as server:
        error = request_error(server.url.replace("http:", "https:"), 0.2)
    assert error.kind == "timeout"
    assert "handshake" in error.message


def test_plain_request_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:pass@127.0.0.1:{proxy.port}")
        sender = transport("http://collector.invalid:4318/v1/traces")
        assert sender.post(b"body", timeout_seconds=2).status == 200
        sender.close()
    request = proxy.requests[0]
    assert request.path == "http://collector.invalid:4318/v1/traces"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert request.headers["host"] == "collector.invalid:4318"


def test_tls_goes_through_a_tunnel(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    heads: list[bytes] = []

    def tunnel(server: RawServer, connection: socket.socket) -> None:
        head, _ = read_request(connection)
        heads.append(head)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with certificates.server_context().wrap_socket(connection, server_side=True) as secured:
            read_request(secured)
            secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with raw_server(tunnel) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        sender = transport("https://localhost:4318/v1/traces", TlsFiles(str(certificates.authority)))
        assert sender.post(b"body", timeout_seconds=2).status == 204
        sender.close()
    assert heads[0].startswith(b"CONNECT localhost:4318 HTTP/1.1\r\n")


def test_proxy_that_rejects_the_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(answers(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        error = request_error("https://collector.invalid")
    assert error.kind == "proxy"
    assert "407 Proxy Authentication Required to CONNECT collector.invalid:443" in error.message


def test_certificate_file_that_vanished(tmp_path: Path) -> None:
    with raw_server(silent) as server, pytest.raises(TlsFileError):
        transport(server.url.replace("http:", "https:"), TlsFiles(str(tmp_path / "gone"))).post(b"", timeout_seconds=1)


def test_certificates_are_read_before_the_first_request(certificates: Certificates, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificates.authority.read_bytes())
    with collector(context=certificates.server_context()) as server:
        prepared = transport(f"https://localhost:{server.port}/v1/traces", TlsFiles(str(authority)))
        prepared.prepare()
        prepared.prepare()
        authority.unlink()
        assert prepared.post(b"", timeout_seconds=2).status == 200
        prepared.close()


def test_an_invalid_certificate_fails_the_request_and_not_the_preparation(tmp_path: Path) -> None:
    unprepared = transport("https://localhost:9/", TlsFiles(str(tmp_path / "gone.pem")))
    unprepared.prepare()
    with refusing_port() as port, pytest.raises(TransportError):
        transport(f"https://127.0.0.1:{port}/").post(b"", timeout_seconds=1)


def test_certificates_are_read_again_after_a_failed_handshake(certificates: Certificates, tmp_path: Path) -> None:
    """Those of the system may not have been readable at the first request."""
    authority = tmp_path / "authority.pem"
    other = make_certificates(tmp_path)
    authority.write_bytes(other.authority.read_bytes())
    with collector(context=certificates.server_context()) as server:
        client = transport(f"https://localhost:{server.port}/v1/traces", TlsFiles(str(authority)))
        with pytest.raises(TransportError) as caught:
            client.post(b"", timeout_seconds=2)
        authority.write_bytes(certificates.authority.read_bytes())
        assert (caught.value.kind, client.post(b"", timeout_seconds=2).status) == ("tls", 200)
        client.close()
