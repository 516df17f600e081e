"""The exit of a program: its cost, its counts, and delivery for every kind of exit."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.backends.collector import Collector, collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.backends.raw import raw_server, silent
from tests.programs import UNMEASURED, Finished, environment, run

PROTOCOLS = ("http/protobuf", "grpc")

USE_THREE_SIGNALS = """
import json, logging
from opentelemetry import metrics, trace
from flext_observability import get_observability, init_observability, shutdown_observability

init_observability(service_name="leaving", console=False)
with trace.get_tracer("t").start_as_current_span("work"):
    logging.getLogger("app").warning("line")
    metrics.get_meter("t").create_counter("count").add(1)
"""
REPORT = """
report = shutdown_observability().unwrap()
print(json.dumps({
    "seconds": report.duration_seconds,
    "complete": report.complete,
    "rows": [
        [row.signal, row.finished, row.exported, row.queued + row.in_flight, dict(row.dropped)]
        for row in report.ledger.exporters
    ],
}))
"""


LAST_STATEMENT = """
import time
print(time.monotonic(), flush=True)
"""


def cheapest_exit(limit: float, source: str, attempts: int = 8, /, **settings: str) -> tuple[float, Finished]:
    """Return the seconds from the last statement of a program to its end, and the program.

    It is the first exit within the limit, or the cheapest one: other load on the machine only adds to it.
    """
    best: tuple[float, Finished] | None = None
    for _ in range(attempts):
        done = run(source + LAST_STATEMENT, **settings, **UNMEASURED)
        cost = done.ended - float(done.lines[-1])
        if best is None or cost < best[0]:
            best = cost, done
        if cost <= limit:
            break
    assert best is not None
    return best


@pytest.mark.alone
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refusing_collector_costs_no_more_than_300_ms(protocol: str) -> None:
    with refusing_port() as port:
        settings = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        cost, done = cheapest_exit(0.3, USE_THREE_SIGNALS, **settings)
    assert cost <= 0.3
    lines = done.err.splitlines()
    assert lines[0] == "line"
    assert "is down" in lines[1]
    assert str(port) in lines[1]
    assert lines[2:] == [lost(protocol, "unreachable")]


@pytest.mark.alone
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_silent_collector_costs_no_more_than_2200_ms(protocol: str) -> None:
    with raw_server(silent) as server:
        settings = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
        cost, done = cheapest_exit(2.2, USE_THREE_SIGNALS, **settings)
    assert cost <= 2.2
    assert done.err.splitlines() == ["line", lost(protocol, "shutdown_deadline")]


def lost(protocol: str, reason: str) -> str:
    exporter = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    signals = ("traces", "metrics", "logs")
    return f"Telemetry was lost: {', '.join(f'{exporter} 1 of 1 {signal} ({reason})' for signal in signals)}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_shutdown_report_counts_undelivered_items(protocol: str) -> None:
    with refusing_port() as port:
        done = run(
            USE_THREE_SIGNALS + REPORT,
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
        )
    report = json.loads(done.out)
    assert report["complete"] is False
    assert sorted(report["rows"]) == [[signal, 1, 0, 0, {"unreachable": 1}] for signal in ("logs", "metrics", "traces")]


@pytest.mark.alone
def test_the_configured_shutdown_timeout_holds_without_an_answer() -> None:
    with raw_server(silent) as server:
        done = run(
            USE_THREE_SIGNALS + REPORT,
            OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
            FLEXT_OBSERVABILITY_SHUTDOWN_TIMEOUT_SECONDS="0.4",
        )
    report = json.loads(done.out)
    assert 0.35 <= report["seconds"] <= 0.6
    assert sorted(report["rows"]) == [
        [signal, 1, 0, 0, {"shutdown_deadline": 1}] for signal in ("logs", "metrics", "traces")
    ]


@pytest.mark.alone
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_flush_of_100_ms_returns_within_150(protocol: str) -> None:
    flushes = """
import time
handle = get_observability().unwrap()
took = []
for _ in range(5):
    began = time.monotonic()
    report = handle.flush(0.1).unwrap()
    took.append(time.monotonic() - began)
