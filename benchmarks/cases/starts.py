"""Import of the package, and start of three signals, in fresh processes."""

from __future__ import annotations

import statistics

from benchmarks.measure import interleave_programs
from benchmarks.readings import Reading, Settings, reading

_NOTHING = """
import json, time
began = time.perf_counter()
print(json.dumps({"cost": time.perf_counter() - began}))
"""
_IMPORT = """
import sys, time
before = set(sys.modules)
began = time.perf_counter()
import flext_observability
cost = time.perf_counter() - began
import json
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
heavy = sorted(loaded & {"opentelemetry", "pydantic", "requests", "grpc", "google", "prometheus_client", "structlog"})
print(json.dumps({"cost": cost, "modules": len(loaded), "heavy": heavy}))
"""
_OURS = """
import time
began, cpu = time.perf_counter(), time.process_time()
from flext_observability import init_observability
handle = init_observability(service_name="bench", exporters="otlp_http", console=False).unwrap()
cost, cpu = time.perf_counter() - began, time.process_time() - cpu
import json, os
print(json.dumps({"cost": cost, "cpu": cpu}), flush=True)
os._exit(0)
"""
_STOCK = """
import time
began, cpu = time.perf_counter(), time.process_time()
from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
resource = Resource.create({"service.name": "bench"})
tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(tracers)
reader = PeriodicExportingMetricReader(OTLPMetricExporter())
metrics.set_meter_provider(MeterProvider([reader], resource=resource, shutdown_on_exit=False))
loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
_logs.set_logger_provider(loggers)
cost, cpu = time.perf_counter() - began, time.process_time() - cpu
import json, os
print(json.dumps({"cost": cost, "cpu": cpu}), flush=True)
os._exit(0)
"""
_FIRST_SPAN = """
import socket, time
server = socket.create_server(("127.0.0.1", 0))
address = f"http://127.0.0.1:{server.getsockname()[1]}"
began = time.perf_counter()
from flext_observability import init_observability, traced
options = {"service_name": "bench", "exporters": "otlp_http", "otlp_endpoint": address, "console": False}
handle = init_observability(**options).unwrap()
with traced("first"):
    pass
ended = time.perf_counter()
connection, _ = server.accept()
body = b""
while b"first" not in body:
    body += connection.recv(65536)
received = time.perf_counter()
import json, os
print(json.dumps({"cost": received - began, "wait": received - ended}), flush=True)
os._exit(0)
"""


def imported(settings: Settings) -> list[Reading]:
    """G12: the import above bare Python, and the heavy modules that it loads."""
    rounds, outputs = interleave_programs(
        {"import": ("-c", _IMPORT), "bare": ("-c", _NOTHING)}, settings.process_rounds
    )
    ours, median = rounds.best("import") * 1000, sorted(rounds.costs["import"])[settings.process_rounds // 2] * 1000
    heavy = outputs["import"][-1]["heavy"]
    return [
        Reading("G12 time", ours, median, ours, 0.0, "ms"),
        Reading("G12 modules", len(heavy), len(heavy), len(heavy), 0.0, "", ", ".join(heavy)),
    ]


def started(settings: Settings) -> list[Reading]:
    """G13: import and start of traces, metrics and logs over OTLP/HTTP, and the first span after it."""
    return [_started(settings), _first_span(settings)]


def _started(settings: Settings) -> Reading:
    rounds, outputs = interleave_programs({"ours": ("-c", _OURS), "stock": ("-c", _STOCK)}, settings.process_rounds)
    ratio = rounds.ratio("ours", "stock")
    ours, stock = (min(each["cpu"] for each in outputs[side]) for side in ("ours", "stock"))
    note = f"CPU time {ours * 1000:.0f} ms against {stock * 1000:.0f} ms, {ours / stock:.2f}×"
    return reading("G13 start", ratio, rounds.best("ours") * 1000, rounds.best("stock") * 1000, "ms", note)


def _first_span(settings: Settings) -> Reading:
    rounds, outputs = interleave_programs({"ours": ("-c", _FIRST_SPAN)}, settings.process_rounds)
    best, wait = rounds.best("ours") * 1000, min(each["wait"] for each in outputs["ours"]) * 1000
    median = statistics.median(rounds.costs["ours"]) * 1000
    return Reading("G13 first", best, median, best, 0.0, "ms", f"{wait:.0f} ms after the end of the span")
