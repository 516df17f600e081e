"""Time of import and start-up in fresh processes, compared with the plain SDK."""

from __future__ import annotations

from benchmarks.measure import Row, interleave_programs

IMPORT = "import time; began = time.perf_counter(); import flext_observability; print(time.perf_counter() - began)"
API = "import time; began = time.perf_counter(); import opentelemetry.trace; print(time.perf_counter() - began)"

OURS = """
import time
began = time.perf_counter()
from flext_observability import init_observability
handle = init_observability(service_name="bench", exporters="otlp_http", console=False).unwrap()
print(time.perf_counter() - began)
"""
STOCK = """
import time
began = time.perf_counter()
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
print(time.perf_counter() - began)
import os
os._exit(0) if print(end="", flush=True) is None else None
"""


def rows() -> list[Row]:
    """Measure the import, and the start of three signals over OTLP/HTTP."""
    best = interleave_programs({"import": IMPORT, "api": API, "start": OURS, "stock": STOCK})
    return [
        Row("import flext_observability", best["import"], best["api"], "import opentelemetry.trace", "≤ 5 ms"),
        Row("start, three signals over OTLP/HTTP", best["start"], best["stock"], "SDK", "≤ 0.60"),
    ]
