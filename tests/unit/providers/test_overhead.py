"""The overhead of telemetry is measured, not estimated from constants."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import time
from collections import deque
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.request import urlopen

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from flext_observability import init_observability, start_ops_server, traced
from flext_observability.engine.shedding import LEVELS, Shedding
from flext_observability.pipeline.ledger import Ledger
from flext_observability.providers import overhead
from flext_observability.providers.overhead import Costs, OverheadMeter, Usage
from flext_observability.runtime.thread_cpu import cpu_clock, thread_cpu

COSTS = Costs(span=0.001, unsampled_span=0.0001, record=0.01)


class Worker(NamedTuple):
    """The parts of a worker that are read."""

    name: str
    items: Any


def meter(engine: str = "lean", *workers: Any) -> OverheadMeter:
    return OverheadMeter(Ledger(), engine, workers, cpu_clock())


@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_items_have_a_cost(engine: str) -> None:
    costs = meter(engine).costs()
    assert 0 < costs.unsampled_span < costs.span < 0.001
    assert 0 < costs.record < 0.001


def test_spans_records_and_threads_count() -> None:
    usage = Usage(elapsed=10.0, threads=0.1, process=2.0, spans=100, unsampled_spans=50, records=5)
    assert usage.recording(COSTS) == pytest.approx(0.1 + 0.005 + 0.05)
    assert usage.percent(COSTS) == pytest.approx(100 * 0.255 / 2)
    assert usage._replace(process=0.0).percent(COSTS) == 100
    assert usage.since(Usage(1.0, 0.0, 1.0, 10, 20, 5)) == (9.0, 0.1, 1.0, 90, 30, 0)


def test_usage_begins_with_the_configuration() -> None:
    ledger = Ledger()
    spans, records = ledger.counters["traces"], ledger.counters["logs"]
    began = cpu_clock()
    measured = OverheadMeter(ledger, "lean", (), began)
    assert measured.usage()[3:] == (0, 0, 0)
    for _ in range(3):
        next(spans.started)
    next(spans.skipped)
    next(records.passed)
    before = measured.usage()
    thread_cpu().call(lambda: [number**2 for number in range(100_000)])
    usage = measured.usage()
    assert usage[3:] == (3, 1, 1)
    assert usage.threads > before.threads
    assert 0 < usage.elapsed < cpu_clock()[0] - began[0]
    assert 0 < usage.process < cpu_clock()[2] - began[2]


def test_the_cost_is_measured_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = meter()
    first = measured.costs()
    assert measured.costs() is first
    now = time.monotonic() + overhead.CALIBRATION_SECONDS + 1
    later = SimpleNamespace(monotonic=lambda: now, thread_time=time.thread_time)
    monkeypatch.setattr(overhead, "time", later)
    assert measured.costs() is not first


def test_the_shape_of_queued_spans_is_measured() -> None:
    def span(attributes: int, events: int) -> ReadableSpan:
        made = trace.get_tracer("t").start_span("s", attributes={f"key{number}": 1 for number in range(attributes)})
        for _ in range(events):
            made.add_event("event")
        assert isinstance(made, ReadableSpan)
        return made

    with init_observability(console=False, exporters="memory").unwrap():
        queues = Worker("flext-traces-a", deque([span(0, 0), span(4, 1)])), Worker("flext-traces-b", [span(40, 3)])
        many = Worker("flext-traces-c", [span(90, 90)])
    others = (Worker(f"flext-{name}", deque(items)) for name, items in (("traces-d", ()), ("traces-e", [object()])))
    small, large, huge = meter(), meter("lean", *queues, *others), meter("lean", many)
    assert large.costs().span > 2 * small.costs().span
    assert huge.costs().span > large.costs().span
    before = huge.costs().span
    many.items.clear()
    assert huge.costs().span == before


def test_detail_that_is_left_out_costs_less() -> None:
    with init_observability(console=False, exporters="memory").unwrap():
        span = trace.get_tracer("t").start_span("s")
        for _ in range(20):
            span.add_event("event")
    measured = meter("lean", Worker("flext-traces-a", [span]))
    assert measured.shedding == Shedding()
    before = measured.costs()
    measured.shedding = LEVELS[1]
    after = measured.costs()
    assert after.span < before.span / 2
    measured.shedding = Shedding(events=True, halvings=3)
    assert measured.costs() is after


def test_status_and_page_have_it() -> None:
    with init_observability(service_name="shop", console=False, exporters="memory").unwrap() as observability:
        server = start_ops_server(port=0).unwrap()
        for _ in range(200):
            with traced("work"):
                logging.getLogger("shop").warning("sold")
        shown = json.load(urlopen(server.address + "/status"))["overhead"]
        server.stop()
        status = observability.status()
    assert shown["recording_cpu_seconds"] > 0
    assert 0 < shown["cpu_percent"] <= 100
    assert shown["budget"] is None
    cost = status.overhead
    assert status == dict(status)
    assert 0 < cost.microseconds_per_unsampled_span < cost.microseconds_per_span
    assert cost.microseconds_per_record > 0
    assert 0 <= cost.threads_core_percent <= 100
    assert cost.threads_percent <= cost.cpu_percent <= 100
    assert cost.budget is None
    for copied in (copy.deepcopy(status), pickle.loads(pickle.dumps(status))):  # noqa: S301 - written here
        assert (type(copied), copied) == (dict, status)
