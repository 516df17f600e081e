"""OTLP/HTTP receiver on loopback, in a process of its own, for machines without a collector: counts items.

``/raw`` accepts any body. ``GET /`` returns the counts. The address is the first line of output.
"""

from __future__ import annotations

import gzip
import json
import socketserver
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_received: Final = Counter[str]()
_lock: Final = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/raw":
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            with _lock:
                _received.update(_count(self.path, body))
        self._answer(b"{}" if self.path.startswith("/v0") else b"")

    do_PUT = do_POST  # noqa: N815 - agents of other libraries

    def do_GET(self) -> None:
        with _lock:
            self._answer(json.dumps(_received).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


def _count(path: str, body: bytes) -> dict[str, int]:
    if path == "/v1/logs":
        logs = ExportLogsServiceRequest.FromString(body)
        return {"logs": sum(len(scope.log_records) for each in logs.resource_logs for scope in each.scope_logs)}
    if path == "/v1/traces":
        traces = ExportTraceServiceRequest.FromString(body)
        return {"traces": sum(len(scope.spans) for each in traces.resource_spans for scope in each.scope_spans)}
    return {}


def main() -> None:
    """Serve until the process is terminated."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever(poll_interval=5)


if __name__ == "__main__":
    main()
