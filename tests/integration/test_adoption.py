"""Providers that another library installed first: adopted and never shut down, or reported with the fix."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider

from tests.programs import run

FOREIGN = """
import json, logging, os, sys
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

resource = Resource({"service.name": "theirs"})
their_spans, their_logs, their_reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
tracers, loggers = TracerProvider(resource=resource), LoggerProvider(resource=resource)
tracers.add_span_processor(SimpleSpanProcessor(their_spans))
loggers.add_log_record_processor(SimpleLogRecordProcessor(their_logs))
meters = MeterProvider([their_reader], resource)
"""
INSTALL = """
trace.set_tracer_provider(tracers)
metrics.set_meter_provider(meters)
_logs.set_logger_provider(loggers)
"""
OURS = """
from flext_observability import flush_observability, init_observability, shutdown_observability
from flext_observability.exporters.memory import memory_store
from flext_observability import correlation_scope, traced

ours = memory_store()

def work(name):
    with trace.get_tracer("t").start_as_current_span(name):
        logging.getLogger("app").warning(name)
        metrics.get_meter("t").create_counter("count").add(1)

def summary(status):
    return {signal: [each.state, each.reason, each.fix, [notice.message for notice in each.notices]]
            for signal, each in status.items()}
"""


def result(program: str, *, starts: int = 1) -> Any:
    done = run(program, PYTHONWARNINGS="ignore::DeprecationWarning")  # new Pythons warn of every fork
    assert done.code == 0, done.err
    logged = [line for line in done.err.splitlines() if line not in {"one", "two"}]
    assert [line for line in logged if "was installed first" not in line] == []
    assert len(logged) <= starts, "one line for a provider that cannot be adopted"
    return json.loads(done.out)


def test_foreign_providers_send_to_our_exporters_and_survive_our_shutdown() -> None:
    got = result(
        FOREIGN
        + INSTALL
        + OURS
        + """
handle = init_observability(service_name="ours", exporters="memory", console=False).unwrap()
status = summary(handle.status())
with correlation_scope("order-1"):
    work("one")
handle.flush()
report = handle.shutdown().unwrap()
work("two")
count = ours.metric("count")
(their_metric,) = their_reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
print(json.dumps({
    "status": status,
    "ours": [[span.name for span in ours.spans], [each.log_record.body for each in ours.logs]],
    "theirs": [span.name for span in their_spans.get_finished_spans()],
    "resource": ours.spans[0].resource.attributes["service.name"],
    "correlation": [
        item.attributes.get("flext.correlation_id") for item in (ours.spans[0], ours.logs[0].log_record)
    ],
    "traced": ours.logs[0].log_record.trace_id == ours.spans[0].context.trace_id,
    "count": count and count.data.data_points[0].value,
    "their_count": their_metric.data.data_points[0].value,
    "exported": {row.signal: [row.finished, row.exported] for row in report.ledger.exporters},
}))
"""
    )
    assert got["ours"] == [["one"], ["one"]]
    assert got["theirs"] == ["one", "two"]
    assert got["resource"] == "theirs"
    assert got["correlation"] == ["order-1", "order-1"]
    assert got["traced"]
    assert got["their_count"] == 2
    assert got["exported"]["traces"] == got["exported"]["logs"] == [1, 1]
    for signal in ("traces", "logs"):
        state, reason, _, messages = got["status"][signal]
        assert (state, reason) == ("active", "")
        assert "resource" in messages[-1]
        assert "was installed first and is used" in messages[-1]
    state, reason, fix, messages = got["status"]["metrics"]
    if hasattr(MeterProvider, "add_metric_reader"):
        assert (state, got["count"]) == ("active", 1)
        assert "was installed first and is used, with its own resource, views and exemplar filter" in messages[-1]
    else:
        assert (state, got["count"]) == ("degraded", None)
        assert "opentelemetry.sdk.metrics" in reason
        assert "init_observability before" in fix


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_a_no_op_provider_degrades_its_signal_with_the_fix(signal: str) -> None:
    installed = {
        "traces": "trace.set_tracer_provider(trace.NoOpTracerProvider())",
        "metrics": "metrics.set_meter_provider(metrics.NoOpMeterProvider())",
        "logs": "_logs.set_logger_provider(_logs.NoOpLoggerProvider())",
    }
    got = result(
        FOREIGN
        + installed[signal]
        + OURS
        + """
