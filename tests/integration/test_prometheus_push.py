"""One metric state with a page and a push exporter: equal totals, exemplars and deltas over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import metrics, trace

from flext_observability import init_observability
from flext_observability.exporters.memory import memory_store
from tests.backends.collector import Answer, Collector
from tests.integration.prometheus_page import CLASSIC, OPENMETRICS, QUIET, newest, scrape


def recorded_in_a_span(record: Callable[[], object]) -> str:
    """Record within a new span, and return its trace id."""
    with trace.get_tracer("t").start_as_current_span("work") as span:
        record()
    return f"{span.get_span_context().trace_id:032x}"


def pushed_exemplars(received: Collector, name: str) -> set[str]:
    """Return the trace ids on the newest point of a metric."""
    metric = newest(received, name)
    data = metric.histogram if metric.HasField("histogram") else metric.sum
    return {exemplar.trace_id.hex() for exemplar in data.data_points[0].exemplars}


# ---- the same on both sides ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", [CLASSIC, OPENMETRICS])
def test_page_and_push_report_the_same_totals(received: Collector, accept: str) -> None:
    handle = init_observability(exporters=["otlp_http", "prometheus"], otlp_endpoint=received.url, **QUIET).unwrap()
    meter = metrics.get_meter("t")
    sold = meter.create_counter("shop.sold", "{cup}")
    for count, item in ((3, "tea"), (4, "coffee")):
        sold.add(count, {"item.kind": item})
    meter.create_up_down_counter("shop.stock", "By").add(-7)
    meter.create_gauge("shop.fill", "1").set(0.5)
    duration = meter.create_histogram("shop.duration", "s", explicit_bucket_boundaries_advisory=[0.1, 1])
    for value in (0.05, 0.5, 5):
        duration.record(value)
    assert handle.flush().unwrap().complete
    samples = scrape(handle.ops_address, accept).samples()
    points = {
        point.attributes[0].value.string_value: point.as_int for point in newest(received, "shop.sold").sum.data_points
    }
    assert points == {"tea": 3, "coffee": 4}
    for item, value in points.items():
        assert samples["shop_sold_total", (("item_kind", item),)] == value
    assert samples["shop_stock_bytes", ()] == newest(received, "shop.stock").sum.data_points[0].as_int == -7
    assert samples["shop_fill_ratio", ()] == newest(received, "shop.fill").gauge.data_points[0].as_double == 0.5
    pushed = newest(received, "shop.duration").histogram.data_points[0]
    assert list(pushed.bucket_counts) == [1, 1, 1]
    buckets = {dict(labels).get("le"): value for (name, labels), value in samples.items() if name.endswith("_bucket")}
    assert buckets == {"0.1": 1, "1": 2, "+Inf": 3}
    assert samples["shop_duration_seconds_count", ()] == pushed.count == 3
    assert samples["shop_duration_seconds_sum", ()] == pushed.sum
    labels = next(dict(labels) for name, labels in samples if name == "target_info")
    assert labels["service_name"] == "shop"


def test_totals_are_exact_while_threads_record_and_read(received: Collector) -> None:
    handle = init_observability(
        exporters=["otlp_http", "prometheus"], otlp_endpoint=received.url, metric_export_interval_seconds=0.02, **QUIET
    ).unwrap()
    counter = metrics.get_meter("t").create_counter("busy")
    over = threading.Event()
    seen: list[float] = []

    def read() -> None:
        while not over.is_set():
            seen.append(scrape(handle.ops_address).samples().get(("busy_total", ()), 0))

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=lambda: [counter.add(1) for _ in range(5000)]) for _ in range(4)]
    for each in (*readers, *writers):
        each.start()
    for each in writers:
        each.join()
    over.set()
    for each in readers:
        each.join()
    handle.flush()
    assert scrape(handle.ops_address).samples()["busy_total", ()] == 20_000
    assert newest(received, "busy").sum.data_points[0].as_int == 20_000
    pushed = [metric.sum.data_points[0].as_int for metric in received.metrics() if metric.name == "busy"]
    assert pushed == sorted(pushed)


# ---- exemplars -------------------------------------------------------------------------------------------------------


def test_each_reader_gets_all_exemplars(received: Collector) -> None:
    handle = init_observability(exporters=["otlp_http", "prometheus"], otlp_endpoint=received.url, **QUIET).unwrap()
    meter = metrics.get_meter("t")
    counter = meter.create_counter("sold")
    histogram = meter.create_histogram("took", "s", explicit_bucket_boundaries_advisory=[1, 2])

    def sell(seconds: float) -> str:
        return recorded_in_a_span(lambda: (counter.add(1), histogram.record(seconds)))

    first = sell(0.5)
    assert scrape(handle.ops_address).exemplars() == {("sold_total", ""): first, ("took_seconds_bucket", "1"): first}
    second = sell(1.5)  # in another bucket, so that both exemplars are kept
    handle.flush()
    assert pushed_exemplars(received, "took") == {first, second}
    assert pushed_exemplars(received, "sold") == {second}
    third = sell(5)
    handle.flush()
    assert pushed_exemplars(received, "took") == {first, second, third}
    assert scrape(handle.ops_address).exemplars() == {
        ("sold_total", ""): third,
        ("took_seconds_bucket", "1"): first,
        ("took_seconds_bucket", "2"): second,
        ("took_seconds_bucket", "+Inf"): third,
    }
    sent = {span.trace_id.hex() for span in received.spans()}
    assert sent == {first, second, third}


def test_the_classic_page_has_no_exemplars(received: Collector) -> None:
    handle = init_observability(exporters=["otlp_http", "prometheus"], otlp_endpoint=received.url, **QUIET).unwrap()
    counter = metrics.get_meter("t").create_counter("sold")
    made = recorded_in_a_span(lambda: counter.add(1))
    page = scrape(handle.ops_address, CLASSIC)
    assert page.samples()["sold_total", ()] == 1
    assert made not in page.body.decode()


# ---- deltas ----------------------------------------------------------------------------------------------------------


def deltas(received: Collector, name: str) -> list[int]:
    return [metric.sum.data_points[0].as_int for metric in received.metrics() if metric.name == name]


def test_deltas_are_pushed_while_the_page_shows_totals(received: Collector) -> None:
    handle = init_observability(
        exporters=["otlp_http", "prometheus"],
        otlp_endpoint=received.url,
        metrics_temporality_preference="delta",
        **QUIET,
    ).unwrap()
    counter = metrics.get_meter("t").create_counter("sold")
    totals: list[float] = []
    for count in (3, 4, 5):
        counter.add(count)
        totals.append(scrape(handle.ops_address).samples()["sold_total", ()])
        handle.flush()
    assert totals == [3, 7, 12]
    assert deltas(received, "sold") == [3, 4, 5]


def test_a_delta_carries_its_own_exemplars_only(received: Collector) -> None:
    handle = init_observability(
        exporters=["otlp_http", "prometheus"],
        otlp_endpoint=received.url,
        metrics_temporality_preference="delta",
        **QUIET,
    ).unwrap()
    counter = metrics.get_meter("t").create_counter("sold")
    first = recorded_in_a_span(lambda: counter.add(1))
    handle.flush()
    assert pushed_exemplars(received, "sold") == {first}
    counter.add(1)  # outside a span: no exemplar
    handle.flush()
    assert deltas(received, "sold") == [1, 1]
    assert pushed_exemplars(received, "sold") == set()
    assert scrape(handle.ops_address).exemplars() == {("sold_total", ""): first}


def test_a_failed_delta_is_pushed_later(received: Collector) -> None:
    handle = init_observability(
        exporters={"metrics": ["otlp_http", "prometheus"], "traces": "none", "logs": "none"},
        otlp_endpoint=received.url,
        metrics_temporality_preference="delta",
        metric_export_interval_seconds=0.05,
        **QUIET,
    ).unwrap()
    received.standing = Answer(503)
    counter = metrics.get_meter("t").create_counter("sold")
    counter.add(3)
    received.wait_for(lambda each: each.requests)
    counter.add(4)
    received.wait_for(lambda each: len(each.requests) == 2)
    received.standing = Answer()
    received.wait_for(lambda each: sum(deltas(each, "sold")) == 7)
    report = handle.shutdown().unwrap()
    assert (report.complete, report.dropped) == (True, {})
    assert deltas(received, "sold") == [3, 4]


def test_every_push_exporter_gets_every_delta(received: Collector) -> None:
    store = memory_store()
    store.clear()
    handle = init_observability(
        exporters=["otlp_http", "memory"],
        otlp_endpoint=received.url,
        metrics_temporality_preference="delta",
        **QUIET,
    ).unwrap()
    counter = metrics.get_meter("t").create_counter("sold")
    for count in (3, 4):
        counter.add(count)
        assert handle.flush().unwrap().complete
    collected: Any = store.metrics  # points of several types, of which the test reads one
    kept = [
        point.value
        for data in collected
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "sold"
        for point in metric.data.data_points
    ]
    assert sum(deltas(received, "sold")) == sum(kept) == 7
