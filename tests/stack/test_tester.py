"""`python -m monitoring.tester` on the real stack: it passes with good files, and names each fault of changed ones."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitoring.native.parts import ALERTMANAGER, PROMETHEUS, PUSHGATEWAY
from monitoring.native.places import REPOSITORY, Places
from monitoring.tester.load import Load, run_load
from monitoring.tester.provocations.alert import ALERT
from tests.monitoring.tester.repositories import JAEGER, LOGS, dashboard, panel, write

pytestmark = pytest.mark.stack

CALLS = "traces_span_metrics_calls_total"
VARIABLE = {
    "name": "service",
    "type": "query",
    "datasource": {"type": "prometheus", "uid": "prometheus"},
    "query": {"query": f"label_values({CALLS}, service_name)"},
    "includeAll": True,
    "multi": True,
    "allValue": ".+",
    "current": {"value": "$__all"},
}
RATE = f'sum by (service_name) (rate({CALLS}{{service_name=~"$service"}}[$__rate_interval]))'
GOOD = dashboard(
    templating={"list": [VARIABLE]},
    links=[{"type": "link", "title": "Itself", "url": "/d/shop?var-service=gateway"}],
    panels=[
        panel(title="Calls", targets=[{"refId": "A", "expr": RATE}]),
        panel(title="Log records", datasource=LOGS, targets=[{"refId": "A", "expr": "service.name:in($service)"}]),
        panel(
            title="Rate of records", datasource=LOGS, targets=[{"expr": "* | stats count() n", "queryType": "stats"}]
        ),
        panel(title="Traces", datasource=JAEGER, targets=[{"queryType": "search", "service": "gateway"}]),
    ],
)
Report = dict[str, Any]


@pytest.fixture(scope="module")
def load(stack: Places) -> Load:
    """Run the demo once, for all tests."""
    return run_load(stack, checkouts=24, seconds=3, tick=lambda: None)


def run_tester(folder: Path, *arguments: str) -> tuple[int, Report, str]:
    """Run the tester on a repository. Return the exit code, the report and the output."""
    report = folder / "report.json"
    argv = (sys.executable, "-m", "monitoring.tester", "--no-load", "--files", str(folder), "--json", str(report))
    done = subprocess.run(
        [*argv, "--timeout", "6", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=180, check=False
    )
    text = done.stdout + done.stderr
    return done.returncode, json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}, text


def bad(report: Report) -> list[tuple[str, str, str]]:
    """Return item, state and detail of each failed check."""
    rows = [row for row in report["checks"] if row["state"] not in {"rows", "silent"}]
    return [(row["item"], row["state"], row["detail"]) for row in rows]


@pytest.mark.usefixtures("load")
def test_good_files_pass_with_data_for_each_query(tmp_path: Path) -> None:
    code, report, text = run_tester(write(tmp_path, GOOD), "--board", "shop")
    assert (code, bad(report)) == (0, []), text
    assert {row["item"] for row in report["checks"]} == {
        "$service", "Calls", "Log records", "Rate of records", "Traces", "dashboard",
    }  # fmt: skip
    assert all(row["rows"] > 0 for row in report["checks"])
    assert text.splitlines()[-1].startswith("passed: 6 checks, 6 with data")


def _expression(number: int, expression: str) -> Callable[[dict[str, Any]], None]:
    return lambda changed: changed["panels"][number]["targets"][0].update(expr=expression)


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize(
    ("change", "item", "state", "detail"),
    [
        (_expression(0, RATE.replace("calls_total", "call_total")), "Calls", "empty", ""),
        (_expression(0, RATE.replace("service_name=~", "servce_name=~")), "Calls", "empty", ""),
        (_expression(0, RATE + ")"), "Calls", "error", "parse error"),
        (_expression(0, RATE.replace("$service", "$servce")), "Calls", "error", "variable $servce is not defined"),
        (_expression(1, '{service.name="gateway"'), "Log records", "error", "victorialogs: 400: "),
        (_expression(1, 'service.name:="getaway"'), "Log records", "empty", ""),
        (_expression(2, "*"), "Rate of records", "error", "missing `| stats ...` pipe"),
        (
            lambda one: one["panels"][0].update(datasource={"uid": "prom"}),
            "Calls",
            "error",
            "'prom' is not provisioned",
        ),
        (lambda one: one["panels"][3]["targets"][0].update(service="getaway"), "Traces", "empty", ""),
        (lambda one: one["links"][0].update(url="/d/gone"), "dashboard", "error", "no dashboard has the uid 'gone'"),
    ],
    ids=[
        "wrong metric",
        "wrong label",
        "broken PromQL",
        "unknown variable",
        "broken LogsQL",
        "wrong log field value",
        "stats without stats",
        "wrong data source",
        "wrong service",
        "dead link",
    ],
)
def test_a_fault_in_a_dashboard_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], item: str, state: str, detail: str
) -> None:
    changed = copy.deepcopy(GOOD)
    change(changed)
    code, report, text = run_tester(write(tmp_path, changed), "--board", "shop")
    assert code == 1, text
    [(found_item, found_state, found_detail)] = bad(report)
    assert (found_item, found_state) == (item, state)
    assert detail in found_detail
    assert f"shop / {item}" in text
    assert text.splitlines()[-1].startswith("FAILED: ")


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize(
    ("changes", "part", "detail"),
    [
        ({"expr": "requests_totl > 1"}, "expression", "metric requests_totl has no series"),
        ({"expr": f'{CALLS}{{servce="a"}} > 1'}, "expression", f"metric {CALLS} has no label servce"),
        ({"expr": f"{CALLS} >"}, "expression", "parse error"),
        ({"expr": CALLS}, "loaded", "Prometheus has not loaded the rule"),
        ({"expr": CALLS, "annotations": {}}, "runbook", "runbook_url is ''"),
    ],
    ids=["wrong metric", "wrong label", "broken PromQL", "not loaded", "no runbook"],
)
def test_a_fault_in_a_rule_is_named(tmp_path: Path, changes: dict[str, Any], part: str, detail: str) -> None:
    runbook = "https://github.com/flext-sh/flext-observability/blob/main/docs/runbooks/ShopSlow.md"
    rule = {"alert": "ShopSlow", "annotations": {"runbook_url": runbook}} | changes
    code, report, text = run_tester(write(tmp_path, GOOD, rules=[rule]))
    assert code == 1, text
    found = {row["part"]: row["detail"] for row in report["checks"] if row["item"] == "ShopSlow"}
    assert detail in found[part]


@pytest.mark.usefixtures("load")
def test_an_excused_panel_is_provoked_and_must_have_data_afterwards(stack: Places, tmp_path: Path) -> None:
    alert = {"refId": "A", "expr": f'ALERTS{{alertname="{ALERT}", alertstate="firing"}}', "instant": True}
    never = {"refId": "A", "expr": "no_such_metric"}
    changed = copy.deepcopy(GOOD)
    changed["panels"] += [
        panel(title="Alerts", description="Firing alerts. Empty until one fires.", targets=[alert]),
        panel(title="Alert list", type="alertlist", description="Empty until one fires.", targets=[]),
        panel(title="Never", description="Empty until it is not.", targets=[never]),
        panel(title="No excuse", targets=[never]),
    ]
    code, report, text = run_tester(write(tmp_path, changed), "--board", "shop")
    assert code == 1, text
    assert [row[:2] for row in bad(report)] == [("Never", "empty"), ("No excuse", "empty")]
    provoked = {row["item"] for row in report["checks"] if row["provoked"]}
    assert {"Alerts", "Never"} <= provoked <= {"Alerts", "Alert list", "Never"}
    assert "shop / Never / query A: empty: still empty after the provocations" in text
    assert not _rules_named(stack, ALERT)
    page = httpx.get(f"http://{stack.address(PUSHGATEWAY, 'http')}/metrics", trust_env=False).text
    assert "observability_test_rows" not in page
    assert not _active_alerts(stack, ALERT)


def test_a_stack_that_is_down_is_reported_with_the_command_to_start_it(tmp_path: Path) -> None:
    argv = (sys.executable, "-m", "monitoring.tester")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "FLEXT_STACK_PORT_OFFSET": "29000"}
    done = subprocess.run(
        argv, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "Not running: jaeger, prometheus, webhook, alertmanager, pushgateway, victorialogs, collector" in done.stdout
    assert "Start the stack: make monitoring-setup, or without Docker: make stack-install stack-up." in done.stdout


def _rules_named(stack: Places, name: str) -> list[str]:
    address = f"http://{stack.address(PROMETHEUS, 'http')}/api/v1/rules"
    groups = httpx.get(address, trust_env=False).raise_for_status().json()["data"]["groups"]
    return [rule["name"] for group in groups for rule in group["rules"] if rule["name"] == name]


def _active_alerts(stack: Places, name: str) -> list[str]:
    address = f"http://{stack.address(ALERTMANAGER, 'http')}/api/v2/alerts"
    alerts = httpx.get(address, params={"active": "true"}, trust_env=False).raise_for_status().json()
    return [alert["status"]["state"] for alert in alerts if alert["labels"]["alertname"] == name]
