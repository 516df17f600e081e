"""Forked and spawned children: each starts at zero with its own instance id, and all items arrive once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.backends.collector import Collector, collector
from tests.backends.grpc_collector import grpc_collector
from tests.programs import UNMEASURED, run, run_file


@dataclass
class Instance:
    """Telemetry of one process: span names, log bodies and newest counter totals."""

    spans: list[str] = field(default_factory=list[str])
    logs: list[str] = field(default_factory=list[str])
    totals: dict[str, int] = field(default_factory=dict[str, int])


def instances(requests: list[Any]) -> dict[str, Instance]:
    """Group the telemetry by ``service.instance.id``."""
    found: dict[str, Instance] = {}

    def of(resource: Any) -> Instance:
        ids = [each.value.string_value for each in resource.attributes if each.key == "service.instance.id"]
        return found.setdefault(ids[0], Instance())

    for request in requests:
        for part in getattr(request, "resource_spans", ()):
            of(part.resource).spans += [span.name for scope in part.scope_spans for span in scope.spans]
        for part in getattr(request, "resource_logs", ()):
            of(part.resource).logs += [
                record.body.string_value for scope in part.scope_logs for record in scope.log_records
            ]
        for part in getattr(request, "resource_metrics", ()):
            of(part.resource).totals |= {
                metric.name: sum(point.as_int or int(point.as_double) for point in metric.sum.data_points)
                for scope in part.scope_metrics
                for metric in scope.metrics
            }
    return found


def everything(received: Collector) -> dict[str, Instance]:
    return instances([each.message for each in received.requests])


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running


START = """
import logging, multiprocessing, os, sys
from opentelemetry import metrics, trace
from flext_observability import flush_observability, get_observability, init_observability, shutdown_observability

tracer = trace.get_tracer("t")
counter = metrics.get_meter("t").create_counter("count")

def work(name, amount):
    with tracer.start_as_current_span(name):
        logging.getLogger("app").warning(name)
        counter.add(amount)

def in_fork(function, *arguments):
    child = os.fork()
    if child == 0:
        function(*arguments)
        sys.exit(0)
    return child

def wait(child):
    assert os.waitpid(child, 0)[1] == 0, "the child failed"
"""

THREE_GENERATIONS = (
    START
    + """
init_observability(service_name="family", console=False)
work("parent", 10)
open_span = tracer.start_span("open")

def grandchild():
    work("grandchild", 100)

def child():
    row = get_observability().unwrap().status()["traces"].deliveries[0]
    assert (row.finished, row.queued, row.exported) == (0, 0, 0), row
    work("child", 1)
    open_span.end()
    wait(in_fork(grandchild))

wait(in_fork(child))
open_span.end()
"""
)


def by_instance(found: dict[str, Instance]) -> list[tuple[list[str], list[str], int]]:
    return sorted((each.spans, each.logs, each.totals["count"]) for each in found.values())


EXPECTED_OF_THREE_GENERATIONS = [
    (["child"], ["child"], 1),
    (["grandchild"], ["grandchild"], 100),
    (["parent", "open"], ["parent"], 10),
]


def test_grandchildren_start_at_zero_and_an_open_span_arrives_once(received: Collector) -> None:
    done = run(THREE_GENERATIONS, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0, done.err
    assert by_instance(everything(received)) == EXPECTED_OF_THREE_GENERATIONS


def test_children_export_after_the_parent_has_used_grpc() -> None:
    program = THREE_GENERATIONS.replace("open_span =", "assert flush_observability(5).unwrap().complete\nopen_span =")
    with grpc_collector() as received:
        done = run(program, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
        assert done.code == 0, done.err
        assert by_instance(instances(received.requests)) == EXPECTED_OF_THREE_GENERATIONS


def test_children_export_after_the_parent_has_opened_a_connection(received: Collector) -> None:
    program = THREE_GENERATIONS.replace("open_span =", "assert flush_observability(5).unwrap().complete\nopen_span =")
    done = run(program + "\nwork('after', 5)\n", OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0, done.err
    assert by_instance(everything(received)) == [
        *EXPECTED_OF_THREE_GENERATIONS[:2],
        (["parent", "open", "after"], ["parent", "after"], 15),
    ]


def test_a_child_keeps_the_configured_instance_id_and_may_start_again(received: Collector) -> None:
    program = (
        START
        + """
init_observability(service_name="parent", service_instance_id="fixed", console=False)

def child():
    work("child", 1)
    init_observability(service_name="worker", service_instance_id="own", console=False)
    work("worker", 2)

work("parent", 4)
wait(in_fork(child))
"""
    )
    run(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    found = everything(received)
    assert sorted(found["fixed"].spans) == ["child", "parent"]
    assert (found["own"].spans, found["own"].totals) == (["worker"], {"count": 2})


def test_children_forked_during_the_first_export_deliver(received: Collector) -> None:
    program = (
        START
        + """
import time
init_observability(service_name="family", console=False)
work("parent", 1)
children = []
until = time.monotonic() + 0.3
while time.monotonic() < until:
    children.append(in_fork(work, "child", 1))
    time.sleep(0.03)
for child in children:
    wait(child)
