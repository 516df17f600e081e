"""Errors and deadlines of network requests (standard library only)."""

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
    "shortage",
]
_NOT_REACHED: frozenset[ErrorKind] = frozenset({"unknown_host", "refused", "unreachable", "timeout", "shortage"})


class TransportError(Exception):
    """A request got no usable reply.

    Attributes:
        kind: ``unknown_host``, ``refused``, ``unreachable``, ``timeout``, ``tls`` (handshake failed), ``broken``
            (connection lost before a whole reply), ``not_http``, ``http1`` or ``http2`` (the peer speaks that version
            and not the expected one), ``tls_expected`` (plain text sent to a TLS port), ``proxy`` or ``shortage`` (this
            machine lacks file descriptors or memory).
        message: What happened, with the address concerned and without a full stop.
        to_proxy: Whether the address is that of a proxy.
    """

    def __init__(self, kind: ErrorKind, message: str, *, to_proxy: bool = False) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.to_proxy = to_proxy

    @property
    def reached(self) -> bool:
        """Whether something answered at the address."""
        return self.kind not in _NOT_REACHED


def deadline_in(timeout_seconds: float) -> float:
    """Return the monotonic time, in seconds, that is ``timeout_seconds`` from now."""
    return time.monotonic() + timeout_seconds


def remaining_seconds(deadline: float, peer: str) -> float:
    """Return the seconds until the deadline, above zero.

    Raises:
        TransportError: Kind ``timeout``, naming ``peer``: the deadline has passed.
    """
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TransportError("timeout", f"{peer} did not answer within the time limit")
    return remaining
