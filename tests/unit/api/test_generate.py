"""Rule files and dashboards for the instruments of this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest
import yaml
from opentelemetry import metrics as otel_metrics

from flext_observability import (
    FlextAlertRule,
    FlextMetricsCollector,
    FlextResult,
    Observability,
    flext_grafana_dashboard,
    flext_prometheus_rules,
    init_observability,
)
from flext_observability.api.declarations import declarations

BUSY = FlextAlertRule("busy", metric="generate.orders", measure="rate", above=5)


@pytest.fixture
def handle() -> Iterator[Observability]:
    with init_observability(service_name="shop", exporters="none").unwrap() as started:
        started.metrics.counter("generate.orders", unit="orders").add(1, {"outcome": "sold"})
        yield started


def group(result: FlextResult[str]) -> dict[str, Any]:
    [found] = yaml.safe_load(result.unwrap())["groups"]
    return cast("dict[str, Any]", found)


def test_rules_of_the_handle_are_the_default(handle: Observability) -> None:
    assert group(flext_prometheus_rules())["rules"] == []
    handle.alerts.add_rule(BUSY).unwrap()
    found = group(flext_prometheus_rules(owner="sales", runbook_url="https://example.org/{name}"))
    assert (found["name"], found["interval"]) == ("shop", "15s")
    [rule] = found["rules"]
    assert rule["expr"] == 'rate(generate_orders_total{service_name="shop"}[4m]) > 5'
    assert rule["labels"] == {"severity": "warning", "owner": "sales", "service_name": "shop"}
    assert rule["annotations"]["runbook_url"] == "https://example.org/busy"


def test_before_the_start_rules_must_be_given() -> None:
    assert flext_prometheus_rules().code == "not_started"


def test_settings_of_the_program_choose_window_and_histograms() -> None:
    settings: dict[str, Any] = {
        "service_name": "shop",
        "exporters": "none",
        "metric_export_interval_seconds": 5,
        "alert_rules_interval_seconds": 30,
        "metrics_default_histogram_aggregation": "base2_exponential_bucket_histogram",
    }
    slow = FlextAlertRule("slow", metric="generate.time", measure="p95", above=1)
    with init_observability(**settings).unwrap() as started:
        started.metrics.histogram("generate.time", unit="s")
        found = group(flext_prometheus_rules([slow], service_name=""))
    assert (found["name"], found["interval"]) == ("shop", "30s")
    assert found["rules"][0]["expr"] == "histogram_quantile(0.95, rate(generate_time_seconds[30s])) > 1"


def test_processes_are_combined_on_request(handle: Observability) -> None:
    total = FlextAlertRule("total", metric="generate.orders", combine="sum", above=5)
    [rule] = group(flext_prometheus_rules([total], across_processes=True))["rules"]
    assert rule["expr"] == 'sum (generate_orders_total{service_name="shop"}) > 5'


def test_attributes_are_those_given_or_recorded(handle: Observability) -> None:
    typo = FlextAlertRule("typo", metric="generate.orders", attributes={"outcom": "x"}, above=5)
    other = FlextAlertRule("other", metric="generate.orders", attributes={"warehouse": "x"}, above=5)
    assert "Use 'outcome'" in str(flext_prometheus_rules([typo]).error)
    assert "# Alert rule 'other': the attribute 'warehouse' is not checked" in flext_prometheus_rules([other]).unwrap()
    given = {"generate.orders": ["outcome"]}
    assert "has no attribute 'warehouse'" in str(flext_prometheus_rules([other], attributes=given).error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rules": 5}, "Invalid rules: 5. Pass a list of FlextAlertRule."),
        ({"rules": ["a"]}, "Invalid alert rule: 'a'. Pass a FlextAlertRule."),
        ({"rules": [FlextAlertRule("a", metric="")]}, "Invalid alert rule metric: ''"),
        ({"owner": 5}, "Invalid owner: 5"),
        ({"service_name": b"shop"}, "Invalid service_name"),
        ({"runbook_url": "x" * 3000}, "Invalid runbook_url"),
        ({"attributes": [1]}, "Invalid attributes: "),
        ({"attributes": {1: ["a"]}}, "Invalid attributes: "),
        ({"attributes": {"a": "b"}}, "Invalid attributes: "),
        ({"attributes": {"a": [1]}}, "Invalid attributes: "),
        ({"across_processes": 1}, "Invalid across_processes: 1. Use True or False."),
    ],
)
def test_bad_arguments_are_a_failure(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"rules": [BUSY], **arguments}
    result = flext_prometheus_rules(**given)
    assert result.is_failure
    assert str(result.error).startswith(message)


def test_a_dashboard_has_the_panels_of_the_program(handle: Observability) -> None:
    handle.metrics.gauge("generate.stock", mode="sum")
    otel_metrics.get_meter("other").create_observable_up_down_counter("generate.memory", unit="By")
    otel_metrics.get_meter("other").create_gauge("generate.stock")  # a second definition has no effect
    otel_metrics.get_meter("opentelemetry.instrumentation.x").create_counter("generate.library")
    first, second = flext_grafana_dashboard().unwrap(), flext_grafana_dashboard().unwrap()
    assert first == second
    built = json.loads(first)
    assert (built["uid"], built["title"], built["editable"]) == ("shop", "shop", False)
    titles = [panel["title"] for panel in built["panels"]]
    assert {"generate", "generate.memory", "generate.orders per second", "generate.stock"} <= set(titles)
    assert "generate.library per second" not in titles
    service, instance = built["templating"]["list"]
    assert (service["name"], service["current"]["value"]) == ("service", ["shop"])
    assert (instance["name"], instance["current"]["value"]) == ("instance", ["$__all"])
    assert flext_grafana_dashboard(title="A b/c").unwrap().count('"uid": "A-b-c"') == 1


@pytest.mark.parametrize("arguments", [{"uid": "a b"}, {"uid": "x" * 41}, {"title": 5}])
def test_bad_arguments_of_a_dashboard_are_a_failure(arguments: dict[str, Any]) -> None:
    assert flext_grafana_dashboard(**arguments).code == "invalid_argument"


@pytest.mark.parametrize(
    ("missing", "code"), [("grafana_foundation_sdk.builders", "missing_package"), ("json", "internal")]
)
def test_a_missing_package_is_named(
    missing: str, code: str, handle: Observability, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if "grafana" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    result = flext_grafana_dashboard()
    assert result.code == code
    if code == "missing_package":
        assert str(result.error).endswith('. pip install "flext-observability[grafana]"')


def test_known_attributes_of_the_host_are_those_that_its_collector_records() -> None:
    known = declarations().library
    collector = FlextMetricsCollector(per_cpu=True)
    collector.collect()
    for entity in collector.collect().unwrap():
        assert set(entity.tags) <= set(known[entity.name].attributes), entity.name
