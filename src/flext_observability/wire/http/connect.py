"""Host, port and deadline → connected TCP socket, or a TransportError that says why (standard library only)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from flext_observability.wire.http.errors import TransportError, remaining_seconds

# What socket.getaddrinfo gives: family, kind, protocol, canonical name, socket address.
AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address of ``host`` that accepts.

    Args:
        host: Name, IPv4 or IPv6 address without brackets.
        port: TCP port.
        deadline: Monotonic time, in seconds, at which to give up; name resolution counts.

    Raises:
        TransportError: Kind ``unknown_host``, ``refused``, ``unreachable`` or ``timeout``.
    """
    place = f"{host}:{port}"
    addresses = _resolve(host, port, deadline)
    failure: OSError = TimeoutError()
    for index, address in enumerate(addresses):
        try:
            # Each address gets its share, so that one that swallows packets leaves time for the others.
            return _open(address, remaining_seconds(deadline, place) / (len(addresses) - index))
        except OSError as error:
            failure = error
    raise _fault(failure, place) from failure


def _open(address: AddressInfo, timeout_seconds: float) -> socket.socket:
    family, kind, protocol, _, target = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(timeout_seconds)
        sock.connect(target)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _fault(error: OSError, place: str) -> TransportError:
    if isinstance(error, ConnectionRefusedError):
        return TransportError("refused", f"nothing listens on {place} (connection refused)")
    if isinstance(error, TimeoutError):
        return TransportError("timeout", f"{place} did not accept a connection in the time allowed")
    return TransportError("unreachable", f"{place} cannot be reached ({error.strerror or error})")


def _resolve(host: str, port: int, deadline: float) -> list[AddressInfo]:
    """Look the name up in a thread of its own: the system's resolver knows no deadline."""
    found: list[AddressInfo] = []
    problems: list[Exception] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            problems.append(error)

    if _is_literal(host):
        look_up()
    else:
        _run_bounded(look_up, remaining_seconds(deadline, f"{host}:{port}"))
    if found:
        return found
    raise TransportError(
        "unknown_host",
        f"the host name {host!r} cannot be resolved ({problems[0] if problems else 'no answer in time'})",
    )


def _is_literal(host: str) -> bool:
    """Whether the host is an address already: no name's last label is a number."""
    return host.rpartition(".")[2].isdigit() or ":" in host


def _run_bounded(work: Callable[[], None], timeout_seconds: float) -> None:
    thread = threading.Thread(target=work, name="flext-observability-resolve", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread to be had: wait as long as the resolver does
        work()
        return
    thread.join(timeout_seconds)
