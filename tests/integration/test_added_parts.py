"""Processors and readers that a program adds to OpenTelemetry's global providers: as with the SDK's own providers."""

from __future__ import annotations

import sys

import pytest

from tests.programs import run

START = """
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor
from flext_observability import init_observability

seen = []

class Spans(SpanProcessor):
    def on_end(self, span):
        seen.append(span.name)

    def force_flush(self, timeout_millis=30000):
        return True

class Records(LogRecordProcessor):
    def on_emit(self, log_data):
        seen.append(log_data.log_record.body)

    emit = on_emit  # SDKs before 1.36

    def shutdown(self): ...

    def force_flush(self, timeout_millis=30000):
        return True

def start(**settings):
    settings = {"service_name": "own", "exporters": ["memory"], "console": False, **settings}
    return init_observability(**settings).unwrap()

def work(name):
    trace.get_tracer("t").start_span(name).end()
    _logs.get_logger("l").emit(_logs.LogRecord(body=name))

handle = start()
trace.get_tracer_provider().add_span_processor(Spans())
_logs.get_logger_provider().add_log_record_processor(Records())
work("first")
"""
engines = pytest.mark.parametrize("engine", ["lean", "sdk"])


def out(program: str, engine: str) -> str:
    finished = run(START + program, FLEXT_OBSERVABILITY_ENGINE=engine)
    assert (finished.code, finished.err) == (0, "")
    return finished.out


@engines
def test_processors_stay_after_a_second_start(engine: str) -> None:
    program = """
start(service_name="other")
work("second")
start(disabled=True)
work("disabled")
start()
work("third")
print(seen)
"""
    assert out(program, engine) == "['first', 'first', 'second', 'second', 'third', 'third']\n"


@engines
def test_processors_stay_in_a_forked_child(engine: str) -> None:
    program = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads
if os.fork() == 0:
    work("child")
    print(seen, flush=True)
    os._exit(0)
os.wait()
"""
    assert out(program, engine) == "['first', 'first', 'child', 'child']\n"


@engines
def test_processors_receive_spans_of_all_service_names(engine: str) -> None:
    program = """
for attributes in (None, {"flext.service.name": "early"}):
    trace.get_tracer("t", attributes=attributes).start_span(str(attributes)).end()
class More(SpanProcessor):
    def on_end(self, span):
        seen.append(span.resource.attributes["service.name"])
trace.get_tracer_provider().add_span_processor(More())
for service in ("early", "late"):
    trace.get_tracer("t", attributes={"flext.service.name": service}).start_span(service).end()
print(seen[2:])
"""
    shown = ["None", "{'flext.service.name': 'early'}", "early", "early", "late", "late"]
    assert out(program, engine) == f"{shown}\n"


BATCHES = """
from opentelemetry.sdk._logs import export
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
console = getattr(export, "ConsoleLogRecordExporter", None) or export.ConsoleLogExporter
shown = console(formatter=lambda record: str(getattr(record, "log_record", record).body) + chr(10))
trace.get_tracer_provider().add_span_processor(
    BatchSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.name + chr(10)))
)
_logs.get_logger_provider().add_log_record_processor(export.BatchLogRecordProcessor(shown))
work("work")
"""


@engines
@pytest.mark.parametrize("end", ["", "handle.shutdown()", "trace.get_tracer_provider().shutdown()"])
def test_batch_processors_export_at_exit(engine: str, end: str) -> None:
    assert sorted(out(BATCHES + end, engine).split()) == ["work", "work"]


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="no thread can be started at exit")
@engines
def test_a_processor_that_hangs_at_exit_costs_the_time_of_a_shutdown(engine: str) -> None:
    program = """
import threading
class Hanging(SpanProcessor):
    def shutdown(self):
        threading.Event().wait()
trace.get_tracer_provider().add_span_processor(Hanging())
"""
    finished = run(START + program, FLEXT_OBSERVABILITY_ENGINE=engine)
    assert (finished.code, finished.err) == (0, "")


READER = """
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExporter, MetricExportResult
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

class Shown(MetricExporter):
    def export(self, data, timeout_millis=10_000, **options):
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        jobs = [each for scope in scopes for each in scope.metrics if each.name == "jobs"]
        print([point.value for each in jobs for point in each.data.data_points], flush=True)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=10_000):
        return True

    def shutdown(self, timeout_millis=30_000, **options):
        print("end")

meters = metrics.get_meter_provider()
reader = PeriodicExportingMetricReader(Shown(), 3_600_000)
meters.add_metric_reader(reader)
counter = metrics.get_meter("m").create_counter("jobs")
counter.add(1)
"""


@pytest.mark.newest_sdk(reason="the oldest SDK adds no reader to a provider")
@engines
def test_a_reader_follows_a_second_start_and_exports_at_exit(engine: str) -> None:
    program = """
start(service_name="other")
counter.add(5)
"""
    assert out(READER + program, engine).split() == ["[5]", "end"]


@pytest.mark.newest_sdk(reason="the oldest SDK adds no reader to a provider")
@engines
def test_a_removed_reader_does_not_follow(engine: str) -> None:
    program = """
meters.remove_metric_reader(reader)
start(service_name="other")
counter.add(5)
"""
    finished = run(START + READER + program, FLEXT_OBSERVABILITY_ENGINE=engine)
    assert (finished.code, finished.out) == (0, "end\n")


RECEIVER = """
import http.server, threading

class Pages(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        received.append(self.path)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_): ...

received = []
server = http.server.HTTPServer(("127.0.0.1", 0), Pages)
threading.Thread(target=server.serve_forever, daemon=True).start()
start(
    exporters="otlp_http", otlp_endpoint=f"http://127.0.0.1:{server.server_port}", traces_schedule_delay_seconds=3600,
    logs_schedule_delay_seconds=3600, metric_export_interval_seconds=3600,
)
providers = trace.get_tracer_provider(), _logs.get_logger_provider(), metrics.get_meter_provider()
counter = metrics.get_meter("m").create_counter("jobs")
work("first")  # leaves at once
counter.add(1)
assert all(provider.force_flush() is not False for provider in providers)
received.clear()
work("second")
counter.add(1)
"""


@engines
@pytest.mark.parametrize("method", ["force_flush", "shutdown"])
def test_the_methods_of_the_providers_send_everything(engine: str, method: str) -> None:
    program = f"print([(provider.{method}(), sorted(set(received))) for provider in providers][-1])"
    expected = ("True" if method == "force_flush" else "None", ["/v1/logs", "/v1/metrics", "/v1/traces"])
    assert out(RECEIVER + program, engine) == f"({expected[0]}, {expected[1]})\n"


def test_a_foreign_provider_sends_everything() -> None:
    program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from flext_observability import init_observability
from flext_observability.exporters.memory import MemoryFactory, MemoryStore
from flext_observability import register_exporter
store = MemoryStore()
register_exporter("kept", MemoryFactory(store))
provider = TracerProvider()
trace.set_tracer_provider(provider)
init_observability(exporters="kept", console=False)
for name in ("first", "second"):
    trace.get_tracer("t").start_span(name).end()
    assert provider.force_flush()
    print(store.spans[-1].name == name)
"""
    assert run(program).out == "True\nTrue\n"
