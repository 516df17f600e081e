"""Spans of racing threads, signal handlers, finalizers and garbage collection callbacks are counted exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.programs import UNMEASURED, run

START = """
import gc, itertools, json, signal, sys, threading, time
from opentelemetry import trace
from flext_observability import get_observability, init_observability, register_exporter, shutdown_observability, traced
from flext_observability.extensions.ports import ExportOutcome

class Exporter:
    def __init__(self):
        self.received, self.batches = [], 0
    def export(self, batch, timeout_seconds):
        self.batches += 1
        if self.batches % 5 == 0:
            return ExportOutcome(retry=True, retry_after_seconds=0.001, reason="unavailable")
        self.received += [span.context.span_id for span in batch]
        return ExportOutcome(accepted=len(batch))
    def close(self):
        pass

class Factory:
    def signals(self):
        return ["traces"]
    def create(self, signal, config):
        return exporter

exporter = Exporter()
register_exporter("counting", Factory())
handle = init_observability(
    service_name="s", exporters="counting", console=False, traces_max_queue_size=QUEUE, traces_max_export_batch_size=64
).unwrap()
tracer = trace.get_tracer("t")
made = itertools.count()

def spans(name):
    with traced(name, {"n": 1}) as outer:
        with tracer.start_as_current_span("inner", attributes={"n": 2}) as inner:
            inner.set_attribute("m", [1])
            inner.add_event("paid")
    next(made), next(made)

def collected(name):
    # Before 3.12, CPython collects garbage inside ContextVar.set, which is not re-entrant and crashes.
    if sys.version_info >= (3, 12):
        return spans(name)
    span = tracer.start_span(name, attributes={"n": 1})
    span.set_attribute("m", [1])
    span.end()
    next(made)
"""
END = """
handle.flush(20)
ledger = shutdown_observability(20).unwrap().ledger
total = int(repr(made)[6:-1])
traces = next(row for row in ledger.signals if row.signal == "traces")
queue = next(row for row in ledger.exporters if row.signal == "traces")
print(json.dumps({
    "made": total, "started": traces.started, "finished": traces.finished, "queue": queue.finished,
    "exported": queue.exported, "dropped": sum(queue.dropped.values()), "left": queue.queued + queue.in_flight,
    "received": len(exporter.received), "distinct": len(set(exporter.received)), **more,
}))
"""


def result_of(work: str, queue: int) -> dict[str, Any]:
    """Run a program, and check that each of its spans is counted once."""
    done = run((START + work).replace("QUEUE", str(queue)) + END, 120, **UNMEASURED)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.lines[-1])
    assert (found["started"], found["finished"], found["queue"]) == (found["made"],) * 3
    assert found["received"] == found["distinct"] == found["exported"]
    assert found["exported"] + found["dropped"] == found["made"]
    assert (found["left"], found["started"] - found["finished"]) == (0, 0)
    return found


RACE = """
sys.setswitchinterval(1e-6)
more = {"wrong": [], "snapshots": 0}
stopped = threading.Event()

def watch():
    while not stopped.is_set():
        status = handle.status()["traces"]
        more["snapshots"] += 1
        for row in status.deliveries:
            total = row.queued + row.in_flight + row.exported + sum(row.dropped.values())
            if row.finished != total or row.queued > QUEUE:
                more["wrong"].append(str(row))
        row = status.counts
        if row.started != row.open + row.sampled_out + row.finished or row.open < 0:
            more["wrong"].append(str(row))

def work():
    for _ in range(4000):
        spans("work")

watcher = threading.Thread(target=watch)
watcher.start()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
stopped.set()
watcher.join()
with traced("held"):
    more["open"] = handle.status()["traces"].counts.open
    next(made)
"""


@pytest.mark.parametrize("queue", [100, 100_000])
def test_the_counts_of_racing_threads_add_up(queue: int) -> None:
    found = result_of(RACE, queue)
    assert found["made"] == 4 * 4000 * 2 + 1
    assert found["snapshots"] > 0
    assert found["wrong"] == []
    assert found["open"] == 1
    assert (found["dropped"] > 0) is (queue == 100)


SIGNALS = """
more = {"handled": 0}

def handle_signal(number, frame):
    more["handled"] += 1
    spans("in handler")

signal.signal(signal.SIGALRM, handle_signal)
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
end = time.monotonic() + 1.5
while time.monotonic() < end or more["handled"] < 100:
    spans("work")
signal.setitimer(signal.ITIMER_REAL, 0)
"""
FINALIZERS = """
more = {"handled": 0}

class Cycle:
    def __init__(self):
        self.me = self
    def __del__(self):
        more["handled"] += 1
        collected("in finalizer")

gc.set_threshold(20, 2, 2)
for number in range(3000):
    [Cycle() for _ in range(number % 5)]
    spans("work")
gc.collect()
gc.set_threshold(0)
"""
CALLBACKS = """
more = {"handled": 0}

def on_collection(phase, info):
    more["handled"] += 1
    collected("in callback")

gc.callbacks.append(on_collection)
gc.set_threshold(7, 2, 2)
for number in range(3000):
    spans("work")
    [[] for _ in range(number % 11)]
gc.callbacks.clear()
"""


@pytest.mark.lean_engine  # a span of the SDK makes so much garbage that the callbacks do not end in time
@pytest.mark.parametrize("queue", [20, 200_000])
@pytest.mark.parametrize("work", [SIGNALS, FINALIZERS, CALLBACKS], ids=["signals", "finalizers", "callbacks"])
def test_spans_of_interruptions_are_counted(work: str, queue: int) -> None:
    found = result_of(work, queue)
    assert found["handled"] >= 100
    assert (found["dropped"] > 0) is (queue == 20)
