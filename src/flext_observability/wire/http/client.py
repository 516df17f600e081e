"""Request body → HTTP reply over a kept-alive connection, with limits on time and size (the caller retries)."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import cast, final

from flext_observability.values.endpoint import Endpoint, format_host
from flext_observability.values.masking import sanitize_message
from flext_observability.wire.http.connect import connect
from flext_observability.wire.http.errors import TransportError, deadline_in, remaining_seconds
from flext_observability.wire.http.proxy import proxy_for
from flext_observability.wire.http.target import HttpTarget
from flext_observability.wire.http.tls import TlsFileError, client_context

MAX_REPLY_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Reply of a server.

    Attributes:
        status: Status code.
        headers: Headers; ``get`` ignores the case of names.
        body: At most ``MAX_REPLY_BYTES``.
        complete: False when the body was cut off, too slow or too long.
    """

    status: int
    headers: HTTPMessage
    body: bytes
    complete: bool = True


@final
class HttpTransport:
    """Sends requests to one target over one connection. Only ``close`` may be called from another thread.

    The connection is kept for the next request, replaced at once when the server has closed it, and never shared with a
    forked child. Redirects are not followed. Proxies come from the usual environment variables.
    """

    __slots__ = ("_closings", "_connection", "_context", "_owner", "_sock", "target")

    def __init__(self, target: HttpTarget) -> None:
        """Store the target. The connection is opened by the first request."""
        self.target = target
        self._context: ssl.SSLContext | None = None
        self._connection: _Connection | None = None
        self._sock: socket.socket | None = None
        self._owner = 0
        self._closings = 0

    def prepare(self) -> None:
        """Read the certificates, so that requests need no files. An invalid file fails the request."""
        if self.target.uses_tls and self._context is None:
            with contextlib.suppress(TlsFileError):
                self._context = client_context(self.target.tls)

    def post(self, body: bytes, *, timeout_seconds: float) -> HttpReply:
        """Send a POST request; see ``request``."""
        return self.request("POST", body, timeout_seconds=timeout_seconds)

    def request(self, method: str, body: bytes, *, timeout_seconds: float) -> HttpReply:
        """Send a request and return the reply.

        Args:
            method: ``POST``, ``PUT`` or ``DELETE``.
            body: Request body, encoded as the headers say.
            timeout_seconds: Limit for name resolution, connection, sending and the whole reply together.

        Raises:
            TransportError: There is no usable reply.
            TlsFileError: A certificate file cannot be used.
        """
        deadline = deadline_in(timeout_seconds)
        closings = self._closings
        if self._sock is not None and self._owner == os.getpid():
            try:
                return self._exchange(method, body, deadline)
            except TransportError as error:
                # Servers close idle connections; a new one decides whether the request succeeds.
                if error.kind != "broken" or self._closings != closings:
                    raise
        self._discard()
        return self._exchange(method, body, deadline)

    def close(self) -> None:
        """Close the connection; a request that is waiting on it fails at once."""
        self._closings += 1
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _discard(self) -> None:
        # Without shutdown, which would end the connection of the parent process in a forked child.
        self._connection = None
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    def _exchange(self, method: str, body: bytes, deadline: float) -> HttpReply:
        keep = False
        try:
            connection = self._connection or self._open(deadline)
            response, sent = connection.exchange(method, body, deadline)
            reply, reusable = _read_reply(response)
            keep = sent and reusable
        finally:
            if not keep:
                self._discard()
        return reply

    def _open(self, deadline: float) -> _Connection:
        endpoint = self.target.endpoint
        proxy = proxy_for(endpoint)
        self._sock = sock = _connect(endpoint, proxy, deadline)
        self._owner = os.getpid()
        headers = {"Host": endpoint.authority, "Accept-Encoding": "identity", **self.target.headers}
        path = endpoint.request_target
        if self.target.uses_tls:
            if proxy:
                _open_tunnel(sock, proxy, endpoint, deadline)
            self._sock = sock = self._secure(sock, deadline)
        elif proxy:
            path = f"http://{endpoint.authority}{path}"
            headers["Proxy-Authorization"] = proxy.authorization
        self._connection = _Connection(endpoint, _DeadlineSocket(sock, self.target.endpoint.display_url), path, headers)
        return self._connection

    def _secure(self, sock: socket.socket, deadline: float) -> socket.socket:
        url = self.target.endpoint.display_url
        self._context = context = self._context or client_context(self.target.tls)
        sock.settimeout(remaining_seconds(deadline, url))
        try:
            return context.wrap_socket(sock, server_hostname=self.target.endpoint.host)
        except TimeoutError as error:
            message = f"{url} did not complete the TLS handshake within the time limit"
            raise TransportError("timeout", message) from error
        except (OSError, ValueError) as error:
            self._context = None  # the certificates of the system may have changed, or could not be read
            raise TransportError("tls", f"TLS with {url} failed: {_tls_reason(error)}") from error


