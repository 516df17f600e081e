"""FlextAlertRule: validation and the alert's message."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest

from flext_observability import FlextAlertRule


def rule(**changes: Any) -> FlextAlertRule:
    arguments: dict[str, Any] = {"name": "cpu_high", "metric": "system.cpu.utilization", "above": 0.8, **changes}
    return FlextAlertRule(**arguments)


def test_a_valid_rule_has_condition_threshold_and_duration() -> None:
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
        ({"name": ""}, "name: ''. Name the problem, in 1 to 255 characters."),
        ({"name": "  "}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"name": b"x"}, "name"),
        ({"metric": None}, "metric: 'null'. Use the name of the metric"),
        ({"above": None}, "condition: none. Use exactly one of above, below and absent_seconds"),
        ({"below": 1}, "condition: above and below. Use exactly one"),
        ({"above": float("nan")}, "above: nan. Use a finite number."),
        ({"above": float("inf")}, "above"),
        ({"above": 10**400}, "above"),
        ({"above": True}, "above: True"),
        ({"above": "0.8"}, "above: '0.8'"),
        ({"above": None, "absent_seconds": -1}, "absent_seconds: -1. Use a finite number of seconds, 0 or more."),
        ({"measure": "p42"}, "measure: 'p42'. Use one of value, rate, count, mean, p50, p90, p95, p99"),
        ({"severity": "urgent"}, "severity: 'urgent'. Use one of info, warning, error, critical"),
        ({"combine": "median"}, "combine: 'median'. Use one of sum, max, min, mean"),
        ({"for_seconds": -1}, "for_seconds: -1. Use a finite number of seconds"),
        ({"keep_firing_seconds": float("inf")}, "keep_firing_seconds"),
        ({"attributes": [("a", 1)]}, "attributes"),
        ({"attributes": {1: "a"}}, "attributes"),
        ({"attributes": {"a": {"b": 1}}}, "attributes"),
        ({"attributes": {"a": ()}}, "attributes"),
        ({"by": "host", "combine": "sum"}, "by: 'host'. Use a tuple of attribute names."),
        ({"by": (1,), "combine": "sum"}, "by"),
        ({"by": ("host",)}, "by: ('host',) without combine. Add combine='sum'"),
        ({"message": None}, "message"),
        ({"message": "x" * 8193}, "message"),
        ({"message": "{value"}, "message: expected '}' before end of string. Write a literal brace twice."),
        (
            {"message": "{}"},
            "message: unknown placeholder ''. Use {name}, {metric}, {value}, {threshold}, {attributes}.",
        ),
        ({"message": "{value.real}"}, "message: unknown placeholder 'value.real'. "),
        ({"message": "{value!r}"}, "message"),
        ({"message": "{attributes[0]}"}, "message"),
        ({"message": "{value:{threshold}}"}, "message: unknown format "),
        ({"message": "{value:>999999999}"}, "message: unknown format "),
        ({"message": "{metric:.2f}"}, "message: unknown format "),
    ],
)
def test_an_invalid_rule_is_a_failure_with_the_reason_and_the_fix(changes: dict[str, Any], problem: str) -> None:
    result = rule(**changes).validate_business_rules()
    assert result.code == "invalid_alert_rule"
    assert (result.error or "").startswith(f"Invalid alert rule {problem}")


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
def test_a_valid_rule_passes(changes: dict[str, Any]) -> None:
    assert rule(**changes).validate_business_rules().success


def test_the_default_message_has_value_threshold_and_duration() -> None:
    text = rule(for_seconds=300).format_message(0.93211111, {"cpu.mode": "user"})
    assert text == "system.cpu.utilization{cpu.mode=user} is 0.932111, above 0.8 for 300 seconds"
    assert rule(above=None, below=0.2).format_message(0.1, {}) == "system.cpu.utilization is 0.1, below 0.2"
    absent = rule(above=None, absent_seconds=60).format_message(75, {})
    assert absent == "system.cpu.utilization was last measured 75 seconds ago, more than 60"


def test_a_custom_message_accepts_formats_and_values_with_braces() -> None:
    text = rule(message="{name}: {value:.1%} > {threshold:.0%} {attributes}").format_message(0.93, {"path": "{value}"})
    assert text == "cpu_high: 93.0% > 80% {path={value}}"


def test_the_attribute_filter_lists_allowed_values_as_text() -> None:
    allowed = rule(attributes={"code": 500, "mode": ("user", "system")}).attribute_filter()
    assert allowed == {"code": ("500",), "mode": ("user", "system")}


class Unreadable(dict[str, object]):
    def items(self) -> Any:
        raise RuntimeError("no items")


def test_a_rule_that_cannot_be_read_is_invalid_and_has_no_values() -> None:
    rule = FlextAlertRule("rule", metric="a", above=cast("Any", object()), attributes=Unreadable())
    result = FlextAlertRule("rule", metric="a", above=1, attributes=Unreadable()).validate_business_rules()
    assert (result.code, str(result.error)[:45]) == (
        "invalid_alert_rule",
        "Invalid alert rule fields: 'RuntimeError: no ",
    )
    assert math.isnan(rule.threshold)
    assert rule.attribute_filter() == {"value": (f"<unprintable {__name__}.Unreadable>",)}
