"""Alerts without labels or texts, objectives that cannot be reached, and changed alerts that the tests notice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.native.places import REPOSITORY, places_from
from monitoring.validation.rule_mutations import FOLDER, Mutant, mutants, survives
from monitoring.validation.tree import Tree
from tests.monitoring.validation.copies import Copy

RULES = "monitoring/prometheus/rules/own.yml"
GOOD = """groups:
  - name: own
    rules:
      - alert: Own
        expr: up == 0
        labels: {severity: warning, owner: service}
        annotations: {summary: a, description: b., runbook_url: "https://example.org/own"}
"""


def test_the_shipped_alerts_are_complete(copy: Copy) -> None:
    assert copy.faults("labels and texts of alerts", "objectives of services") == []


@pytest.mark.parametrize(
    ("old", "new", "why", "action"),
    [
        ("severity: warning", "severity: warn", "its label severity is 'warn'", 'Use "warning"'),
        (", owner: service", "", "it has no label owner", ""),
        ("summary: a, ", "", "it has no annotation summary", "Add summary to annotations"),
        ("description: b.", 'description: ""', "it has no annotation description", "Add description to annotations"),
        (', runbook_url: "https://example.org/own"', "", "it has no annotation runbook_url", "Add runbook_url"),
    ],
)
def test_an_alert_without_a_part_is_named(copy: Copy, old: str, new: str, why: str, action: str) -> None:
    copy.write(RULES, GOOD.replace(old, new))
    (fault,) = copy.faults("labels and texts of alerts")
    assert (fault.file, fault.line, fault.what) == (RULES, 4, "alert Own")
    assert why in fault.why
    assert action in fault.action


@pytest.mark.parametrize("ratio", ["0", "0.07", "5", "1-0.5", "0.01e", "0.01) + vector(1"])
def test_an_objective_that_cannot_be_reached_is_named(copy: Copy, ratio: str) -> None:
    line = copy.change("monitoring/prometheus/rules/objectives.yml", "vector(0.01)", f"vector({ratio})")
    (fault,) = copy.faults("objectives of services")
    assert abs(fault.line - line) <= 2
    assert "is not a number above 0 and at most 0.06" in fault.why


def test_each_number_and_duration_of_an_alert_is_changed() -> None:
    rule: dict[str, Any] = {"alert": "A", "expr": "rate(x_1[5m]) > 0.5 or y == 0", "for": "2m"}
    content = {"groups": [{"name": "g", "rules": [{"record": "r", "expr": "z > 1"}, rule]}]}
    found = list(mutants("f.yml", content))
    changes = [one.change for one in found]
    assert changes == ["0.5 → 1", "0.5 → 0.25", "0 → 1e+12", "for 2m → 6m", "for 2m → 0"]
    assert [one.groups["groups"][0]["rules"][1]["expr"] for one in found][:3] == [
        "rate(x_1[5m]) > 1 or y == 0",
        "rate(x_1[5m]) > 0.25 or y == 0",
        "rate(x_1[5m]) > 0.5 or y == 1e+12",
    ]
    for expression in ("a > on (b) 14.4 * c", "a >= on (b) group_left (d) 14.4", "a > bool 14.4"):
        changed = list(mutants("f.yml", {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expression}]}]}))
        assert [one.change for one in changed] == ["14.4 → 28.8", "14.4 → 7.2"]
    compared = {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "max by (j) (a > b)"}]}]}
    (one,) = mutants("f.yml", compared)
    assert one.groups["groups"][0]["rules"][0]["expr"] == "max by (j) (a < b)"
    assert "for" not in found[-1].groups["groups"][0]["rules"][1]
    assert content["groups"][0]["rules"][1] is rule


def test_a_change_survives_without_a_test(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / FOLDER / "rules", tmp_path / "rules")
    (tmp_path / "rule-tests").mkdir()
    content = yaml.safe_load((tmp_path / "rules" / "batch.yml").read_text(encoding="utf-8"))
    places = places_from({"FLEXT_STACK_STATE": str(tmp_path)})
    assert survives(Tree(places, places), Mutant("batch.yml", "BatchJobSilent", "none", content), tmp_path)
