from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextAlertRule
from flext_observability.domain.declaration import Declarations, DeclaredInstrument
from flext_observability.wire.prometheus.rules.check import check_rules

INSTRUMENTS = (
    DeclaredInstrument("shop.orders", "counter", "", "", ("outcome", "product"), complete=True),
    DeclaredInstrument("shop.stock", "gauge", "", "", ("warehouse",)),
    DeclaredInstrument("shop.time", "histogram"),
    DeclaredInstrument("shop.plain", "counter", complete=True),
)
DECLARED = Declarations("shop", {each.name: each for each in INSTRUMENTS}, {})


def rule(metric: str, **fields: Any) -> FlextAlertRule:
    condition: dict[str, Any] = {} if "absent_seconds" in fields else {"above": 1}
    return FlextAlertRule("r", metric=metric, **condition, **fields)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (rule("shop.order"), "the program declares no metric 'shop.order'. Use 'shop.orders'."),
        (
            rule("shop.time"),
            "'shop.time' is a histogram, which has no value. Measure rate, count, mean, p50, p90, p95 or p99.",
        ),
        (rule("shop.stock", measure="count"), "'shop.stock' is a gauge, which has no count. Measure value or rate."),
        (rule("shop.orders", attributes={"outcom": "x"}), "'shop.orders' has no attribute 'outcom'. Use 'outcome'."),
        (
            rule("shop.orders", combine="sum", by=("shop",)),
            "'shop.orders' has no attribute 'shop'. Use one of 'outcome', 'product'.",
        ),
        (rule("shop.stock", attributes={"warehous": 1}), "'shop.stock' has no attribute 'warehous'. Use 'warehouse'."),
        (
            rule("shop.plain", attributes={"a": 1}),
            "'shop.plain' has no attribute 'a'. Remove it: 'shop.plain' has no attributes.",
        ),
    ],
)
def test_an_unknown_name_is_a_problem_with_the_nearest_one(wrong: FlextAlertRule, problem: str) -> None:
    result = check_rules([wrong], DECLARED)
    assert (result.code, result.error) == ("invalid_alert_rule", f"Invalid alert rule 'r': {problem}")


def test_without_similar_names_the_fix_is_a_declaration() -> None:
    result = check_rules([rule("x")], Declarations("", {}, {}))
    assert result.error is not None
    assert result.error.endswith("Create the instrument where the module is imported.")


def test_all_problems_are_listed() -> None:
    result = check_rules([rule("shop.orders"), rule("shop.order")], DECLARED)
    assert result.error is not None
    assert [line.partition(": ")[2] for line in result.error.split("\n")] == [
        "another rule has this name. Use one name for each rule.",
        "the program declares no metric 'shop.order'. Use 'shop.orders'.",
    ]


def test_a_name_that_may_be_right_is_a_note() -> None:
    checked = check_rules([rule("shop.stock", attributes={"place": 1})], DECLARED).unwrap()
    assert [found.name for _, found in checked.rules] == ["shop.stock"]
    assert checked.notes == (
        "Alert rule 'r': the attribute 'place' is not checked, because the attributes of 'shop.stock' are not declared",
    )


def test_an_absence_needs_no_measure() -> None:
    assert check_rules([rule("shop.time", absent_seconds=60)], DECLARED).unwrap().notes == ()


def test_known_attributes_pass_without_a_note() -> None:
    known = rule("shop.orders", attributes={"outcome": "sold"}, combine="sum", by=("product",))
    assert check_rules([known], DECLARED).unwrap().notes == ()
