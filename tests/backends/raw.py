"""TCP server on loopback that calls a function for each connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """A running server.

    Attributes:
        port: TCP port on 127.0.0.1.
        connections: Accepted connections so far.
        stopping: Set when the ``with`` block ends. A behaviour that waits must wait on it.
    """

    port: int
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def raw_server(behaviour: Callable[[RawServer, socket.socket], None]) -> Generator[RawServer]:
    """Call ``behaviour(server, connection)`` in a thread for each connection, then close the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener.getsockname()[1])
        threads: list[threading.Thread] = []
        open_sockets: list[socket.socket] = []

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                behaviour(server, connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    server.connections += 1
                    open_sockets.append(connection)
                    threads.append(threading.Thread(target=serve, args=(connection,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server
        finally:
            server.stopping.set()
            # close() does not wake accept() and recv(), but shutdown() does.
            for sock in (listener, *open_sockets):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            for thread in (acceptor, *threads):
                thread.join()


def silent(server: RawServer, connection: socket.socket) -> None:
    """Accept the connection without reading or answering."""
    server.stopping.wait()


def reads_and_closes(server: RawServer, connection: socket.socket) -> None:
    """Read once, then close without an answer."""
    connection.recv(1 << 16)


def resets(server: RawServer, connection: socket.socket) -> None:
    """Close without reading the client's first bytes, so that the system resets the connection."""
    connection.recv(1, socket.MSG_PEEK)


def answers(reply: bytes) -> Callable[[RawServer, socket.socket], None]:
    """Return a behaviour that reads one request, sends these bytes and closes."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(reply)
        # Closing before the client has read everything could reset the connection.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    return behave


def answers_without_end(head: bytes, chunk: bytes) -> Callable[[RawServer, socket.socket], None]:
    """Return a behaviour that answers with ``head`` and then sends ``chunk`` without end."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        while True:
            connection.sendall(chunk)

    return behave


def drips(head: bytes, chunk: bytes, pause_seconds: float) -> Callable[[RawServer, socket.socket], None]:
    """Return a behaviour that answers with ``head`` and then sends ``chunk`` repeatedly, with pauses."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        while not server.stopping.wait(pause_seconds):
            connection.sendall(chunk)

    return behave


def read_request(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the head and the body of one HTTP request, both empty after a close by the client."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(1 << 16)
        if not part:
            return b"", b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head, body
