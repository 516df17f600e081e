"""Scripted TCP server: what a test does with each accepted connection → a port on loopback."""

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
        stopping: Set when the ``with`` block ends; behaviours that wait, wait on it.
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
    """Run ``behaviour(server, connection)`` in a thread for each connection, then close it."""
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
            # Closing alone does not wake accept() and recv(); shutting down does.
            for sock in (listener, *open_sockets):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            for thread in (acceptor, *threads):
                thread.join()


def silent(server: RawServer, connection: socket.socket) -> None:
    """Accept, read nothing, answer nothing."""
    server.stopping.wait()


def reads_and_closes(server: RawServer, connection: socket.socket) -> None:
    """Read a little, then close without an answer."""
    connection.recv(1 << 16)


def resets(server: RawServer, connection: socket.socket) -> None:
    """Wait for the client's first bytes and close without reading them, which makes the system reset the connection."""
    connection.recv(1, socket.MSG_PEEK)


def answers(reply: bytes) -> Callable[[RawServer, socket.socket], None]:
    """Return a behaviour that reads one request, sends these bytes and closes."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(reply)
        # The client reads at leisure: closing first could cut what it has not read.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    return behave


def answers_without_end(head: bytes, chunk: bytes) -> Callable[[RawServer, socket.socket], None]:
    """Return a behaviour that answers with ``head`` and then sends ``chunk`` for ever."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        while True:
            connection.sendall(chunk)

    return behave


def drips(head: bytes, chunk: bytes, pause_seconds: float) -> Callable[[RawServer, socket.socket], None]:
    """Return a behaviour that answers with ``head`` and then sends ``chunk`` again and again, slowly."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        while not server.stopping.wait(pause_seconds):
            connection.sendall(chunk)

    return behave


def read_request(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return head and body of one HTTP request; empty when the client closed."""
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
