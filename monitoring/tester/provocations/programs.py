"""Programs with failures that run until the end of the test: their output and exit are checked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from monitoring.native.parts import COLLECTOR
from monitoring.native.places import Places, StackError

_PROGRAM: Final = "monitoring.tester.provocations.failing_service"
_GRACE_SECONDS: Final = 10.0
_READY: Final = "ready"


class _Refusing(BaseHTTPRequestHandler):
    """Refuses each request as invalid, which clients do not repeat."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_error(400, "refused by the test")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # name of the base class
        """Log nothing."""


@contextmanager
def failing_programs(places: Places) -> Generator[None]:
    """Run a program that fails, and two that lose telemetry, during the ``with`` block."""
    collector = f"http://{places.address(COLLECTOR, 'otlp_http')}"
    with ExitStack() as stack:
        refusing = stack.enter_context(_refusing_endpoint())
        programs = {
            "observability-test-failing": collector,
            "observability-test-refused": refusing,
            "observability-test-unreachable": "http://127.0.0.1:9",  # the discard port: no process listens there
        }
        for name, endpoint in programs.items():
            stack.enter_context(_program(name, collector, endpoint))
        yield


@contextmanager
def _refusing_endpoint() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _program(name: str, collector: str, endpoint: str) -> Generator[None]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "FLEXT_"))}
    environment = {
        **kept,
        "OTEL_SERVICE_NAME": name,
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=observability-test,deployment.environment.name=test",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{endpoint}/v1/traces",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{endpoint}/v1/logs",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{collector}/v1/metrics",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_BSP_MAX_QUEUE_SIZE": "64",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32",
        "OTEL_BLRP_MAX_QUEUE_SIZE": "64",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "32",
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
    }
    argv = (sys.executable, "-m", _PROGRAM)
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as own:
        try:
            if own.stdout is None or own.stdin is None or own.stdout.readline().strip() != _READY:
                raise StackError(f"{name} did not start. Run it to see why: python -m {_PROGRAM}.")
            yield
        finally:
            own.terminate()
            try:
                own.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                own.kill()
