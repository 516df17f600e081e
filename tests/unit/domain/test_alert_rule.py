"""FlextAlertRule → what it says of wrong arguments, and its message."""

from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextAlertRule


def rule(**changes: Any) -> FlextAlertRule:
    arguments: dict[str, Any] = {"name": "cpu_high", "metric": "system.cpu.utilization", "above": 0.8, **changes}
    return FlextAlertRule(**arguments)


def test_one_line_says_cpu_above_80_percent_for_5_minutes() -> None:
    cpu = FlextAlertRule("cpu_high", metric="system.cpu.utilization", above=0.8, for_seconds=300, severity="critical")
    assert cpu.validate_business_rules().success
    assert (cpu.condition, cpu.threshold, cpu.for_seconds) == ("above", 0.8, 300)


def test_each_condition_has_its_threshold() -> None:
    assert (rule(above=None, below=3).condition, rule(above=None, below=3).threshold) == ("below", 3.0)
    assert (rule(above=None, absent_seconds=60).condition, rule(above=None, absent_seconds=60).threshold) == (
        "absent",
        60.0,
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": ""}, "name: ''; say what the alert is about"),
        ({"name": "  "}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"name": b"x"}, "name"),
        ({"metric": None}, "metric: 'null'; give the name that the metric was recorded under"),
        ({"above": None}, "condition: there is none; give exactly one of above, below, absent_seconds"),
        ({"below": 1}, "condition: above and below; give exactly one"),
        ({"above": float("nan")}, "above: nan; give a finite number"),
        ({"above": float("inf")}, "above"),
        ({"above": 10**400}, "above"),
        ({"above": True}, "above: True"),
        ({"above": "0.8"}, "above: '0.8'"),
        ({"above": None, "absent_seconds": -1}, "absent_seconds: -1; give a finite number of seconds, 0 or more"),
        ({"measure": "p42"}, "measure: 'p42'; use one of value, rate, count, mean, p50, p90, p95, p99"),
        ({"severity": "urgent"}, "severity: 'urgent'; use one of info, warning, error, critical"),
        ({"combine": "median"}, "combine: 'median'; use one of sum, max, min, mean"),
        ({"for_seconds": -1}, "for_seconds: -1; give a finite number of seconds"),
        ({"keep_firing_seconds": float("inf")}, "keep_firing_seconds"),
        ({"attributes": [("a", 1)]}, "attributes"),
        ({"attributes": {1: "a"}}, "attributes"),
        ({"attributes": {"a": {"b": 1}}}, "attributes"),
        ({"attributes": {"a": ()}}, "attributes"),
        ({"by": "host", "combine": "sum"}, "by: 'host'; give a tuple of attribute names"),
        ({"by": (1,), "combine": "sum"}, "by"),
        ({"by": ("host",)}, "by: ('host',) without combine; give combine='sum'"),
        ({"message": None}, "message"),
        ({"message": "x" * 8193}, "message"),
        ({"message": "{value"}, "message: expected '}' before end of string; write a literal brace twice"),
        ({"message": "{}"}, "message: '' is no placeholder; use {name}, {metric}, {value}, {threshold}, {attributes}"),
        ({"message": "{value.real}"}, "message: 'value.real' is no placeholder"),
        ({"message": "{value!r}"}, "message"),
        ({"message": "{attributes[0]}"}, "message"),
        ({"message": "{value:{threshold}}"}, "message: the format"),
        ({"message": "{value:>999999999}"}, "message: the format"),
        ({"message": "{metric:.2f}"}, "message: the format"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong_and_what_is_allowed(changes: dict[str, Any], problem: str) -> None:
    checked = rule(**changes).validate_business_rules()
    assert checked.code == "invalid_alert_rule"
    assert (checked.error or "").startswith(f"Invalid alert rule {problem}")


@pytest.mark.parametrize(
    "changes",
    [
        {"attributes": {"cpu.mode": ("user", "system"), "n": 1}},
        {"combine": "mean", "by": ["host"]},
        {"above": None, "absent_seconds": 0, "by": ("host",)},
        {"message": "{{literal}} {name} {metric} {value:.1%} {threshold:+,.2f} {attributes}"},
        {"above": -(10**12)},
    ],
)
def test_what_is_allowed_passes(changes: dict[str, Any]) -> None:
    assert rule(**changes).validate_business_rules().success


def test_the_message_says_what_was_measured_and_for_how_long() -> None:
    text = rule(for_seconds=300).format_message(0.93211111, {"cpu.mode": "user"})
    assert text == "system.cpu.utilization{cpu.mode=user} is 0.932111, above 0.8 for 300 seconds"
    assert rule(above=None, below=0.2).format_message(0.1, {}) == "system.cpu.utilization is 0.1, below 0.2"
    absent = rule(above=None, absent_seconds=60).format_message(75, {})
    assert absent == "system.cpu.utilization was last measured 75 seconds ago, more than 60"


def test_a_message_of_ones_own_takes_formats_and_values_with_braces() -> None:
    text = rule(message="{name}: {value:.1%} > {threshold:.0%} {attributes}").format_message(0.93, {"path": "{value}"})
    assert text == "cpu_high: 93.0% > 80% {path={value}}"


def test_attributes_are_compared_as_text_and_one_of_several() -> None:
    wanted = rule(attributes={"code": 500, "mode": ("user", "system")}).attribute_filter()
    assert wanted == {"code": ("500",), "mode": ("user", "system")}
