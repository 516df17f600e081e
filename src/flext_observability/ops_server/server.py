"""WSGI application, host and port → a small bounded server on a daemon thread (OpsServer, on waitress)."""

from __future__ import annotations

import errno
import logging
import os
import socket
from ipaddress import ip_address
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast, final
from weakref import WeakSet

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

    from waitress.server import BaseWSGIServer

    from flext_observability.ops_server.auth import Credentials
    from flext_observability.ops_server.channel import TimeoutChannel

_QUEUE_LOG: Final = logging.getLogger("flext_observability.ops_server.queue")
_LOOPBACK: Final = {4: "127.0.0.1", 6: "::1"}
_BACKLOG: Final = 64
_LAST_PORT: Final = 65_535
_MOST_CONNECTIONS: Final = 100
_BOUNDS: Final = {
    "backlog": _BACKLOG,
    "threads": 4,
    "connection_limit": _MOST_CONNECTIONS,  # waitress counts its own two sockets too
    "channel_timeout": 30,  # seconds without a byte
    "cleanup_interval": 5,
    "max_request_header_size": 16_384,  # bytes
    "max_request_body_size": 4_096,  # bytes; nothing here reads a body
    "log_socket_errors": False,
    "asyncore_use_poll": True,
    "ident": None,
}
_STOP_SECONDS: Final = 1
_QUIET_SECONDS: Final = 60
_LOOK_SECONDS: Final = 1  # between looks at connections, while there are any
_IDLE_LOOK_SECONDS: Final = 60


