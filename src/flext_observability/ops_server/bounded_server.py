"""waitress's server with limits for slow clients and slow pages, which any thread can stop."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, cast

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

from flext_observability.ops_server.pages import PATHS
from flext_observability.ops_server.path_dispatcher import PathDispatcher
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import LogInterval
from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


REQUEST_SECONDS: Final = 10.0
"""From a request's first byte to its last."""
REPLY_SECONDS: Final = 30.0
"""For the client to receive a reply."""
CONNECTIONS: Final = 200
_STOP_SECONDS: Final = 1.0
_ACCEPT_RETRY_SECONDS: Final = 0.05
_BACKLOG: Final = 256
_OWN_SOCKETS: Final = 2  # the listener, and the pipe that wakes the loop
_LIMITS: Final = {
    "connection_limit": CONNECTIONS + 2 * _BACKLOG,  # never reached: waitress would stop accepting
    "outbuf_high_watermark": 2**40,  # bytes; above it, the thread of a page would wait for a slow client
    "channel_timeout": 30,  # seconds without a byte
    "cleanup_interval": 5,
    "max_request_header_size": 16_384,  # bytes
    "max_request_body_size": 4_096,  # bytes; no page reads a body
    "backlog": _BACKLOG,
    "log_socket_errors": False,
    "asyncore_use_poll": True,
    "ident": None,
}
_logger: Final = logging.getLogger("flext_observability.ops_server")


class _Task(WSGITask):
    """A request. The host of an absolute request target replaces the header ``Host``.

    Source: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
    """

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment."""
        environ = super().get_environment()
        if host := cast("Any", self.request).proxy_netloc:  # not in the stubs
            environ["HTTP_HOST"] = host
        return environ


class TimeoutChannel(HTTPChannel):
    """A connection with time limits. waitress limits only silence, so a byte now and then would keep it open."""

    logger = _logger
    task_class = _Task
    _request_started_at = 0.0
    _reply_started_at = 0.0

    def received(self, data: bytes) -> bool:
        """Process received bytes, and record when an incomplete request started."""
        before = self.request
        accepted = super().received(data)
        if self.request is not before:
            self._request_started_at = time.monotonic()
        return accepted

    def write_soon(self, data: bytes) -> int:
        """Queue a part of a reply, and record when."""
        self._reply_started_at = time.monotonic()
        return super().write_soon(data)

    def readable(self) -> bool:
        """Return whether to read from the connection. The server's loop asks at least once a second."""
        if not self._is_overdue():
            return super().readable()
        with suppress(OSError):  # the client may have disconnected
            cast("socket.socket", self.socket).shutdown(socket.SHUT_RDWR)
        return True  # reads the end of the stream, then closes

    def _is_overdue(self) -> bool:
        now = time.monotonic()
        if self.total_outbufs_len:
            return now - self._reply_started_at > REPLY_SECONDS
        if self.request is not None and not self.requests:  # while one is processed, the next is not read
            return now - self._request_started_at > REQUEST_SECONDS
        return False


class BoundedServer(TcpWSGIServer):
    """A server on daemon threads. A forked child closes its copies of the sockets and does not serve."""

    channel_class = TimeoutChannel

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        """Serve ``app`` on a bound socket, in the background.

        Raises:
            RuntimeError: The system cannot start a thread.
            OSError: The system has no file descriptors left.
        """
        self.logger = cast("logging.Logger", _RateLimitedLogger(_logger))
        self._sockets: dict[int, socket.socket] = {}
        self._closing = ForkSafeLock()
        self._accept_failed = False
        self._dispatcher = PathDispatcher(PATHS)
        super().__init__(
            app,
            map=self._sockets,
            _sock=listener,
            dispatcher=cast("Any", self._dispatcher),  # the stubs require waitress's class
            adj=Adjustments(**cast("Any", _LIMITS)),  # the stubs give each option the union of all types
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )
        self._thread = Thread(target=self.run, name="flext-ops-server", daemon=True)
        register_fork_aware(self)
        try:
            self._dispatcher.start()
            self._thread.start()
        except BaseException:
            self._dispatcher.shutdown()
            self._close_all()
            raise

    def handle_accept(self) -> None:
        """Accept the waiting connections. Above the limit, or without free file descriptors, idle ones are closed.

        waitress accepts one for each turn of its loop, so that a burst would fill the backlog.
        """
        self._accept_failed = False
        before = len(self._sockets)
        super().handle_accept()
        if self._accept_failed:
            self._close_idle_channel()
            time.sleep(_ACCEPT_RETRY_SECONDS)
        while before < len(self._sockets) < CONNECTIONS + _BACKLOG:
            before = len(self._sockets)
            super().handle_accept()
        while len(self._sockets) > CONNECTIONS + _OWN_SOCKETS:
            self.logger.warning("The limit of %d connections is reached: the longest idle one is closed", CONNECTIONS)
            self._close_idle_channel()

    def accept(self) -> tuple[socket.socket, Any] | None:
        """Accept a connection; None if there is none, or no free file descriptor."""
        try:
            return super().accept()
        except OSError:
            self._accept_failed = True
            return None

    def _close_idle_channel(self) -> None:
        """Close the longest idle connection, or, if all have requests in progress, the one that waits longest."""
        for channel in sorted(self._channels(), key=lambda each: (bool(each.requests), each.last_activity))[:1]:
            channel.handle_close()

    def stop(self) -> None:
        """Close the port and all connections, and end the threads. Does not wait for pages. Idempotent."""
        with self._closing:
            if not self.accepting:
                return
            # In the loop's thread: sockets must not be closed while it polls them.
            cast("Any", self.trigger).pull_trigger(self._close_all)  # the stubs have another type for it
        self._thread.join(_STOP_SECONDS)
        self._dispatcher.shutdown()

    def pull_trigger(self) -> None:
        """Wake the loop. Does nothing once its pipe is closed: pages may end later, and its number may be reused."""
        with self._closing:
            if self.accepting:
                super().pull_trigger()

    def close(self) -> None:
        """Close the port and the pipe that wakes the loop."""
        with self._closing:
            super().close()

    def reinit_after_fork(self) -> None:
        """Close the child's copies of all sockets. The threads are the parent's."""
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _close_all(self) -> None:
        for channel in self._channels():
            channel.handle_close()
        self.close()

    def _channels(self) -> list[TimeoutChannel]:
        return list(cast("dict[int, TimeoutChannel]", self.active_channels).values())  # the stubs are wrong


class _RateLimitedLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs equal messages once a minute: the connection limit may be reached again and again."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logger)
        self._interval = LogInterval()

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """Log the message, unless it was logged within the last minute."""
        if self._interval.permits(str(msg)):
            super().log(level, msg, *args, **options)
