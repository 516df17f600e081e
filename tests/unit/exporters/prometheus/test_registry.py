"""Metrics of the program on our page, and ours in the program's registry, with the real prometheus_client."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from opentelemetry import metrics
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from flext_observability import init_observability, publish_to_prometheus_client, shutdown_observability
from flext_observability.exporters.prometheus.registry import RegistryCollector, program_metrics
from tests.programs import run


def values(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for metric in text_string_to_metric_families(page)
        for each in metric.samples
    }


def scrape(address: str) -> str:
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as reply:
        return str(reply.read().decode())


@pytest.fixture
def program() -> Iterator[Counter]:
    """A counter that the program keeps in the default registry."""
    counter = Counter("program_jobs", "Jobs", ["queue"])
    counter.labels("mail").inc(3)
    yield counter
    REGISTRY.unregister(counter)


def test_our_page_has_the_metrics_of_the_program(program: Counter) -> None:
    handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
    metrics.get_meter("t").create_counter("ours").add(2)
    found = values(scrape(handle.ops_address))
    assert found["program_jobs_total", (("queue", "mail"),)] == 3
    assert found["ours_total", ()] == 2


def test_a_setting_leaves_them_out(program: Counter) -> None:
    settings: dict[str, Any] = {"exporters": "prometheus", "prometheus_port": 0, "console": False}
    handle = init_observability(**settings, prometheus_client_enabled=False).unwrap()
    assert "program_jobs" not in scrape(handle.ops_address)


def test_a_collector_that_raises_costs_no_other_metric(program: Counter, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def describe(self) -> Iterable[Metric]:
            return ()

        def collect(self) -> Iterable[Metric]:
            raise OSError("no disk")

    broken = Broken()
    REGISTRY.register(broken)
    try:
        assert "program_jobs" in {metric.name for metric in program_metrics()}
    finally:
        REGISTRY.unregister(broken)
    assert "no disk" in caplog.text


def test_a_registry_of_the_program_has_ours() -> None:
    registry = CollectorRegistry()
    Gauge("depth", "", registry=registry).set(7)
    assert publish_to_prometheus_client(registry).success
    assert publish_to_prometheus_client(registry).success  # once
    assert values(generate_latest(registry).decode()) == {("depth", ()): 7}, "nothing of ours before the start"
    init_observability(exporters="none", metrics_enabled=True, console=False)
    assert "ours_total" not in generate_latest(registry).decode()
    shutdown_observability()
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    histogram = metrics.get_meter("t").create_histogram("ours.wait", "s")
    histogram.record(0.2, {"kind": "x"})
    found = values(generate_latest(registry).decode())
    assert found["depth", ()] == 7
    assert found["ours_wait_seconds_count", (("kind", "x"),)] == 1
    write: Any = generate_openmetrics
    assert write(registry).decode().endswith("# EOF\n")


def test_of_two_metrics_of_one_name_the_registry_keeps_its_own(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    Counter("ours", "", registry=registry).inc(5)
    publish_to_prometheus_client(registry).unwrap()
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    for _ in range(2):
        assert values(generate_latest(registry).decode())["ours_total", ()] == 5
    assert caplog.messages == ["ours is not published: the registry has a metric of that name. Rename one of them."]


def test_our_page_and_the_default_registry_have_each_metric_once() -> None:
    publish_to_prometheus_client().unwrap()
    try:
        handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
        metrics.get_meter("t").create_counter("ours").add(2)
        assert scrape(handle.ops_address).count("\nours_total 2.0\n") == 1
        assert generate_latest(REGISTRY).decode().count("\nours_total 2.0\n") == 1
    finally:
        for collector in list(REGISTRY._collector_to_names):
            if isinstance(collector, RegistryCollector):
                REGISTRY.unregister(collector)


def test_an_error_of_ours_costs_the_registry_nothing(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()

    def fail() -> None:
        raise ValueError("no points")

    registry.register(RegistryCollector(fail, registry))
    Gauge("depth", "", registry=registry).set(7)
    assert values(generate_latest(registry).decode()) == {("depth", ()): 7}
    assert "no points" in caplog.text


def test_threads_publish_once() -> None:
    registry = CollectorRegistry()
    threads = [threading.Thread(target=publish_to_prometheus_client, args=(registry,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    assert generate_latest(registry).decode().count("\nours_total 2.0\n") == 1


@pytest.mark.parametrize("given", [object(), "registry", 3])
def test_what_is_not_a_registry_is_a_failure(given: Any) -> None:
    result = publish_to_prometheus_client(given)
    assert (result.code, result.fix) == ("invalid_argument", "Pass a CollectorRegistry")


def test_without_the_library_nothing_is_published() -> None:
    done = run("""
        import sys
        sys.modules["prometheus_client"] = None
        from flext_observability import publish_to_prometheus_client
        result = publish_to_prometheus_client()
        print(result.code, result.fix, sep=": ")
    """)
    assert done.lines == ["missing_package: pip install prometheus-client"]
