"""The OpenTelemetry project's own Prometheus exporter behind our page."""

from __future__ import annotations

import importlib.util
import os
import socket
import urllib.request

import pytest
from opentelemetry import metrics
from prometheus_client import REGISTRY, generate_latest

from flext_observability import init_observability, shutdown_observability
from flext_observability.exporters.prometheus.sdk_reader import factory
from flext_observability.extensions.ports import ExporterUnavailable
from flext_observability.settings.config import with_defaults


def scrape(address: str) -> str:
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as reply:
        return str(reply.read().decode())


def count(page: str, name: str) -> int:
    return sum(line.startswith(name) for line in page.splitlines())


def test_the_page_is_the_default_registry_with_our_metrics() -> None:
    handle = init_observability(exporters="prometheus_sdk", prometheus_port=0, console=False).unwrap()
    assert handle.status()["metrics"].exporters == ("prometheus_sdk",)
    metrics.get_meter("t").create_counter("sold").add(2)
    page = scrape(handle.ops_address)
    assert count(page, "sold_total") == 1
    assert "python_info" in page


def test_it_leaves_the_registry_at_the_shutdown_and_at_a_second_start() -> None:
    for _ in range(2):
        handle = init_observability(exporters="prometheus_sdk", prometheus_port=0, console=False).unwrap()
        metrics.get_meter("t").create_counter("sold").add(2)
        assert count(scrape(handle.ops_address), "sold_total") == 1
    shutdown_observability()
    assert count(generate_latest(REGISTRY).decode(), "sold_total") == 0


def test_our_page_beside_it_has_each_metric_once() -> None:
    handle = init_observability(exporters=["prometheus", "prometheus_sdk"], prometheus_port=0, console=False).unwrap()
    metrics.get_meter("t").create_counter("sold").add(2)
    assert count(scrape(handle.ops_address), "sold_total") == 1
    assert count(generate_latest(REGISTRY).decode(), "sold_total") == 1


def test_a_forked_child_starts_with_its_own_reader() -> None:
    handle = init_observability(exporters="prometheus_sdk", prometheus_port=0, console=False).unwrap()
    metrics.get_meter("t").create_counter("sold").add(2)
    assert handle.status()["metrics"].state == "active"
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            metrics.get_meter("t").create_counter("sold").add(5)
            page = generate_latest(REGISTRY).decode()
            os.write(write, f"{count(page, 'sold_total')} {'sold_total 5.0' in page or page.count(' 5.0')}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode().startswith("1 ")


def test_a_page_that_cannot_be_served_leaves_the_registry() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        handle = init_observability(
            exporters="prometheus_sdk", prometheus_host="127.0.0.1", prometheus_port=port, console=False
        ).unwrap()
        metrics.get_meter("t").create_counter("sold").add(2)
        assert handle.status()["metrics"].state == "degraded"
        assert count(generate_latest(REGISTRY).decode(), "sold_total") == 0


def test_a_reader_that_cannot_be_closed_breaks_no_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    handle = init_observability(exporters="prometheus_sdk", prometheus_port=0, console=False).unwrap()
    handle.metrics.counter("sold").add(2)
    for collector in list(REGISTRY._collector_to_names):
        if type(collector).__module__.startswith("opentelemetry"):
            REGISTRY.unregister(collector)
    assert handle.shutdown().success
    assert "Closing a metric reader failed" in caplog.text


def test_closing_twice_changes_nothing() -> None:
    exporter = factory.create("metrics", with_defaults({}))
    exporter.metric_reader()
    exporter.close()
    exporter.close()


def test_without_the_package_the_signal_degrades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExporterUnavailable, match="not installed") as caught:
        factory.create("metrics", with_defaults({}))
    assert caught.value.fix == "pip install opentelemetry-exporter-prometheus"
