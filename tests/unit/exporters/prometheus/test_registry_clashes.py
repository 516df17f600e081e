"""Metrics of ours and of a registry of prometheus_client that have one name."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from opentelemetry import metrics
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily

from flext_observability import init_observability, publish_to_prometheus_client
from tests.unit.exporters.prometheus.test_registry import OURS, scrape, values


def test_of_two_metrics_of_one_name_the_registry_keeps_its_own(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    Counter("ours", "", registry=registry).inc(5)
    publish_to_prometheus_client(registry).unwrap()
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    for _ in range(2):
        assert values(generate_latest(registry).decode())["ours_total", ()] == 5
    assert caplog.messages == ["ours is not published: the registry has a metric of that name. Rename one of them."]


@pytest.mark.parametrize("auto_describe", [False, True])
@pytest.mark.parametrize("theirs", ["ours", "ours_total", "ours.total"])
def test_a_sample_name_of_the_registry_is_a_metric_of_that_name(theirs: str, *, auto_describe: bool) -> None:
    registry = CollectorRegistry(auto_describe=auto_describe)
    Gauge(theirs, "", ["shop"], registry=registry).labels("hat").set(5)
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    publish_to_prometheus_client(registry).unwrap()
    found = {key: value for key, value in values(generate_latest(registry).decode()).items() if key[0] != "target_info"}
    assert list(found.values()) == [5]


def test_a_metric_without_series_has_its_name() -> None:
    registry = CollectorRegistry()
    Counter("ours", "", ["shop"], registry=registry)
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    publish_to_prometheus_client(registry).unwrap()
    page = generate_latest(registry).decode()
    assert page.count("# TYPE ours_total ") == 1
    assert OURS not in page


def test_an_undescribed_collector_has_its_names() -> None:
    class Undescribed:
        def collect(self) -> Iterable[Metric]:
            yield GaugeMetricFamily("ours_total", "", value=5)

    registry = CollectorRegistry()
    registry.register(Undescribed())
    init_observability(exporters={"metrics": ["memory"], "traces": [], "logs": []}, console=False)
    metrics.get_meter("t").create_counter("ours").add(2)
    publish_to_prometheus_client(registry).unwrap()
    assert values(generate_latest(registry).decode())["ours_total", ()] == 5


def test_a_counter_of_our_name_with_other_labels_joins_it_on_our_page(caplog: pytest.LogCaptureFixture) -> None:
    theirs = Counter("orders", "", ["shop"])
    try:
        theirs.labels("hat").inc(3)
        handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
        metrics.get_meter("t").create_counter("orders").add(2, {"currency": "EUR"})
        found = values(scrape(handle.ops_address))
    finally:
        REGISTRY.unregister(theirs)
    assert found["orders_total", (("shop", "hat"),)] == 3
    assert found["orders_total", (("currency", "EUR"),)] == 2
    assert caplog.messages == []
