"""OTLP/gRPC collector on loopback that records requests and sends scripted replies."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped] # the library carries no types
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from tests.backends.certificates import Certificates

_SERVICES: Mapping[str, Any] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": traces.ExportTraceServiceRequest,
    "opentelemetry.proto.collector.metrics.v1.MetricsService": metrics.ExportMetricsServiceRequest,
    "opentelemetry.proto.collector.logs.v1.LogsService": logs.ExportLogsServiceRequest,
}
StatusOutcome = tuple[Any, str, tuple[tuple[str, bytes | str], ...]]


@dataclass
class GrpcCollector:
    """A running collector.

    Attributes:
        port: TCP port on 127.0.0.1.
        secure: Whether it uses TLS.
        rejections: Status code, details and trailing metadata of the next calls, in order. ``standing`` is used when it
            is empty.
        standing: The same for all calls. None accepts them.
        reply: Bytes of the response to an accepted call.
        requests: Accepted requests, in order.
        metadata: Metadata of every call.
    """

    port: int
    secure: bool
    rejections: deque[StatusOutcome] = field(default_factory=deque[Any])
    standing: StatusOutcome | None = None
    reply: bytes = b""
    requests: list[Any] = field(default_factory=list[Any])
    metadata: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def url(self) -> str:
        """Base URL, as for ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    def spans(self) -> list[Any]:
        """Return all accepted spans."""
        return [
            span
            for request in self.requests
            for resource in getattr(request, "resource_spans", ())
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def handle_call(self, body: Any, context: Any) -> bytes:
        """Answer one call."""
        self.metadata.append(dict(context.invocation_metadata()))
        rejection = self.rejections.popleft() if self.rejections else self.standing
        if rejection is not None:
            code, details, trailing = rejection
            context.set_trailing_metadata(trailing)
            context.abort(code, details)
        self.requests.append(body)
        return self.reply


@contextmanager
def grpc_collector(
    certificates: Certificates | None = None,
    *,
    ask_client: bool = False,
    max_bytes: int = 1 << 22,
    port: int = 0,
    raw: bool = False,
) -> Generator[GrpcCollector]:
    """Run a collector, with TLS if certificates are given.

    Args:
        certificates: Certificates for TLS.
        ask_client: Whether to require a client certificate.
        max_bytes: Larger requests are rejected.
        port: Port, or 0 for any.
        raw: Whether to keep requests as bytes.
    """
    server: Any = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", max_bytes)])
    state = GrpcCollector(0, secure=certificates is not None)
    for service, request in _SERVICES.items():
        parse = None if raw else request.FromString
        handler = grpc.unary_unary_rpc_method_handler(state.handle_call, request_deserializer=parse)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
    if certificates is None:
        state.port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        pair = [(certificates.server.read_bytes(), certificates.server.read_bytes())]
        roots = certificates.authority.read_bytes() if ask_client else None
        credentials = grpc.ssl_server_credentials(pair, roots, ask_client)
        state.port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield state
    finally:
        server.stop(1).wait()  # running calls get their replies