handle = init_observability(exporters="memory", metric_export_interval_seconds=0.02, console=False).unwrap()
work("one")
report = handle.flush(5).unwrap()
work("two")
handle.flush(5)
print(json.dumps([summary(handle.status()), report.complete]))
"""
    )
    status, complete = got
    assert complete
    state, reason, fix, _ = status.pop(signal)
    assert state == "degraded"
    assert "NoOp" in reason
    assert "init_observability before" in fix
    assert {each[0] for each in status.values()} == {"active"}


def test_a_provider_that_raises_degrades_its_signal_only() -> None:
    got = result(
        FOREIGN
        + """
class Broken(TracerProvider):
    def add_span_processor(self, processor):
        raise RuntimeError("not today")
trace.set_tracer_provider(Broken())
"""
        + OURS
        + """
for _ in range(2):
    handle = init_observability(exporters="memory", console=False).unwrap()
work("one")
handle.flush(5)
status = handle.status()
bodies = [each.log_record.body for each in ours.logs]
print(json.dumps([status["traces"].state, status["traces"].reason, status["logs"].state, bodies]))
""",
        starts=2,
    )
    state, reason, logs_state, logs = got
    assert (state, logs_state, logs) == ("degraded", "active", ["one"])
    assert "not today" in reason


def test_a_second_start_sends_to_the_new_exporters_only() -> None:
    got = result(
        FOREIGN
        + INSTALL
        + OURS
        + """
from flext_observability import register_exporter
from flext_observability.exporters.memory import MemoryFactory, MemoryStore
second = MemoryStore()
register_exporter("second", MemoryFactory(second))
init_observability(exporters="memory", metrics_enabled=False, console=False)
work("one")
handle = init_observability(exporters="second", metrics_enabled=False, console=False).unwrap()
work("two")
handle.flush()
status = handle.status()
rows = [row for signal in ("traces", "logs") for row in status[signal].deliveries]
print(json.dumps([
    [span.name for span in ours.spans], [each.log_record.body for each in ours.logs],
    [span.name for span in second.spans], [each.log_record.body for each in second.logs],
    [(row.finished, row.exported, sum(row.dropped.values())) for row in rows],
]))
"""
    )
    assert got == [["one"], ["one"], ["two"], ["two"], [[1, 1, 0], [1, 1, 0]]]


def test_a_span_open_at_the_adoption_is_counted_once() -> None:
    got = result(
        FOREIGN
        + INSTALL
        + OURS
        + """
early = trace.get_tracer("t").start_span("early")
handle = init_observability(exporters={"traces": "memory"}, metrics_enabled=False, console=False).unwrap()
early.end()
handle.flush()
counts = handle.status()["traces"].counts
print(json.dumps([counts.started, counts.open, counts.finished, [span.name for span in ours.spans]]))
"""
    )
    assert got == [1, 0, 1, ["early"]]


def test_a_foreign_provider_in_a_forked_child_sends_each_span_once() -> None:
    got = result(
        FOREIGN
        + INSTALL
        + OURS
        + """
settings = dict(metrics_enabled=False, logs_enabled=False, console=False)
handle = init_observability(exporters={"traces": "memory"}, **settings).unwrap()
work("one")
child = os.fork()
if child == 0:
    work("two")
    handle.flush()
    row = handle.status()["traces"].deliveries[0]
    os._exit(0 if (row.finished, row.exported, row.dropped) == (1, 1, {}) else 1)
code = os.waitpid(child, 0)[1]
handle.flush()
print(json.dumps([code, [span.name for span in ours.spans]]))
"""
    )
    assert got == [0, ["one"]]


def test_our_providers_stay_when_a_library_installs_others_later() -> None:
    done = run(
        FOREIGN
        + OURS
        + """
handle = init_observability(exporters="memory", console=False).unwrap()
"""
        + INSTALL
        + """
work("one")
handle.flush()
(point,) = ours.metric("count").data.data_points
print([span.name for span in ours.spans], [each.log_record.body for each in ours.logs], point.value)
"""
    )
    assert done.code == 0, done.err
    assert done.out == "['one'] ['one'] 1\n"
