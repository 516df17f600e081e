"""Alertmanager is away: alerts of a program and of a rule become active after its return."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from flext_observability import (
    Observability,
    flext_create_alert,
    init_observability,
    shutdown_observability,
)
from monitoring.native.parts import ALERTMANAGER, PROMETHEUS
from monitoring.native.targets import prometheus_folder
from tests.stack.clients import eventually
from tests.stack.faults.measuring import Count, Ledger, Stores, active_alerts
from tests.stack.faults.own_stack import OwnStack

pytestmark = pytest.mark.stack

ALERTS = 20
FAULT = "alertmanager stopped, 5 s"
RULE = "groups: [{name: faults, interval: 1s, rules: [{alert: RuleDuringOutage, expr: vector(1)}]}]"


@pytest.fixture
def handle(alertmanager: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observability]:
    monkeypatch.setenv("ALERTMANAGER_URL", alertmanager)
    yield init_observability(service_name="fault-alerts", exporters="none", console=False).unwrap()
    shutdown_observability(5)


def test_alerts_of_a_program_are_kept(
    own_stack: OwnStack, alertmanager: str, handle: Observability, ledger: Ledger
) -> None:
    own_stack.stop(ALERTMANAGER)
    for number in range(ALERTS):
        flext_create_alert("program_during_outage", "error", "full", "host", {"labels": {"n": str(number)}}).unwrap()
    time.sleep(5.0)  # the outage itself
    own_stack.start(ALERTMANAGER)
    assert handle.flush(30).unwrap().complete
    assert handle.alerts.notifiers().unwrap()[0].failed == 0
    found = [one["labels"]["n"] for one in active_alerts(alertmanager, "program_during_outage")]
    count = Count("alerts of a program", ALERTS, len(set(found)), len(found) - len(set(found)))
    ledger.rows.append((FAULT, count))
    assert (count.lost, count.duplicates) == (0, 0)


def test_the_alert_of_a_rule_is_sent_again(
    own_stack: OwnStack, alertmanager: str, stores: Stores, ledger: Ledger
) -> None:
    """Prometheus repeats a firing alert each minute. Here it does so every five seconds."""
    rule = prometheus_folder(own_stack.places) / "rules" / "faults.yml"
    rule.write_text(RULE, encoding="utf-8")
    own_stack.stop(ALERTMANAGER, PROMETHEUS)
    assert PROMETHEUS.run is not None
    argv = (*PROMETHEUS.run.argv, "--rules.alert.resend-delay=5s")
    own_stack.start(replace(PROMETHEUS, run=replace(PROMETHEUS.run, argv=argv)))
    eventually(lambda: "RuleDuringOutage" in {one["labels"]["alertname"] for one in stores.prometheus.alerts()})
    time.sleep(3.0)  # the outage itself
    own_stack.start(ALERTMANAGER)
    found = eventually(lambda: active_alerts(alertmanager, "RuleDuringOutage"))
    own_stack.away([PROMETHEUS], 0.0)
    count = Count("alert of a rule", 1, len(found), len(found) - 1)
    ledger.rows.append((FAULT, count))
    assert (count.lost, count.duplicates) == (0, 0)