print(json.dumps([min(took), max(took), report.complete, report.queued]))
shutdown_observability(0)
"""
    with raw_server(silent) as server:
        settings = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
        done = run(USE_THREE_SIGNALS + flushes, **settings, **UNMEASURED)
    best, worst, complete, queued = json.loads(done.out)
    assert best >= 0.1
    assert best <= 0.15
    assert worst <= 0.3, "allowance for a loaded machine"
    assert (complete, queued) == (False, 3)


EXITS = {
    "end of main": "",
    "sys.exit": "import sys\nsys.exit(3)",
    "exception": "raise RuntimeError('over')",
    "keyboard": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(5)",
}


@pytest.mark.parametrize("end", EXITS)
def test_all_items_arrive_for_every_kind_of_exit(end: str) -> None:
    with collector() as received:
        done = run(USE_THREE_SIGNALS + EXITS[end], OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert (done.code == 0) == (end == "end of main")
    assert [span.name for span in received.spans()] == ["work"]
    assert [record.body.string_value for record in received.log_records()] == ["line"]
    assert received.metrics()[-1].sum.data_points[0].as_int == 1
    assert "lost" not in done.err


def test_all_items_arrive_over_grpc_at_exit() -> None:
    with grpc_collector() as received:
        run(USE_THREE_SIGNALS, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert [span.name for span in received.spans()] == ["work"]
    assert len(received.requests) == 3


def test_items_recorded_by_exit_handlers_arrive() -> None:
    program = """
import atexit, logging
from opentelemetry import metrics, trace
from flext_observability import init_observability

init_observability(service_name="leaving", console=False)

@atexit.register
def last():
    with trace.get_tracer("t").start_as_current_span("late"):
        logging.getLogger("app").warning("late line")
        metrics.get_meter("t").create_counter("late").add(1)
"""
    with collector() as received:
        run(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert [span.name for span in received.spans()] == ["late"]
    assert [record.body.string_value for record in received.log_records()] == ["late line"]
    assert received.metrics()[-1].name == "late"


def test_recording_after_our_exit_handler_is_harmless() -> None:
    program = """
import atexit, logging

@atexit.register
def after_ours():
    with trace.get_tracer("t").start_as_current_span("too late"):
        logging.getLogger("app").warning("too late")
    print("handler done", flush=True)

from opentelemetry import trace
from flext_observability import init_observability
init_observability(service_name="leaving", console=False)
trace.get_tracer("t").start_span("work").end()
"""
    with collector() as received:
        done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert (done.code, done.lines) == (0, ["handler done"])
    assert [span.name for span in received.spans()] == ["work"]


@pytest.mark.alone
def test_recording_threads_do_not_delay_the_exit() -> None:
    program = """
import threading

def busy():
    while True:
        trace.get_tracer("t").start_span("busy").end()

for _ in range(2):
    threading.Thread(target=busy, daemon=True).start()
"""
    with collector() as received:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url}
        cost, done = cheapest_exit(2.5, USE_THREE_SIGNALS + program, **settings)
    assert done.code == 0
    assert cost <= 2.5


@contextmanager
def interactive(source: str, settings: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program with pipes for its standard streams, and end it."""
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment({**settings, **UNMEASURED}),
    )
    try:
        yield child
        child.communicate(timeout=10)
    finally:
        child.kill()
        child.wait()


RECORD_ON_REQUEST = """
import sys
from opentelemetry import trace
from flext_observability import init_observability
init_observability(service_name="first", console=False)
for line in sys.stdin:
    trace.get_tracer("t").start_span(line.strip()).end()
"""


def arrival_seconds(received: Collector, child: Any, name: str) -> float:
    """Request a span. Return the time from its end to its arrival at the collector, in seconds."""
    child.stdin.write(f"{name}\n")
    child.stdin.flush()
    received.wait_for(lambda each: any(span.name == name for span in each.spans()))
    arrived = time.time_ns()
    ended = next(span.end_time_unix_nano for span in received.spans() if span.name == name)
    return (arrived - ended) / 1e9


@pytest.mark.alone
def test_the_first_batch_leaves_within_200_ms_and_later_ones_at_the_interval() -> None:
    first: list[float] = []
    later = 0.0
    for _ in range(4):
        with (
            collector() as received,
            interactive(
                RECORD_ON_REQUEST,
                {
                    "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
                    "OTEL_BSP_SCHEDULE_DELAY": "700",
                    "OTEL_METRICS_EXPORTER": "none",
                },
            ) as child,
        ):
            first.append(arrival_seconds(received, child, "one"))
            later = arrival_seconds(received, child, "two")
        if first[-1] <= 0.2:
            break
    assert min(first) <= 0.2
    assert 0.5 <= later <= 1.2
