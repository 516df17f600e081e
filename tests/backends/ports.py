"""Ports of loopback: one that refuses every connection for as long as the test needs it."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def refusing_port() -> Generator[int]:
    """Yield a port that is taken but not listened on, so that nobody else can answer there."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]
