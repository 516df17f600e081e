"""Children that are forked while the parent imports slowly: each delivers its spans, records and points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.backends.collector import Collector
from tests.backends.gateway import gateway
from tests.backends.grpc_collector import grpc_collector
from tests.programs import UNMEASURED, run

# Every import of the worker threads takes 5 ms longer, in the parent. The children run at full speed.
PROGRAM = """
import logging, multiprocessing, os, signal, sys, threading, time
from importlib.machinery import PathFinder
from opentelemetry import metrics, trace
from flext_observability import flush_observability, init_observability

signal.signal(signal.SIGALRM, signal.SIG_DFL)
parent, main = os.getpid(), threading.main_thread()
is_slow = lambda: os.getpid() == parent and threading.current_thread() is not main

class SlowLoader:
    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def exec_module(self, module):
        time.sleep(0.003 * is_slow())
        self.loader.exec_module(module)
        time.sleep(0.003 * is_slow())

class SlowFinder:
    def find_spec(self, name, path=None, target=None):
        spec = PathFinder.find_spec(name, path) if is_slow() else None
        if spec is not None and spec.loader is not None:
            spec.loader = SlowLoader(spec.loader)
        return spec

sys.meta_path.insert(0, SlowFinder())
tracer = trace.get_tracer("t")
counter = metrics.get_meter("t").create_counter("count")

def work(name):
    with tracer.start_as_current_span(name):
        logging.getLogger("app").warning(name)
        counter.add(1)

def flushing(name):
    signal.alarm(30)  # ends a blocked child
    work(name)
    os._exit(0 if flush_observability(20).unwrap().complete else 3)

def ending(name):
    signal.alarm(30)
    work(name)
    sys.exit()

def fork(function, name):
    child = os.fork()
    if child == 0:
        function(name)
    return lambda: os.waitpid(child, 0)[1]

def process(_, name):
    child = multiprocessing.get_context("fork").Process(target=work, args=(name,))
    child.start()
    return lambda: child.join(30) or child.exitcode

def start(*exporters):
    init_observability(
        service_name="family", exporters=list(exporters), console=False, shutdown_timeout_seconds=10,
    ).unwrap()
    work("parent")

def family(count, make, function=None):
    children = []
    for number in range(count):
        children.append(make(function, f"child {number}"))
        time.sleep(0.01)
    print(sorted({wait() for wait in children}), flush=True)
"""
COUNT = 34


def names(count: int) -> Counter[str]:
    return Counter(["parent", *(f"child {number}" for number in range(count))])


def span_names(messages: Iterable[Any]) -> Counter[str]:
    return Counter(
        span.name
        for message in messages
        for part in getattr(message, "resource_spans", ())
        for scope in part.scope_spans
        for span in scope.spans
    )


def log_bodies(messages: Iterable[Any]) -> Counter[str]:
    return Counter(
        record.body.string_value
        for message in messages
        for part in getattr(message, "resource_logs", ())
        for scope in part.scope_logs
        for record in scope.log_records
    )


def processes_with_points(messages: Iterable[Any]) -> int:
    """Return the number of resources, each of one process, with a metric ``count``."""
    return len(
        {
            str(part.resource)
            for message in messages
            for part in getattr(message, "resource_metrics", ())
            for scope in part.scope_metrics
            if any(metric.name == "count" for metric in scope.metrics)
        }
    )


def check(messages: list[Any], count: int) -> None:
    assert (span_names(messages), log_bodies(messages)) == (names(count), names(count))
    assert processes_with_points(messages) == count + 1


@pytest.mark.parametrize("family", ["fork, flushing", "fork, ending", "process"])
def test_each_of_a_hundred_children_delivers_over_http(family: str, received: Collector) -> None:
    """34 children for each way to end: ``os._exit`` after a flush, the normal exit, a child of multiprocessing."""
    done = run(f"{PROGRAM}\nstart('otlp_http')\nfamily({COUNT}, {family})", OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert (done.code, done.out) == (0, "[0]\n"), done.err
    check([each.message for each in received.requests], COUNT)


def test_each_child_delivers_over_grpc() -> None:
    with grpc_collector() as running:
        done = run(f"{PROGRAM}\nstart('otlp_grpc')\nfamily(8, fork, flushing)", OTEL_EXPORTER_OTLP_ENDPOINT=running.url)
        assert (done.code, done.out) == (0, "[0]\n"), done.err
        check(running.requests, 8)


def test_each_child_delivers_to_a_file_while_threads_keep_the_processor_busy(tmp_path: Path) -> None:
    file = tmp_path / "telemetry.jsonl"
    busy = """
sys.setswitchinterval(0.0005)
for _ in range(2):
    threading.Thread(target=exec, args=("while True: pass",), daemon=True).start()
"""
    done = run(
        f"{PROGRAM}\nstart('otlp_file')\n{busy}family(2, fork, flushing)\nflush_observability(30)\nos._exit(0)",
        FLEXT_OBSERVABILITY_OTLP_FILE_PATH=str(file),
    )
    assert (done.code, done.out) == (0, "[0]\n"), done.err
    kinds = {"resourceSpans": TracesData, "resourceLogs": LogsData, "resourceMetrics": MetricsData}
    lines = file.read_text(encoding="utf-8").splitlines()
    check([Parse(line, next(kinds[kind] for kind in kinds if kind in line)()) for line in lines], 2)


def test_each_child_shows_its_spans_on_the_console() -> None:
    done = run(f"{PROGRAM}\nstart('console')\nfamily(8, fork, ending)", **UNMEASURED)
    assert (done.code, done.out) == (0, "[0]\n"), done.err
    for number in range(8):
        assert f"child {number}" in done.err


def test_each_child_pushes_its_totals_to_a_pushgateway() -> None:
    with gateway() as running:
        done = run(f"{PROGRAM}\nstart('pushgateway')\nfamily(8, fork, flushing)", PROMETHEUS_PUSH_GATEWAY=running.url)
        assert (done.code, done.out) == (0, "[0]\n"), done.err
        assert sum("count_total" in page for page in running.groups.values()) == 9


def test_the_metrics_page_of_each_child_is_complete() -> None:
    """The page imports its modules on first use, which a thread of the parent does during the forks."""
    done = run(
        PROGRAM
        + """
import urllib.request
from flext_observability import get_observability
from flext_observability.api.start import active_pages

init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
work("parent")
address = get_observability().unwrap().ops_address
threading.Thread(target=urllib.request.urlopen, args=(address + "/metrics",), daemon=True).start()

def page(name):
    signal.alarm(30)
    work(name)
    print(b"count_total" in active_pages().metrics("").unwrap()[0], flush=True)
    os._exit(0)

family(8, fork, page)
"""
    )
    assert done.lines == ["True"] * 8 + ["[0]"], done.err