def start_server(app: WSGIApplication, host: str, port: int) -> FlextResult[OpsServer]:
    """Serve ``app`` in the background.

    Args:
        app: WSGI application.
        host: Name or address of a local interface.
        port: TCP port; 0 takes a free one.

    Returns:
        The running server, or a failure that says what to do: ``port_taken``, ``cannot_listen``.
    """
    try:
        listener = _listen(host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        return _explain(host, port, error)
    return FlextResult.ok(OpsServer(app, listener))


@final
class OpsServer:
    """A running server; a context manager that stops it. At most 100 connections, 16 KB of headers, 4 KB of body, 10 s for a request
    to come, 30 s for a reply to go, 30 s of silence (2 s when all connections are in use).

    Its threads are daemons. A forked child does not serve: the connections there are closed, those of the parent live on.
    """

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        """Serve ``app`` on a bound socket."""
        host, port = cast("tuple[str, int]", listener.getsockname()[:2])
        local = ip_address(host.partition("%")[0])
        self._exposed = not local.is_loopback
        self._host = _LOOPBACK[local.version] if local.is_unspecified else host
        self._port = port
        self._sockets: dict[int, socket.socket] = {}
        self._server = _make_server(app, listener, self._sockets)
        self._channels = cast("dict[int, TimeoutChannel]", self._server.active_channels)  # the stubs are wrong here
        self._wake_loop: Callable[[], None] = self._server.pull_trigger
        self._server.pull_trigger = self._pull_trigger  # type: ignore[method-assign]  # pages that end after the end pull it too
        self._closing = ForkSafeLock()
        self._stopping = False
        self._thread = Thread(target=self._loop, name="flext-ops-server", daemon=True)
        _close_in_children(self)
        self._thread.start()

    def __enter__(self) -> OpsServer:
        """Return the running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port that is served."""
        return self._port

    @property
    def address(self) -> str:
        """Base address, such as ``http://127.0.0.1:9464``; for all interfaces, the one on loopback."""
        return f"http://[{self._host}]:{self._port}" if ":" in self._host else f"http://{self._host}:{self._port}"

    def exposure_warning(self, credentials: Credentials) -> tuple[str, str] | None:
        """Return what is wrong and what to do when others than this machine can read the pages without a password; else None."""
        if not self._exposed or credentials.asked:
            return None
        return (
            f"The ops server listens beyond this machine, on port {self._port}, and asks for no token",
            "Set ops_token, or ops_username and ops_password, or listen on 127.0.0.1",
        )

    def stop(self) -> None:
        """Close the port and all connections, and end the threads; takes 1 s at the most, usually none. May be called again."""
        if self._stopping:
            return
        self._stopping = True
        from waitress import wasyncore

        self._pull_trigger()
        self._thread.join(_STOP_SECONDS)
        with self._closing:
            self._wake_loop = _nothing
            wasyncore.close_all(self._sockets, ignore_all=True)
        self._server.task_dispatcher.set_thread_count(0)  # a page that hangs must not keep its caller waiting

    def abandon(self) -> None:
        """Close this process's copies of all sockets, in a child that has none of the threads."""
        from waitress import wasyncore

        self._stopping = True
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _pull_trigger(self) -> None:
        """Wake the loop; not any more once its pipe is closed, as the number may be another file's by then."""
        with self._closing:
            self._wake_loop()

    def _loop(self) -> None:
        from waitress import wasyncore

        while not self._stopping:
            wait = _LOOK_SECONDS if self._channels else _IDLE_LOOK_SECONDS
            wasyncore.loop(timeout=wait, use_poll=True, map=self._sockets, count=1)
            if not self._stopping:
                self._close_slow()

    def _close_slow(self) -> None:
        """Close connections that take too long; a client that sends or reads a byte now and then is never idle for waitress."""
        crowded = len(self._sockets) >= _MOST_CONNECTIONS
        for channel in [each for each in self._channels.values() if each.is_overdue(crowded=crowded)]:
            channel.handle_close()


class _RateLimitedLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs a message once a minute at most: the limit of connections may be reached again and again."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logger)
        self._told: dict[str, float] = {}

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """Log it, unless it was told of lately."""
        now = monotonic()
        if now - self._told.get(str(msg), -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._told[str(msg)] = now
            super().log(level, msg, *args, **options)


def _nothing() -> None:
    """Do nothing."""


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:  # the resolver would take it modulo 65536
        raise OverflowError("there is no such port")
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # A name may stand for both families; scrapers of "localhost" mean 127.0.0.1.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return socket.create_server(cast("tuple[str, int]", address[:2]), family=family, backlog=_BACKLOG)


def _make_server(app: WSGIApplication, listener: socket.socket, sockets: dict[int, socket.socket]) -> BaseWSGIServer:
    from waitress.server import create_server

    from flext_observability.ops_server.channel import LOG, TimeoutChannel

    options = cast(
        "Any", {**_BOUNDS, "sockets": [listener]}
    )  # the stubs give every option the type of all options together
    server = cast("BaseWSGIServer", create_server(app, map=sockets, **options))
    server.channel_class = TimeoutChannel
    server.task_dispatcher.logger = LOG
    server.logger = cast("Any", _RateLimitedLogger(LOG))
    server.task_dispatcher.queue_logger = _QUEUE_LOG
    _QUEUE_LOG.disabled = True  # it would warn of every burst of requests
    return server


def _explain(host: str, port: int, error: Exception) -> FlextResult[OpsServer]:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        message = (
            f"Port {port} on {host} is taken: end the program that has it, choose another port, or 0 for a free one"
        )
        return FlextResult[OpsServer].fail(message, code="port_taken")
    message = (
        f"Cannot listen on {host!r}, port {port} ({error}): give an address of this machine and a free port up to 65535"
    )
    return FlextResult[OpsServer].fail(message, code="cannot_listen")


_running: WeakSet[OpsServer] = WeakSet()
_lock = ForkSafeLock()
_watched = False


def _close_in_children(server: OpsServer) -> None:
    global _watched  # noqa: PLW0603 - a fork handler can never be taken back, so there is one
    with _lock:
        _running.add(server)
        if not _watched:
            os.register_at_fork(after_in_child=_abandon_all)
            _watched = True


def _abandon_all() -> None:
    for server in list(_running):
        server.abandon()
    _running.clear()
