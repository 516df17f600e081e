"""Rule files of Prometheus: each alert has its labels, its texts, its runbook, and tests that fire and stay silent."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from monitoring.native.places import REPOSITORY

FOLDER = REPOSITORY / "monitoring" / "prometheus"
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
PAGES = "https://github.com/flext-sh/flext-observability/blob/main/docs/runbooks"
HEADINGS = ["## Meaning", "## Impact", "## Diagnose", "## Act"]


def groups() -> list[dict[str, Any]]:
    files = sorted((FOLDER / "rules").glob("*.yml"))
    return [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]


@cache
def alerts() -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return each alert with its rule. An alert with several windows has several rules."""
    return tuple((rule["alert"], rule) for group in groups() for rule in group["rules"] if "alert" in rule)


@cache
def cases() -> tuple[dict[str, Any], ...]:
    """Return the evaluated times of all rule tests."""
    files = sorted((FOLDER / "rule-tests").glob("*.yml"))
    tests = [test for file in files for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]]
    return tuple(case for test in tests for case in test.get("alert_rule_test", ()))


NAMES = sorted({name for name, _ in alerts()})
each_alert = pytest.mark.parametrize("name", NAMES)
each_rule = pytest.mark.parametrize(
    ("name", "rule"), alerts(), ids=[f"{name} {rule['labels'].get('window', '')}" for name, rule in alerts()]
)


@each_rule
def test_an_alert_has_labels_and_texts(name: str, rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["labels"]["owner"] in {"service", "observability"}
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert not annotations["summary"].endswith(".")
    assert annotations["description"].endswith(".")
    assert annotations["runbook_url"] == f"{PAGES}/{name}.md"


@each_rule
def test_a_test_expects_exactly_the_labels_and_texts_of_the_alert(name: str, rule: dict[str, Any]) -> None:
    fired = [expected for case in cases() if case["alertname"] == name for expected in case.get("exp_alerts") or ()]
    own = [expected for expected in fired if expected["exp_labels"].items() >= rule["labels"].items()]
    assert own, "no rule test expects it"
    for expected in own:
        assert set(expected["exp_annotations"]) == set(rule["annotations"])
        assert not any("{{" in text for text in expected["exp_annotations"].values())


@each_alert
def test_a_test_expects_that_the_alert_stays_silent(name: str) -> None:
    assert [case for case in cases() if case["alertname"] == name and not case.get("exp_alerts")]


@each_alert
def test_an_alert_has_a_runbook_with_all_parts(name: str) -> None:
    lines = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {name}"
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    severities = {rule["labels"]["severity"] for other, rule in alerts() if other == name}
    assert all(f"`{severity}`" in lines[2] for severity in severities)
    assert any(line.startswith("1. ") for line in lines)
    assert any(line.startswith("- ") for line in lines)


def test_there_is_no_runbook_without_an_alert() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == NAMES


def test_names_of_groups_are_unique() -> None:
    names = [group["name"] for group in groups()]
    assert len(names) == len(set(names))
