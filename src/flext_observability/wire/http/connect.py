"""Host, port and deadline → connected TCP socket (standard library only)."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

from flext_observability.values.endpoint import format_host
from flext_observability.wire.http.errors import TransportError, remaining_seconds

# Item of socket.getaddrinfo: family, type, protocol, canonical name, socket address.
_AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address of ``host`` that accepts.

    Args:
        host: Name, IPv4 or IPv6 address without brackets.
        port: TCP port.
        deadline: Monotonic time, in seconds; it also limits name resolution.

    Raises:
        TransportError: Kind ``unknown_host``, ``refused``, ``unreachable``, ``timeout`` or ``shortage``.
    """
    peer = f"{format_host(host)}:{port}"
    addresses = _resolve(host, port, deadline)
    failure: OSError = TimeoutError()
    for index, address in enumerate(addresses):
        try:
            # Each address gets an equal share of the time, so that a silent one leaves time for the others.
            return _open(address, remaining_seconds(deadline, peer) / (len(addresses) - index))
        except OSError as error:
            failure = error
    raise _connect_error(failure, peer) from failure


def _open(address: _AddressInfo, timeout_seconds: float) -> socket.socket:
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


def _connect_error(error: OSError, peer: str) -> TransportError:
    if error.errno in _SHORTAGES:
        return TransportError("shortage", f"no socket can be opened to {peer} ({error.strerror})")
    if isinstance(error, ConnectionRefusedError):
        return TransportError("refused", f"nothing listens on {peer} (connection refused)")
    if isinstance(error, TimeoutError):
        return TransportError("timeout", f"{peer} did not accept a connection within the time limit")
    return TransportError("unreachable", f"{peer} cannot be reached ({error.strerror or error})")


def _resolve(host: str, port: int, deadline: float) -> list[_AddressInfo]:
    addresses: list[_AddressInfo] = []
    errors: list[Exception] = []

    def resolve() -> None:
        try:
            addresses.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            errors.append(error)

    if _is_ip_address(host):
        resolve()
    else:
        # The resolver of the system has no time limit, so a thread waits for it.
        thread = threading.Thread(target=resolve, name="flext-observability-resolve", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread available: resolve without a limit
            resolve()
        else:
            thread.join(remaining_seconds(deadline, host))
    if addresses:
        return addresses
    _check_sockets(host)
    reason = errors[0] if errors else "no answer within the time limit"
    raise TransportError("unknown_host", f"the host name {host!r} cannot be resolved ({reason})")


def _check_sockets(host: str) -> None:
    """Raise a ``TransportError`` if no socket can be opened: the resolver does not say why it fails."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as error:
        raise _connect_error(error, repr(host)) from error


def _is_ip_address(host: str) -> bool:
    """Return whether the host is an IP address; the last label of a name is never a number."""
    return host.rpartition(".")[2].isdigit() or ":" in host
