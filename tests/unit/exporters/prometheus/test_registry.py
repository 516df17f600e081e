"""Metrics of the program on our page, and ours in the program's registry, with the real prometheus_client."""

from __future__ import annotations

import sys
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics.export import MetricsData
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from flext_observability import init_observability, publish_to_prometheus_client, shutdown_observability
from flext_observability.exporters.prometheus.registry import RegistryCollector, program_metrics
from tests.programs import run

OURS = '\nours_total{otel_scope_name="t"} 2.0\n'


def values(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the value of each series, without the name of its scope."""
    return {
        (each.name, tuple(sorted(pair for pair in each.labels.items() if pair[0] != "otel_scope_name"))): each.value
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


class Broken:
    """A collector that raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        raise self.error


@pytest.mark.parametrize("error", [OSError("no disk"), SystemExit("no disk")])
def test_a_collector_that_raises_costs_no_other_metric(
    error: BaseException, program: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken(error)
    REGISTRY.register(broken)
    later = Gauge("program_later", "Registered after the collector that raises")
    later.set(4)
    try:
        handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
        metrics.get_meter("t").create_counter("ours").add(2)
        for _ in range(2):
            found = values(scrape(handle.ops_address))
            assert found["program_jobs_total", (("queue", "mail"),)] == 3
            assert (found["ours_total", ()], found["program_later", ()]) == (2, 4)
    finally:
        REGISTRY.unregister(broken)
        REGISTRY.unregister(later)
    message = f"Collecting a registry of prometheus_client failed: {type(error).__name__}: no disk"
    assert [line for line in caplog.messages if "no disk" in line] == [f"{message}; the program continues without it"]


def test_a_registry_that_raises_itself_has_no_further_collectors(caplog: pytest.LogCaptureFixture) -> None:
    class Own(CollectorRegistry):
        def collect(self) -> Iterable[Metric]:
            yield GaugeMetricFamily("own", "", value=5)
            raise OSError("no disk")

    registry = Own()
    collector = RegistryCollector(lambda: MetricsData([]), registry)
    assert list(collector.collect()) == []
    assert "no disk" in caplog.text


def test_a_collector_that_leaves_during_the_publication_costs_none_of_ours() -> None:
    registry = CollectorRegistry()
    broken = Broken(SystemExit(3))
    registry.register(broken)
    publish_to_prometheus_client(registry).unwrap()
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    collector = next(each for each in registry._collector_to_names if isinstance(each, RegistryCollector))
    assert "ours" in {metric.name for metric in collector.collect()}


def test_a_library_in_the_middle_of_its_import_has_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", ModuleType("prometheus_client"))
    assert program_metrics() == []


def test_metrics_of_a_later_import_are_on_the_page() -> None:
    done = run("""
        import sys, urllib.request
        from flext_observability import init_observability
        handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
        page = lambda: urllib.request.urlopen(handle.ops_address + "/metrics").read().decode()
        print("prometheus_client" in sys.modules, "jobs_total 1.0" in page())
        from prometheus_client import Counter
        Counter("jobs", "").inc()
        print("jobs_total 1.0" in page())
    """)
    assert done.lines == ["False False", "True"], done.err


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


def test_a_registry_that_was_emptied_has_ours_again() -> None:
    registry = CollectorRegistry()
    publish_to_prometheus_client(registry).unwrap()
    for collector in list(registry._collector_to_names):
        registry.unregister(collector)
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    assert "ours_total" not in generate_latest(registry).decode()
    publish_to_prometheus_client(registry).unwrap()
    assert generate_latest(registry).decode().count(OURS) == 1


def test_two_registries_have_ours() -> None:
    registries = [CollectorRegistry(), CollectorRegistry()]
    for registry in registries:
        publish_to_prometheus_client(registry).unwrap()
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    assert [OURS in generate_latest(registry).decode() for registry in registries] == [True, True]
    assert RegistryCollector(lambda: None, registries[0]) != registries[0]


def test_a_callback_may_read_the_registry_that_has_ours() -> None:
    done = run(
        """
        from opentelemetry import metrics
        from opentelemetry.metrics import Observation
        from prometheus_client import REGISTRY, Gauge, generate_latest
        from flext_observability import init_observability, publish_to_prometheus_client
        publish_to_prometheus_client()
        Gauge("depth", "").set(4)
        init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
        read = lambda options: [Observation(REGISTRY.get_sample_value("depth"))]
        metrics.get_meter("t").create_observable_gauge("bridge", [read])
        print('bridge{otel_scope_name="t"} 4.0' in generate_latest().decode())
        """,
        20,
    )
    assert done.lines == ["True"], done.err


def test_a_collector_of_the_program_may_collect_the_default_registry(caplog: pytest.LogCaptureFixture) -> None:
    class Nested:
        depth = 0

        def describe(self) -> Iterable[Metric]:
            return ()

        def collect(self) -> Iterable[Metric]:
            self.depth += 1
            if self.depth == 1:
                yield GaugeMetricFamily("program_size", "", value=len(program_metrics()))

    nested = Nested()
    REGISTRY.register(nested)
    collector = RegistryCollector(lambda: None, REGISTRY)
    try:
        publish_to_prometheus_client().unwrap()
        handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
        metrics.get_meter("t").create_counter("ours").add(2)
        page = scrape(handle.ops_address)
    finally:
        REGISTRY.unregister(nested)
        REGISTRY.unregister(collector)  # it is equal to the published one
    assert (page.count(OURS), "program_size" in page) == (1, True)
    # Instruments that other tests of this process have left may clash with each other.
    others = "Two instruments of one meter have the name "
    messages = [each for each in caplog.messages if not each.startswith(others) or f"{others}ours" in each]
    assert messages == [], "no metric is there twice"


def test_a_forked_child_has_its_own_totals_once() -> None:
    done = run("""
        import os
        from opentelemetry import metrics
        from prometheus_client import CollectorRegistry, Gauge, generate_latest
        from flext_observability import init_observability, publish_to_prometheus_client
        registry = CollectorRegistry()
        Gauge("depth", "", registry=registry).set(4)
        publish_to_prometheus_client(registry)
        init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
        counter = metrics.get_meter("t").create_counter("ours")
        counter.add(2)

        def show():
            lines = generate_latest(registry).decode().splitlines()
            print(*(line for line in lines if line.startswith(("ours_total", "depth"))), flush=True)

        if os.fork() == 0:
            publish_to_prometheus_client(registry)
            counter.add(5)
            show()
            os._exit(0)
        os.wait()
        show()
    """)
    assert done.lines == [
        'depth 4.0 ours_total{otel_scope_name="t"} 5.0',
        'depth 4.0 ours_total{otel_scope_name="t"} 2.0',
    ], done.err


def test_with_several_processes_our_page_has_our_values_of_all(tmp_path: Path) -> None:
    done = run(
        """
        import os, urllib.request
        from prometheus_client import CollectorRegistry, Counter, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector
        from flext_observability import init_observability, publish_to_prometheus_client
        jobs = Counter("jobs", "")
        handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
        ours = handle.metrics.counter("ours")

        def record(n):
            jobs.inc(n)
            ours.add(n)

        def show(page):
            print(*sorted(line for line in page.decode().splitlines() if line.startswith(("jobs_total", "ours_total"))))

        record(1)
        if os.fork() == 0:
            record(10)
            os._exit(0)
        os.wait()
        show(urllib.request.urlopen(handle.ops_address + "/metrics").read())
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        publish_to_prometheus_client(registry)
        show(generate_latest(registry))
        """,
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
    )
    ours = 'ours_total{otel_scope_name="flext_observability"}'
    assert done.lines == [f"jobs_total 1.0 {ours} 11.0", f"jobs_total 11.0 {ours} 1.0"], done.err


def test_our_page_and_the_default_registry_have_each_metric_once() -> None:
    publish_to_prometheus_client().unwrap()
    try:
        handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
        metrics.get_meter("t").create_counter("ours").add(2)
        assert scrape(handle.ops_address).count(OURS) == 1
        assert generate_latest(REGISTRY).decode().count(OURS) == 1
    finally:
        REGISTRY.unregister(RegistryCollector(lambda: None, REGISTRY))


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
    assert generate_latest(registry).decode().count(OURS) == 1


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
