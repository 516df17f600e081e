"""Loopback ports: one that refuses connections during a test, and one for another process."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def refusing_port() -> Generator[int]:
    """Yield a port that is bound but not listening, so that no other server can use it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def free_port() -> int:
    """Return a port that is free at this moment, for a server in another process."""
    with refusing_port() as port:
        return port
