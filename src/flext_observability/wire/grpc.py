"""Request bytes → reply bytes of a unary gRPC call, with one deadline (grpc is imported by the first call)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from threading import Thread
from typing import Any, final

from flext_observability.values.endpoint import Endpoint, format_host
from flext_observability.wire.http.connect import connect
from flext_observability.wire.http.errors import ErrorKind, TransportError, deadline_in, remaining_seconds
from flext_observability.wire.http.proxy import tunnel_for
from flext_observability.wire.http.target import HttpTarget
from flext_observability.wire.http.tls import TlsFileError, read_pems

_OPTIONS: tuple[tuple[str, str | int], ...] = (
    # Proxies have the same rules as in HTTP: those of gRPC differ in names, suffixes and networks.
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", 1 << 20),
    ("grpc.service_config_disable_resolution", 1),
    # Without it, all channels of an address share the back-off of gRPC between connection attempts.
    ("grpc.use_local_subchannel_pool", 1),
)

# Wording of the library for connections that end during a call.
_LOST = re.compile("Stream removed|Socket closed|(recv|send)msg:|Connection reset|GOAWAY received")


class GrpcError(Exception):
    """The status of a call is not OK.

    Attributes:
        code: Name of the status code, such as ``UNAVAILABLE``.
        details: Text of the status.
        status: ``google.rpc.Status`` (protobuf) from the trailing metadata; empty without one.
    """

    def __init__(self, code: str, details: str, status: bytes = b"") -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details
        self.status = status


@final
class GrpcTransport:
    """Calls methods of one target over one channel per process. Only ``close`` may be called from another thread."""

    __slots__ = ("_channel", "_compress", "_owner", "target")

    def __init__(self, target: HttpTarget, *, compress: bool) -> None:
        """Store the target. The channel is opened by the first call.

        Args:
            target: Address; ``http`` means gRPC without TLS.
            compress: Whether to compress requests with gzip.
        """
        self.target = target
        self._compress = compress
        # The library has no types.
        self._channel: Any = None
        self._owner = 0

    def prepare(self) -> None:
        """Import what calls need, by opening a channel, which does not connect. What fails here fails the call."""
        with suppress(TlsFileError, TransportError):
            self._open(None).close()

    def call(self, method: str, body: bytes, *, timeout_seconds: float) -> bytes:
        """Send a request and return the encoded reply.

        Args:
            method: Full name, ``/package.Service/Method``.
            body: Encoded request.
            timeout_seconds: Limit for name resolution, connection and call together.

        Raises:
            TransportError: The server is not reached, or does not speak gRPC or the expected TLS.
            GrpcError: The status is not OK.
            TlsFileError: A certificate file cannot be used.
        """
        deadline = deadline_in(timeout_seconds)
        if self._channel is None or self._owner != os.getpid():
            proxy = tunnel_for(self.target.endpoint)
            _check_reachable(proxy or self.target.endpoint, deadline)
            self._channel = self._open(proxy)
            self._owner = os.getpid()
        grpc: Any = import_module("grpc")
        metadata = [
            (name, value.encode() if name.endswith("-bin") else value)
            for name, value in self.target.headers.items()
            if name != "user-agent"  # an option of the channel
        ]
        remaining = remaining_seconds(deadline, self.target.endpoint.display_url)
        try:
            # A method without serialisers sends and returns bytes.
            reply: bytes = self._channel.unary_unary(method)(body, timeout=remaining, metadata=metadata)
        except grpc.RpcError as error:
            raise self._map_error(error) from error
        return reply

    def close(self) -> None:
        """Close the channel and cancel a call that is waiting on it."""
        channel, self._channel = self._channel, None
        # A forked child cannot close the channel of its parent.
        if channel is not None and self._owner == os.getpid():
            channel.close()

    def _open(self, proxy: Endpoint | None) -> Any:  # noqa: ANN401 - the library has no types
        grpc: Any = import_module("grpc")
        _check_threads()
        target = self.target
        address = _address(proxy or target.endpoint)
        compression = grpc.Compression.Gzip if self._compress else grpc.Compression.NoCompression
        agent = ("grpc.primary_user_agent", target.headers.get("user-agent", ""))
        options = (*_OPTIONS, agent, *(_tunnel_options(proxy, _address(target.endpoint)) if proxy else ()))
        if not target.uses_tls:
            return grpc.insecure_channel(address, options, compression)
        credentials = grpc.ssl_channel_credentials(*read_pems(target.tls))
        return grpc.secure_channel(address, credentials, options, compression)

    def _map_error(self, error: Any) -> GrpcError | TransportError:  # noqa: ANN401 - the library has no types
        code: str = error.code().name
        details: str = error.details() or ""
        url = self.target.endpoint.display_url
        if code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
            # A peer that vanished silently is only found again by a new connection.
            self.close()
        if code == "DEADLINE_EXCEEDED":
            return TransportError("timeout", f"{url} did not answer within the time limit")
        if code == "UNAVAILABLE" and "handshake failed" in details.lower():
            return TransportError("tls", f"TLS with {url} failed: {details}")
        if code == "UNAVAILABLE" and ("Failed parsing HTTP/2" in details or "http1.x" in details):
            return TransportError("http1", f"{url} does not speak HTTP/2 (gRPC)")
        if code == "UNAVAILABLE" and (failure := _connection_failure(details)) is not None:
            kind, what = failure
            return TransportError(kind, f"{url} {what}: {details}")
        metadata: dict[str, bytes] = dict(error.trailing_metadata() or ())
        return GrpcError(code, details, metadata.get("grpc-status-details-bin", b""))


def _connection_failure(details: str) -> tuple[ErrorKind, str] | None:
    """Return kind and description of a status that the library made from a failed connection; None for others."""
    if not details.startswith("failed to connect"):
        return ("broken", "closed the connection without a reply") if _LOST.match(details) else None
    if "Failed to connect to remote host" in details:
        return "refused", "does not accept connections"
    return "broken", "closes connections"


def _address(endpoint: Endpoint) -> str:
    return f"{format_host(endpoint.host)}:{endpoint.port_or_default}"


def _check_threads() -> None:
    """Start a thread, as the gRPC library ends the process when it cannot start one of its own."""
    thread = Thread(target=int, name="flext-grpc-check", daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        if "interpreter shutdown" in str(error):  # Python 3.12 refuses its own threads at exit; gRPC's are others
            return
        raise TransportError("shortage", f"gRPC needs threads, and none can be started ({error})") from error
    thread.join()


def _check_reachable(endpoint: Endpoint, deadline: float) -> None:
    """Open and close a plain connection, whose errors are more precise than those of gRPC."""
    connect(endpoint.host, endpoint.port_or_default, deadline).close()


def _tunnel_options(proxy: Endpoint, destination: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a channel that is opened to a proxy, and from there to the destination.

    Source: https://github.com/grpc/grpc/blob/master/src/core/handshaker/http_connect/http_connect_handshaker.h
    """
    yield "grpc.http_connect_server", destination
    # Also the name that TLS verifies.
    yield "grpc.default_authority", destination
    if proxy.authorization:
        yield "grpc.http_connect_headers", f"Proxy-Authorization:{proxy.authorization}"
