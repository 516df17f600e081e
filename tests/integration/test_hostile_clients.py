"""Malformed requests: the ops server responds or disconnects, and continues to serve others."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from flext_observability import OpsServer, start_ops_server

pytestmark = pytest.mark.any_sdk


@pytest.fixture(scope="module")
def server() -> Iterator[OpsServer]:
    with start_ops_server(port=0).unwrap() as running:
        yield running


def send(server: OpsServer, *parts: bytes, end: bool = True) -> bytes:
    """Send the parts, and return all replies. ``end`` closes the sending side."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        with suppress(OSError):  # the server may have disconnected
            for part in parts:
                client.sendall(part)
            if end:
                client.shutdown(socket.SHUT_WR)
        replies = b""
        with suppress(ConnectionResetError):
            while piece := client.recv(65_536):
                replies += piece
        return replies


GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
MALFORMED = {
    "nothing": (b"", b""),
    "incomplete line": (b"GE", b""),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    "no version": (b"GET /health/live\r\n\r\n", b"HTTP/1.0 200"),
    "binary path": (b"GET /\xff\xfe\x00%00%ff HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 4"),
    "path out of the tree": (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "header without colon": (b"GET /health/live HTTP/1.1\r\ninvalid\r\n\r\n", b"400"),
    "control characters": (b"GET /health/live HTTP/1.1\r\nX: a\x00b\r\n\r\n", b"400"),
    "two lengths": (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
    "negative length": (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    "length and chunks": (
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1",
    ),
    "unknown encoding": (b"POST / HTTP/1.1\r\nTransfer-Encoding: pigeon\r\n\r\n", b"501"),
    "bad chunk": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    "unknown method": (b"FETCH /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
    "post": (b"POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", b"405"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_requests_are_answered_or_disconnected(server: OpsServer, case: str) -> None:
    sent, expected = MALFORMED[case]
    replies = send(server, sent)
    assert expected in replies.partition(b"\r\n")[0]
    assert b"Traceback" not in replies
    assert send(server, LAST).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",), b"431"),
        ((b"GET / HTTP/1.1\r\n" + b"X-Many: y\r\n" * 5_000 + b"\r\n",), b"431"),
        ((b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n",), b"431"),
        ((b"GET / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", b"a" * 100_000), b"413"),
        (
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1000\r\n" + b"a" * 4096 + b"\r\n"] * 20),
            b"413",
        ),
    ],
)
def test_large_requests_are_rejected(server: OpsServer, parts: tuple[bytes, ...], status: bytes) -> None:
    replies = send(server, *parts)
    assert replies == b"" or status in replies.partition(b"\r\n")[0]  # a reset may overtake the reply
    assert send(server, LAST).startswith(b"HTTP/1.1 200")


def test_pipelined_requests_are_answered_in_order(server: OpsServer) -> None:
    replies = send(server, GET * 50 + b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + LAST, end=False)
    assert re.findall(rb"HTTP/1\.1 (\d+)", replies) == [*[b"200"] * 50, b"404", b"200"]
