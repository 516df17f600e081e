"""A system that refuses threads: telemetry says so, is sent by the calling thread, and continues when threads start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flext_observability.runtime.daemon import THREAD_FIX
from tests.backends.collector import Collector
from tests.backends.ports import refusing_port
from tests.programs import UNMEASURED, Finished, run

# Threads with a stack of 1 GiB do not fit into the address space that is left. Root has no limit of processes to reach.
PROGRAM = """
import logging, resource, threading, time
from pathlib import Path
from opentelemetry import metrics, trace
from flext_observability import flush_observability, init_observability, shutdown_observability

def refuse_threads():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    threading.stack_size(1 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (400 << 20), resource.RLIM_INFINITY))

def allow_threads():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    threading.stack_size(0)

def start(**arguments):
    return init_observability(service_name="shop", console=False, **arguments).unwrap()

def state(signal):
    status = handle.status()[signal]
    return " ".join(filter(None, (status.state, status.reason, status.fix)))

def work(name):
    with trace.get_tracer("t").start_as_current_span(name):
        logging.getLogger("app").warning(name)

logging.getLogger("app").propagate = False
counter = metrics.get_meter("t").create_counter("count")
refuse_threads()
"""


@pytest.fixture
def dead() -> Iterator[str]:
    """Address that refuses connections."""
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


def program(source: str, **settings: str) -> Finished:
    done = run(PROGRAM + source, **settings, **UNMEASURED)
    assert done.code == 0, done.err
    return done


def test_periodic_metrics_begin_when_threads_start(received: Collector) -> None:
    done = program(
        """
handle = start(exporters={"metrics": "otlp_http"}, metric_export_interval_seconds=0.1)
counter.add(1)
print(state("metrics"))
allow_threads()
time.sleep(1.1)
handle.status()  # any worker or call of this library tries again
time.sleep(0.5)
print(state("metrics"), handle.status()["metrics"].counts.finished > 0)
shutdown_observability()
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
    )
    assert done.lines == [
        f"degraded the thread flext-metrics-otlp_http cannot be started: can't start new thread {THREAD_FIX}",
        "active True",
    ], done.err
    assert done.err.count("flext-metrics-otlp_http cannot be started") == 1
    assert "otlp_http has recovered" in done.err


def test_a_flush_sends_everything_from_the_calling_thread(received: Collector) -> None:
    done = program(
        """
handle = start(exporters="otlp_http")
work("first")
counter.add(1)
print(flush_observability(5).unwrap().complete)
print(*(state(signal).split()[0] for signal in ("traces", "metrics", "logs")))
work("second")
print(shutdown_observability(5).unwrap().complete)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
    )
    assert done.lines == ["True", "degraded degraded degraded", "True"], done.err
    assert [span.name for span in received.spans()] == ["first", "second"]
    assert [metric.name for metric in received.metrics()] == ["count", "count"]
    assert [record.body.string_value for record in received.log_records()] == ["first", "second"]


def test_a_flush_to_a_dead_receiver_is_incomplete_and_in_time(dead: str) -> None:
    done = program(
        """
handle = start(exporters={"traces": "otlp_http", "metrics": "otlp_http"})
work("first")
counter.add(1)
report = flush_observability(0.5).unwrap()
print(report.complete, report.duration_seconds < 2)
print(shutdown_observability(0.5).unwrap().complete)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=dead,
    )
    assert done.lines == ["False True", "False"], done.err


def test_queued_items_are_sent_when_threads_start(received: Collector) -> None:
    done = program(
        """
handle = start(exporters={"traces": "otlp_http"})
work("first")
allow_threads()
time.sleep(0.3)
work("second")
for _ in range(100):
    if handle.status()["traces"].deliveries[0].exported == 2:
        break
    time.sleep(0.05)
print(state("traces"), handle.status()["traces"].deliveries[0].exported)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
    )
    assert done.lines == ["active 2"], done.err


@pytest.mark.parametrize("exporters", ["none", "console", "memory", "otlp_file", "otlp_grpc", "pushgateway"])
def test_every_exporter_starts(exporters: str, tmp_path: Path, dead: str) -> None:
    done = program(
        f"""
result = init_observability(exporters={exporters!r}, console=False, prometheus_port=0)
print(result.success, result.code)
work("first")
flush_observability(1)
""",
        FLEXT_OBSERVABILITY_OTLP_FILE_PATH=str(tmp_path / "telemetry.jsonl"),
        PROMETHEUS_PUSH_GATEWAY=dead,
        OTEL_EXPORTER_OTLP_ENDPOINT=dead,
    )
    assert done.lines == ["True None"], done.err
