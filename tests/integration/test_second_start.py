"""A second start replaces the configuration: no item is lost or sent twice, and totals continue."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace

from flext_observability import Observability, init_observability, register_exporter
from flext_observability.exporters.memory import MemoryFactory, MemoryStore
from tests.backends.collector import Collector, collector

FIRST, SECOND = MemoryStore(), MemoryStore()


@pytest.fixture(autouse=True)
def _stores() -> None:
    for name, store in {"first": FIRST, "second": SECOND}.items():
        store.clear()
        register_exporter(name, MemoryFactory(store))


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running


def start(*exporters: str, **arguments: Any) -> Observability:
    settings: dict[str, Any] = {"service_name": "second-start", "prometheus_port": 0, "console": False, **arguments}
    return init_observability(exporters=exporters, **settings).unwrap()


def total(store: MemoryStore, name: str) -> Any:
    metric: Any = store.metric(name)
    return metric and metric.data.data_points[0].value


def page(handle: Observability) -> str:
    with urllib.request.urlopen(f"{handle.ops_address}/metrics", timeout=5) as reply:
        return str(reply.read().decode())


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_a_new_set_of_exporters_gets_all_metrics(temporality: str) -> None:
    counter = metrics.get_meter("t").create_counter(f"any.{temporality}")
    choices = [("first",), ("first", "second"), ("second",), ("prometheus",), (), ("second", "prometheus", "first")]
    for turn, exporters in enumerate(choices, start=1):
        handle = start(*exporters, metrics_temporality_preference=temporality)
        counter.add(1)
        assert handle.flush(5).unwrap().complete
        for name, store in {"first": FIRST, "second": SECOND}.items():
            if name in exporters:
                expected = turn if temporality == "cumulative" else 1
                assert total(store, f"any.{temporality}") == expected, exporters
        if "prometheus" in exporters and temporality == "cumulative":
            assert f'any_cumulative_total{{otel_scope_name="t"}} {turn}.0' in page(handle)


def test_the_page_stays_on_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for environment in ("one", "two", "three"):
        handle = start("prometheus", prometheus_host="127.0.0.1", prometheus_port=port, environment=environment)
        metrics.get_meter("t").create_counter("kept").add(1)
        assert handle.status()["metrics"].state == "active"
        assert f'deployment_environment_name="{environment}"' in page(handle)


def test_queued_items_go_to_the_exporters_of_their_configuration(received: Collector) -> None:
    first = start("otlp", otlp_endpoint=received.url, traces_schedule_delay_seconds=60.0)
    for number in range(20):
        trace.get_tracer("t").start_span(f"before {number}").end()
    open_span = trace.get_tracer("t").start_span("open")
    second = start("second")
    open_span.end()
    trace.get_tracer("t").start_span("after").end()
    assert second.flush(5).unwrap().complete
    assert sorted(span.name for span in received.spans()) == sorted(f"before {number}" for number in range(20))
    assert [span.name for span in SECOND.spans] == ["open", "after"]
    counts = second.status()["traces"].counts
    assert counts is not None
    assert (counts.started, counts.open, counts.finished) == (2, 0, 2)
    (row,) = first.status()["traces"].deliveries
    assert (row.finished, row.exported, row.dropped) == (20, 20, {})


def test_recording_during_a_replacement_loses_only_counted_items() -> None:
    stop = threading.Event()
    ended = [0, 0]

    def record(index: int) -> None:
        tracer = trace.get_tracer(f"t{index}")
        while not stop.is_set():
            tracer.start_span("x").end()
            ended[index] += 1

    first = start("first")
    threads = [threading.Thread(target=record, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    handles = [first, *(start(name) for name in ("second", "first") * 3)]
    stop.set()
    for thread in threads:
        thread.join(10)
    handles[-1].flush(10)
    rows = [row for handle in handles for row in handle.status()["traces"].deliveries]
    assert sum(row.finished for row in rows) == sum(ended)
    for row in rows:
        assert row.finished == row.queued + row.in_flight + row.exported + sum(row.dropped.values())


def test_a_failed_second_start_keeps_the_first_running() -> None:
    handle = start("first")
    arguments: dict[str, Any] = {"sample_ratio": 7}
    assert init_observability(**arguments).code == "invalid_settings"
    assert init_observability(exporters="pigeon").code == "unknown_exporter"
    trace.get_tracer("t").start_span("still").end()
    assert handle.flush(5).unwrap().complete
    assert [span.name for span in FIRST.spans] == ["still"]