class _DeadlineSocket(RawIOBase):
    """Socket as ``http.client`` uses it. One deadline limits all operations of an exchange together."""

    def __init__(self, sock: socket.socket, peer: str) -> None:
        super().__init__()
        self._sock = sock
        self.peer = peer
        self.deadline = 0.0
        self.ended = False

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._sock.settimeout(remaining_seconds(self.deadline, self.peer))
            view = view[self._sock.send(view) :]

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # BufferedReader passes a memoryview
        self._sock.settimeout(remaining_seconds(self.deadline, self.peer))
        size = self._sock.recv_into(buffer)
        self.ended = size == 0
        return size

    def close(self) -> None:
        """Do nothing: ``HttpTransport`` decides whether the socket is kept."""


@final
class _Connection(HTTPConnection):
    """Requests with the same path and headers over a connected socket."""

    def __init__(self, endpoint: Endpoint, sock: _DeadlineSocket, path: str, headers: Mapping[str, str]) -> None:
        super().__init__(endpoint.host, endpoint.port_or_default)
        self.sock = cast("socket.socket", sock)
        self._deadline_socket = sock
        self._path = path
        # Encoded once: putheader validates and encodes each header again for each request.
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value).encode()
        self._rest: tuple[bytes, ...] = ()

    def exchange(self, method: str, body: bytes | None, deadline: float) -> tuple[HTTPResponse, bool]:
        """Return the response, read up to its body, and whether the request was sent completely."""
        peer = self._deadline_socket.peer
        self._deadline_socket.deadline = deadline
        complete = True
        try:
            self._transmit(method, body)
        except (TimeoutError, TransportError) as error:
            message = f"{peer} did not accept the request within the time limit"
            raise TransportError("timeout", message) from error
        except OSError:
            complete = False  # the server stopped reading; it may have sent a reply that says why
        try:
            response = self.getresponse()
        except (TimeoutError, TransportError) as error:
            raise TransportError("timeout", f"{peer} did not answer within the time limit") from error
        except OSError as error:
            raise TransportError("broken", f"{peer} closed the connection without a reply") from error
        except HTTPException as error:
            raise _protocol_error(error, peer) from error
        if self._deadline_socket.ended:  # http.client accepts the end of the connection as that of the headers
            raise TransportError("broken", f"{peer} closed the connection within the headers of its reply")
        return response, complete

    def _transmit(self, method: str, body: bytes | None) -> None:
        if body is None:
            self._rest = (self._headers, b"\r\n")
        else:
            self._rest = (self._headers, b"Content-Length: %d\r\n\r\n" % len(body), body)
        self.putrequest(method, self._path, skip_host=True, skip_accept_encoding=True)
        self.endheaders()
        self._rest = ()

    def send(self, head: bytes) -> None:  # type: ignore[override] # endheaders passes bytes
        """Send the request line together with the headers and the body, in one packet."""
        super().send(b"".join((head.removesuffix(b"\r\n"), *self._rest)))


def _connect(endpoint: Endpoint, proxy: Endpoint | None, deadline: float) -> socket.socket:
    if proxy is None:
        return connect(endpoint.host, endpoint.port_or_default, deadline)
    try:
        return connect(proxy.host, proxy.port_or_default, deadline)
    except TransportError as error:
        raise TransportError(error.kind, f"the proxy cannot be used: {error.message}", to_proxy=True) from error


def _open_tunnel(sock: socket.socket, proxy: Endpoint, endpoint: Endpoint, deadline: float) -> None:
    # HTTPConnection.set_tunnel sends HTTP/1.0 before Python 3.12, which some proxies reject.
    peer = f"the proxy {format_host(proxy.host)}:{proxy.port_or_default}"
    destination = f"{format_host(endpoint.host)}:{endpoint.port_or_default}"
    headers = {"Host": destination, "Proxy-Authorization": proxy.authorization}
    tunnel = _Connection(proxy, _DeadlineSocket(sock, peer), destination, headers)
    response, _ = tunnel.exchange("CONNECT", None, deadline)
    response.close()
    if response.status != 200:
        reason = sanitize_message(response.reason, [proxy.credentials, proxy.authorization])
        message = f"{peer} answered {response.status} {reason} to CONNECT {destination}"
        raise TransportError("proxy", message)


def _protocol_error(error: HTTPException, peer: str) -> TransportError:
    first_line = str(error)  # of a BadStatusLine; other errors never match
    # An HTTP/2 server begins with a SETTINGS frame: its fourth byte is the frame type, 4.
    if first_line[:1] == "\x00" and first_line[3:4] == "\x04":
        return TransportError("http2", f"{peer} speaks HTTP/2 (gRPC), not HTTP/1.1")
    if first_line[:2] == "\x15\x03":
        return TransportError("tls_expected", f"{peer} expects TLS")
    return TransportError("not_http", f"{peer} sent a reply that is not HTTP")


def _read_reply(response: HTTPResponse) -> tuple[HttpReply, bool]:
    """Return the reply, and whether the connection can carry another request."""
    parts: list[bytes] = []
    size = 0
    complete = True
    try:
        while size <= MAX_REPLY_BYTES and (part := response.read1(_CHUNK_BYTES)):
            parts.append(part)
            size += len(part)
    except (HTTPException, TransportError, OSError):
        # The status is known; the body only adds an explanation.
        complete = False
    complete = complete and size <= MAX_REPLY_BYTES and not response.length
    response.close()
    reply = HttpReply(response.status, response.headers, b"".join(parts)[:MAX_REPLY_BYTES], complete)
    return reply, complete and not response.will_close


def _tls_reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(error) or type(error).__name__
