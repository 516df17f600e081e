"""HTTP proxy on loopback that records each request; all tunnels end at one server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

from tests.backends.raw import RawServer, raw_server


@contextmanager
def recording_proxy(destination_port: int = 0) -> Generator[tuple[str, list[bytes]]]:
    """Yield the URL of a proxy, and the list of the heads of its requests.

    Args:
        destination_port: Port on 127.0.0.1 where tunnels end; 0: every request gets the reply 502.
    """
    heads: list[bytes] = []

    def behave(_: RawServer, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (part := client.recv(4096)):
            head += part
        if not head:  # a check whether the proxy listens
            return
        heads.append(head.partition(b"\r\n\r\n")[0])
        if not destination_port or not head.startswith(b"CONNECT"):
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", destination_port)) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(server, client))
            back.start()
            _copy(client, server)
            back.join()

    with raw_server(behave) as proxy:
        yield proxy.url, heads


def _copy(source: socket.socket, destination: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            destination.sendall(part)
    with suppress(OSError):
        destination.shutdown(socket.SHUT_WR)
