"""WSGI application, host, port → a running OpsServer."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.result import FlextResult
from flext_observability.ops_server.host_check import check_host
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.masking import mask_secrets

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flext_observability.ops_server.auth import Credentials
    from flext_observability.ops_server.pages import OpsPages

_LOOPBACK: Final = {4: "127.0.0.1", 6: "::1"}
_MAX_PORT: Final = 65_535


def start_server(app: WSGIApplication, host: str, port: int, pages: OpsPages | None = None) -> FlextResult[OpsServer]:
    """Serve ``app`` in the background. Never raises.

    Args:
        app: WSGI application.
        host: Name or address of a local interface.
        port: TCP port; 0 selects a free one.
        pages: Pages of the application, for ``check_host``; None for an application that checks ``Host`` itself.

    Returns:
        The running server. Failures: ``port_taken``, ``cannot_listen``.
    """
    try:
        listener = _listen(host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            fix = "Stop the program that uses it, choose another port, or choose 0 for a free one"
            return FlextResult[OpsServer].fail(f"Port {port} on {host} is taken", code="port_taken", fix=fix)
        fix = f"Use an address of this machine and a free port up to {_MAX_PORT}"
        message = f"Cannot listen on {mask_secrets(repr(host))}, port {preview(port)}: {error}"
        return FlextResult[OpsServer].fail(message, code="cannot_listen", fix=fix)
    try:
        return FlextResult.ok(OpsServer(app, listener, host, pages))
    except BaseException as error:  # noqa: BLE001 - no thread or file descriptor is left, not even for an import
        reraise_interrupt(error)
        listener.close()
        message = f"Cannot serve on {mask_secrets(repr(host))}, port {port}: {describe_error(error)}"
        fix = "Raise the limits of threads and open files of this process"
        return FlextResult[OpsServer].fail(message, code="cannot_listen", fix=fix)


@final
class OpsServer:
    """A running server. As a context manager, it stops at the end of the block.

    Limits: 200 connections, 16 KB of headers, 4 KB of body, 10 s to send a request, 30 s to receive a reply, 30 s of
    silence. Above 200 connections, the longest idle one is closed. The threads are daemons. A forked child does not
    serve.
    """

    def __init__(self, app: WSGIApplication, listener: socket.socket, name: str, pages: OpsPages | None) -> None:
        """Serve ``app`` on a socket that is bound to an interface of this name."""
        from flext_observability.ops_server.bounded_server import BoundedServer

        host, port = cast("tuple[str, int]", listener.getsockname()[:2])
        local = ip_address(host.partition("%")[0])
        self._exposed = not local.is_loopback
        self._host = _LOOPBACK[local.version] if local.is_unspecified else host
        self._port = port
        if pages is not None:
            app = check_host(app, pages, {name, socket.gethostname()}, exposed=self._exposed)
        self._server = BoundedServer(app, listener)

    def __enter__(self) -> OpsServer:
        """Return the running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._port

    @property
    def address(self) -> str:
        """Base URL, such as ``http://127.0.0.1:9464``. For all interfaces, it is the loopback address."""
        return f"http://[{self._host}]:{self._port}" if ":" in self._host else f"http://{self._host}:{self._port}"

    def exposure_warning(self, credentials: Credentials) -> tuple[str, str] | None:
        """Return message and fix if other machines can read the pages without credentials; otherwise None."""
        if not self._exposed or credentials.required:
            return None
        return (
            f"The ops server accepts connections of other machines on port {self._port} without credentials",
            "Set ops_token, or ops_username and ops_password, or listen on 127.0.0.1",
        )

    def stop(self) -> None:
        """Close the port and all connections, and end the threads. Takes at most 1 s, usually none. Idempotent."""
        self._server.stop()


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _MAX_PORT:  # getaddrinfo reduces it modulo 65536
        raise OverflowError("the port is out of range")
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # A name may resolve to both families; scrapers of "localhost" mean 127.0.0.1.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return socket.create_server(cast("tuple[str, int]", address[:2]), family=family)