print(len(children))
"""
    )
    done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0, done.err
    spans = [each.spans for each in everything(received).values()]
    assert sorted(spans) == [["child"]] * int(done.out) + [["parent"]]
    assert "lost" not in done.err


# ---- multiprocessing -------------------------------------------------------------------------------------------------


def multiprocessing_program(start_method: str, *, where: str) -> str:
    """Return a program with recording children that calls ``init_observability`` in the module or in each child."""
    start = 'init_observability(service_name="family", console=False)'
    return (
        START
        + (start if where == "module" else "")
        + f"""
def task(name, amount):
    {start if where == "child" else "pass"}
    work(name, amount)

if __name__ == "__main__":
    context = multiprocessing.get_context({start_method!r})
    children = [context.Process(target=task, args=(f"child {{n}}", 10 ** n)) for n in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
"""
    )


@pytest.mark.parametrize("where", ["module", "child"])
@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_deliver_at_exit(
    start_method: str, where: str, received: Collector, tmp_path: Path
) -> None:
    done = run_file(
        tmp_path, multiprocessing_program(start_method, where=where), OTEL_EXPORTER_OTLP_ENDPOINT=received.url
    )
    assert done.code == 0, done.err
    found = [each for each in everything(received).values() if each.spans]
    assert sorted((each.spans, each.logs, each.totals) for each in found) == [
        (["child 0"], ["child 0"], {"count": 1}),
        (["child 1"], ["child 1"], {"count": 10}),
    ]


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_process_pool_workers_deliver_all_tasks(start_method: str, received: Collector, tmp_path: Path) -> None:
    program = (
        START
        + f"""
from concurrent.futures import ProcessPoolExecutor
init_observability(service_name="family", console=False)

def task(number):
    work(f"task {{number}}", 1)

if __name__ == "__main__":
    work("main", 100)
    with ProcessPoolExecutor(2, multiprocessing.get_context({start_method!r})) as pool:
        list(pool.map(task, range(20)))
"""
    )
    done = run_file(tmp_path, program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0, done.err
    found = everything(received)
    assert Counter(name for each in found.values() for name in each.spans) == Counter(
        ["main", *(f"task {number}" for number in range(20))]
    )
    assert sum(each.totals["count"] for each in found.values()) == 120


# ---- locks, page and shutdown state ----------------------------------------------------------------------------------


def test_a_fork_while_threads_record_does_not_block_the_child(received: Collector) -> None:
    program = (
        START
        + """
import faulthandler, signal, threading
from flext_observability import (
    flext_create_alert, flext_create_health_check, flext_create_log_entry, flext_create_metric, flext_create_trace,
)

faulthandler.register(signal.SIGALRM, chain=True)  # a blocked child prints its stack
sys.setswitchinterval(1e-5)
handle = init_observability(exporters={"traces": "memory", "logs": "memory", "metrics": "otlp"}, console=False).unwrap()
logging.getLogger("app").propagate = False
logging.getLogger("app").addHandler(logging.NullHandler())

def all_functions():
    flext_create_metric("made", 1, "count", metric_type="counter")
    handle.tracing.complete_trace(flext_create_trace("op", "other").unwrap())
    flext_create_alert("full", "info", "disk")
    flext_create_log_entry("info", "line")
    flext_create_health_check("disk")

work("first", 1)  # so that no thread runs an import at a fork
all_functions()

def repeat(function, *arguments):
    while True:
        function(*arguments)

for _ in range(2):
    threading.Thread(target=repeat, args=(work, "busy", 1), daemon=True).start()
    threading.Thread(target=repeat, args=(all_functions,), daemon=True).start()

def child():
    signal.alarm(20)
    metrics.get_meter("t").create_counter("children").add(1)
    work("child", 1)
    all_functions()
    shutdown_observability(10)
    os._exit(0)

for _ in range(40):
    wait(in_fork(child))
os._exit(0)
"""
    )
    done = run(
        program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url, **UNMEASURED
    )  # a thread may hold coverage's lock at a fork
    assert done.code == 0, done.err
    totals = [each.totals for each in everything(received).values() if "children" in each.totals]
    assert [(each["children"], each["made"], each["count"]) for each in totals] == [(1, 1, 1)] * 40


def test_the_metrics_page_stays_with_the_parent() -> None:
    program = (
        START
        + """
import socket, urllib.error, urllib.request
handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
address = handle.ops_address
counter.add(7)
child_end, parent_end = socket.socketpair()

def child():
    counter.add(100)
    print("child:", repr(handle.ops_address), flush=True)
    child_end.send(b"x")
    child_end.recv(1)

started = in_fork(child)
parent_end.recv(1)
page = urllib.request.urlopen(address + "/metrics").read().decode()
print([line for line in page.splitlines() if line.startswith("count_total")])
shutdown_observability()
try:
    urllib.request.urlopen(address + "/metrics", timeout=2)
except urllib.error.URLError as error:
    print(type(error.reason).__name__)
parent_end.send(b"x")
wait(started)
"""
    )
    done = run(program)
    assert done.code == 0, done.err
    assert done.lines[0] == "child: ''"
    assert done.lines[1].endswith(" 107.0']")
    assert done.lines[2] == "ConnectionRefusedError"


def test_a_child_forked_after_shutdown_sends_nothing(received: Collector) -> None:
    program = (
        START
        + """
init_observability(service_name="family", console=False)
work("parent", 1)
shutdown_observability()
wait(in_fork(work, "child", 1))
"""
    )
    done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0, done.err
    assert [each.spans for each in everything(received).values()] == [["parent"]]
