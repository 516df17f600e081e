"""Body bytes → HTTP reply over one kept-alive connection, within one deadline and one size (no policy: retries are the caller's)."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import cast, final

from flext_observability.wire.http.address import HttpTarget, format_host
from flext_observability.wire.http.connect import connect
from flext_observability.wire.http.errors import TransportError, deadline_in, remaining_seconds
from flext_observability.wire.http.proxy import Proxy, proxy_for
from flext_observability.wire.http.tls import client_context

MAX_REPLY_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Reply of a server.

    Attributes:
        status: Status code.
        headers: Fields with lower-case names.
        body: At most ``MAX_REPLY_BYTES``.
        complete: False when the body broke off, took too long or was too long.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True


@final
class HttpTransport:
    """One target and one connection for its requests; not for use by two threads at once (``close`` excepted).

    The connection is kept for the next request, replaced at once when the server has closed it meanwhile, and never shared with a forked child. Redirects
    are replies like others. Proxies come from the environment's usual variables.
    """

    __slots__ = ("_after_method", "_context", "_owner", "_sock", "target")

    def __init__(self, target: HttpTarget) -> None:
        """Take the address; nothing is opened or read."""
        self.target = target
        self._context: ssl.SSLContext | None = None
        self._after_method = b""
        self._sock: socket.socket | None = None
        self._owner = 0

    def post(self, body: bytes, *, timeout_seconds: float) -> HttpReply:
        """Send one POST request; see ``request``."""
        return self.request("POST", body, timeout_seconds=timeout_seconds)

    def request(self, method: str, body: bytes, *, timeout_seconds: float) -> HttpReply:
        """Send one request and return the reply.

        Args:
            method: ``POST``, ``PUT`` or ``DELETE``.
            body: Request body, already encoded as the headers say.
            timeout_seconds: Limit over name resolution, connection, sending and the whole reply.

        Raises:
            TransportError: No usable reply.
            TlsFileError: A certificate file cannot be used.
        """
        deadline = deadline_in(timeout_seconds)
        if self._sock is not None and self._owner == os.getpid():
            try:
                return self._exchange(method, body, deadline)
            except TransportError as error:
                # The server closed the idle connection: that says nothing about this request.
                if error.kind != "broken":
                    raise
        self._forget()
        return self._exchange(method, body, deadline)

    def close(self) -> None:
        """Drop the connection, waking a request that waits on it."""
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _exchange(self, method: str, body: bytes, deadline: float) -> HttpReply:
        keep = False
        try:
            sock = self._sock or self._open(deadline)
            head = method.encode() + self._after_method
            request = b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)
            heard = _send(sock, request, deadline, self.target.display_url)
            reply, reusable = _receive(sock, deadline, self.target.display_url)
            keep = heard and reusable
        finally:
            if not keep:
                self._forget()
        return reply

    def _forget(self) -> None:
        # A socket of the parent process is only let go of: shutting it down here would end the parent's connection.
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    def _open(self, deadline: float) -> socket.socket:
        target = self.target
        proxy = proxy_for(target.url)
        self._sock = sock = (
            connect(proxy.host, proxy.port, deadline) if proxy else connect(target.host, target.port, deadline)
        )
        self._owner = os.getpid()
        if target.url.scheme == "https":
            if proxy:
                _tunnel(sock, proxy, target, deadline)
            self._sock = sock = self._secure(sock, deadline)
        self._after_method = _request_head(target, proxy)
        return sock

    def _secure(self, sock: socket.socket, deadline: float) -> socket.socket:
        place = self.target.display_url
        self._context = context = self._context or client_context(self.target.tls)
        sock.settimeout(remaining_seconds(deadline, place))
        try:
            return context.wrap_socket(sock, server_hostname=self.target.host)
        except TimeoutError as error:
            raise TransportError("timeout", f"{place} did not finish the TLS handshake in the time allowed") from error
        except (OSError, ValueError) as error:
            raise TransportError("tls", f"TLS with {place} failed: {_tls_reason(error)}") from error


class _DeadlineReader(RawIOBase):
    """Socket → raw stream that gives up at a deadline and remembers its first bytes."""

    def __init__(self, sock: socket.socket, deadline: float, place: str) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        self._place = place
        self.first_bytes = b""

    def makefile(self, _mode: str) -> BufferedReader:
        """Return a buffered stream, as sockets do."""
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # the buffer is always BufferedReader's own memoryview
        self._sock.settimeout(remaining_seconds(self._deadline, self._place))
        count = self._sock.recv_into(buffer)
        self.first_bytes = self.first_bytes or bytes(buffer[:count])
        return count


def _request_head(target: HttpTarget, proxy: Proxy | None) -> bytes:
    fields = {"Host": target.authority, "Accept-Encoding": "identity", **target.headers}
    if proxy is None or target.url.scheme == "https":
        return _fields(f" {target.path} HTTP/1.1", fields)
    return _fields(
        f" http://{target.authority}{target.path} HTTP/1.1",
        {**fields, "Proxy-Authorization": proxy.authorization},
    )


def _fields(first_line: str, headers: Mapping[str, str]) -> bytes:
    lines = [first_line, *(f"{name}: {value}" for name, value in headers.items() if value), ""]
    return "\r\n".join(lines).encode()


def _tunnel(sock: socket.socket, proxy: Proxy, target: HttpTarget, deadline: float) -> None:
    place = f"the proxy {format_host(proxy.host)}:{proxy.port}"
    goal = f"{format_host(target.host)}:{target.port}"
    _send(
        sock,
        _fields(f"CONNECT {goal} HTTP/1.1", {"Host": goal, "Proxy-Authorization": proxy.authorization}) + b"\r\n",
        deadline,
        place,
    )
    reply = _start_reply(sock, deadline, place, method="CONNECT")
    reply.close()
    if reply.status != 200:
        raise TransportError("proxy", f"{place} answered {reply.status} {reply.reason} to CONNECT {goal}")


def _send(sock: socket.socket, data: bytes, deadline: float, place: str) -> bool:
    """Send everything; return False when the server stopped listening before the end (its reply may be there already)."""
    view = memoryview(data)
    sent = 0
    try:
        while sent < len(view):
            sock.settimeout(remaining_seconds(deadline, place))
            sent += sock.send(view[sent:])
    except TimeoutError as error:
        raise TransportError("timeout", f"{place} did not take the request in the time allowed") from error
    except OSError:
        return False
    return True


def _start_reply(sock: socket.socket, deadline: float, place: str, *, method: str) -> HTTPResponse:
    source = _DeadlineReader(sock, deadline, place)
    # HTTPResponse asks its socket for nothing but makefile.
    response = HTTPResponse(cast("socket.socket", source), method=method)
    try:
        response.begin()
    except (OSError, HTTPException, TransportError) as error:
        response.close()  # left to the garbage, its stream may go first, and Python complains
        raise _no_reply(error, source.first_bytes, place) from error
    return response


def _no_reply(error: Exception, first_bytes: bytes, place: str) -> TransportError:
    if isinstance(error, TimeoutError | TransportError):  # the wait, or the time before it, came to its end
        return TransportError("timeout", f"{place} did not answer in the time allowed")
    if isinstance(error, OSError):
        return TransportError("broken", f"{place} closed the connection without a reply")
    return _not_http(first_bytes, place)


def _not_http(first_bytes: bytes, place: str) -> TransportError:
    # An HTTP/2 server speaks first: a SETTINGS frame, nine bytes of head with type 4 in the fourth.
    if first_bytes[:1] == b"\x00" and first_bytes[3:4] == b"\x04":
        return TransportError("http2", f"{place} speaks HTTP/2 (gRPC), not HTTP/1.1")
    if first_bytes[:2] == b"\x15\x03":
        return TransportError("tls_expected", f"{place} expects TLS")
    return TransportError("not_http", f"{place} sent something that is no HTTP reply")


def _receive(sock: socket.socket, deadline: float, place: str) -> tuple[HttpReply, bool]:
    """Return the reply, and whether the connection can carry another request."""
    response = _start_reply(sock, deadline, place, method="POST")
    parts: list[bytes] = []
    size = 0
    complete = True
    try:
        while size <= MAX_REPLY_BYTES and (part := response.read1(_CHUNK_BYTES)):
            parts.append(part)
            size += len(part)
    except (HTTPException, TransportError, OSError):
        # The status is known and decides; what the body would have said is only a message.
        complete = False
    complete = complete and size <= MAX_REPLY_BYTES and not response.length
    response.close()
    headers = {name.lower(): value for name, value in response.getheaders()}
    reply = HttpReply(response.status, headers, b"".join(parts)[:MAX_REPLY_BYTES], complete)
    return reply, complete and not response.will_close


def _tls_reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(error) or type(error).__name__
