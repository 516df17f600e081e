"""Metrics of one Prometheus name are logged once, and in the status."""

from __future__ import annotations

from urllib.request import urlopen

import pytest
from opentelemetry import metrics
from prometheus_client import CollectorRegistry, generate_latest

from flext_observability import Observability, init_observability, publish_to_prometheus_client
from flext_observability.exporters.prometheus.name_clashes import MAX_CLASHES, add_clash, name_clashes


def start() -> Observability:
    return init_observability(
        exporters={"metrics": ["prometheus"], "traces": [], "logs": []},
        prometheus_port=0,
        prometheus_client_enabled=False,
        console=False,
    ).unwrap()


def record() -> None:
    meter = metrics.get_meter("shop")
    meter.create_counter("shop.sales").add(1)
    meter.create_counter("shop_sales").add(2)
    meter.create_histogram("wait").record(1)
    meter.create_gauge("wait.bucket").set(1)
    meter.create_gauge("queue").set(1)
    meter.create_up_down_counter("queue.count").add(1)
    metrics.get_meter("shop.other").create_histogram("queue").record(1)


def test_the_status_has_the_clashes_of_the_page(caplog: pytest.LogCaptureFixture) -> None:
    handle = start()
    record()
    for _ in range(2):
        urlopen(f"{handle.ops_address}/metrics").read()
    another = "another metric has the same name in Prometheus. Rename one of them."
    expected = [
        f"/metrics has no type for queue: {another}",
        f"/metrics omits series of queue_count: {another}",
        f"/metrics omits series of shop_sales_total: {another}",
        f"/metrics omits series of wait_bucket: {another}",
    ]
    found = [str(notice) for notice in handle.status()["metrics"].notices if "Prometheus" in notice.message]
    assert sorted(found) == expected
    assert sorted(line for line in caplog.messages if "Prometheus" in line) == expected
    assert handle.status()["metrics"].state == "active"


def test_clashes_on_the_page_of_prometheus_client_are_reported() -> None:
    handle = start()
    record()
    registry = CollectorRegistry()
    publish_to_prometheus_client(registry).unwrap()
    generate_latest(registry)
    found = [str(notice).partition(":")[0] for notice in handle.status()["metrics"].notices]
    assert "The page of prometheus_client omits series of wait_bucket" in found


def test_the_number_of_clashes_is_bounded() -> None:
    for number in range(MAX_CLASHES + 3):
        add_clash("/metrics", f"n{number}", "untyped")
    assert len(name_clashes().notices()) == MAX_CLASHES
