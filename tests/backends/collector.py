"""OTLP/HTTP collector on loopback that records requests and sends scripted replies."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.serving import QuietHandler, serving

REQUEST_TYPES: Mapping[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True)
class Answer:
    """One reply.

    Attributes:
        status: Status code.
        headers: Additional header fields.
        body: Reply body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(frozen=True)
class Received:
    """One request.

    Attributes:
        path: Path with query.
        headers: Header fields with lower-case names.
        body: Body as sent.
        message: The decoded export request, or None for other paths and bodies.
        answered: Status of its reply.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes
    message: Any
    answered: int


@dataclass
class Collector:
    """A running collector.

    Attributes:
        port: TCP port on 127.0.0.1.
        scheme: ``http`` or ``https``.
        answers: Replies to the next requests, in order. ``standing`` is used when it is empty.
        standing: Reply when ``answers`` is empty.
        max_body_bytes: Larger bodies (in bytes, as sent) get the reply 413.
        requests: Received requests, in order.
        connections: Number of accepted connections.
    """

    port: int
    scheme: str = "http"
    answers: deque[Answer] = field(default_factory=deque[Answer])
    standing: Answer = field(default_factory=Answer)
    max_body_bytes: int | None = None
    requests: list[Received] = field(default_factory=list[Received])
    connections: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """Base URL, as for ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def accepted(self, path: str) -> list[Any]:
        """Return the decoded requests to this path with a 2xx reply."""
        return [
            each.message
            for each in list(self.requests)
            if each.path == path and each.message is not None and 200 <= each.answered < 300
        ]

    def spans(self) -> list[Span]:
        """Return all accepted spans."""
        return [
            span
            for message in self.accepted("/v1/traces")
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def log_records(self) -> list[LogRecord]:
        """Return all accepted log records."""
        return [
            record
            for message in self.accepted("/v1/logs")
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> list[Metric]:
        """Return all accepted metrics. The last one of a name has its newest totals."""
        return [
            metric
            for message in self.accepted("/v1/metrics")
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def wait_for(self, condition: Callable[[Collector], object], timeout_seconds: float = 5.0) -> None:
        """Wait until the condition holds, or fail the test after the timeout."""
        deadline = time.monotonic() + timeout_seconds
        with self.changed:
            while not condition(self):
                left = deadline - time.monotonic()
                assert left > 0, (
                    f"condition not met within {timeout_seconds} s; "
                    f"got {[(each.path, each.answered) for each in self.requests]}"
                )
                self.changed.wait(left)

    def handle_request(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Record a request and return its reply."""
        with self.changed:
            answer = self.answers.popleft() if self.answers else self.standing
            if self.max_body_bytes is not None and len(body) > self.max_body_bytes:
                answer = Answer(413)
            self.requests.append(Received(path, headers, body, decoded(path, headers, body), answer.status))
            self.changed.notify_all()
        return answer


def decoded(path: str, headers: Mapping[str, str], body: bytes) -> Any:
    """Return the export request in a body, or None for other paths and content types."""
    kind = REQUEST_TYPES.get(path)
    if kind is None or "protobuf" not in headers.get("content-type", ""):
        return None
    return kind.FromString(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)


@contextmanager
def collector(*, context: ssl.SSLContext | None = None, port: int = 0) -> Generator[Collector]:
    """Run a collector, optionally with TLS or on a given port."""

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = state.handle_request(
                self.path, {name.lower(): value for name, value in self.headers.items()}, body
            )
            headers = {"content-type": "application/x-protobuf", **answer.headers}
            self.reply(answer.status, headers, answer.body)

        def setup(self) -> None:
            state.connections += 1
            super().setup()

    server = _Server(("127.0.0.1", port), Handler)
    state = Collector(server.server_address[1], "https" if context else "http")
    try:
        with serving(server, context):
            yield state
    finally:
        server.close_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Close kept-alive connections after their current request."""
        for connection in list(self._open):
            with suppress(OSError):
                # SSLSocket.shutdown() would end the encryption before the current reply is sent.
                socket.socket.shutdown(connection, socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: tests close connections on purpose."""
