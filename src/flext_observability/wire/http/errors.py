"""What can go wrong between two sockets → one small exception, and the time that is left (standard library only)."""

from __future__ import annotations

import time
from typing import Literal

ErrorKind = Literal[
    "unknown_host",
    "refused",
    "unreachable",
    "timeout",
    "tls",
    "broken",
    "not_http",
    "http1",
    "http2",
    "tls_expected",
    "proxy",
]
SILENT_KINDS: frozenset[ErrorKind] = frozenset({"unknown_host", "refused", "unreachable", "timeout"})


class TransportError(Exception):
    """A request got no usable reply.

    Attributes:
        kind: Stable word: ``unknown_host``, ``refused``, ``unreachable``, ``timeout``, ``tls`` (handshake), ``broken`` (connection lost before a reply),
            ``not_http``, ``http1`` or ``http2`` (the other of the two is spoken), ``tls_expected`` (plain text sent to a TLS port) or ``proxy``.
        message: One sentence with the address concerned.
    """

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message

    @property
    def reached(self) -> bool:
        """Whether anybody answered at the address."""
        return self.kind not in SILENT_KINDS


def deadline_in(timeout_seconds: float) -> float:
    """Return the monotonic time, in seconds, at which ``timeout_seconds`` from now are over."""
    return time.monotonic() + timeout_seconds


def remaining_seconds(deadline: float, place: str) -> float:
    """Return the seconds left until the deadline, above zero.

    Raises:
        TransportError: Kind ``timeout``, naming ``place``, when nothing is left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TransportError("timeout", f"{place} did not answer in the time allowed")
    return left
