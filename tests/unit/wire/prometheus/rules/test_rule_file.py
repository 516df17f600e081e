from __future__ import annotations

from typing import Any, cast

import yaml
from hypothesis import given, strategies as st

from flext_observability import FlextAlertRule
from flext_observability.domain.declaration import DeclaredInstrument
from flext_observability.wire.prometheus.rules.message import literal
from flext_observability.wire.prometheus.rules.promql import QueryScope
from flext_observability.wire.prometheus.rules.rule_file import RuleGroup, rule_file

ORDERS = DeclaredInstrument("shop.orders", "counter")
GROUP = RuleGroup("shop", 15, QueryScope("shop"), "sales", "https://example.org/{name}.md")
TEXT = """\
# Alert rules of a program, generated from its source: do not edit
# One note
groups:
  - name: "shop"
    interval: 15s
    rules:
      - alert: "busy"
        expr: |-
          shop_orders_total{service_name="shop"} > 5
        for: 1m
        keep_firing_for: 90s
        labels:
          severity: "critical"
          owner: "sales"
          service_name: "shop"
        annotations:
          summary: "busy \\"orders\\""
          description: "Alert rule busy of the program: shop.orders above 5, for 60 s"
          runbook_url: "https://example.org/busy.md"
"""


def parsed(text: str) -> dict[str, Any]:
    [group] = yaml.safe_load(text)["groups"]
    return cast("dict[str, Any]", group)


def test_a_rule_has_all_its_fields() -> None:
    rule = FlextAlertRule(
        "busy",
        metric="shop.orders",
        above=5,
        for_seconds=60,
        keep_firing_seconds=90,
        severity="critical",
        message='{name} "orders"',
    )
    assert rule_file([(rule, ORDERS)], GROUP, ["One\nnote"]) == TEXT


def test_fields_without_a_value_are_left_out() -> None:
    rule = FlextAlertRule("busy", metric="shop.orders", above=5)
    [row] = parsed(rule_file([(rule, ORDERS)], RuleGroup("all", 1.5, QueryScope())))["rules"]
    assert row.keys() == {"alert", "expr", "labels", "annotations"}
    assert row["labels"] == {"severity": "warning"}


def test_braces_are_no_actions_and_a_name_is_part_of_an_address() -> None:
    rule = FlextAlertRule("a b/{c}", metric="shop.orders", above=5)
    [row] = parsed(rule_file([(rule, ORDERS)], RuleGroup("{g}", 15, QueryScope("{s}"), "{o}", "https://x/{name}")))[
        "rules"
    ]
    assert row["labels"]["owner"] == '{{ "{" }}o{{ "}" }}'
    assert row["annotations"]["runbook_url"] == "https://x/a%20b%2F%7Bc%7D"


def test_no_rules_are_an_empty_list() -> None:
    assert parsed(rule_file([], GROUP))["rules"] == []


@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    value=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_text_survives(name: str, value: str) -> None:
    rule = FlextAlertRule(name, metric="shop.orders", attributes={"k": value}, above=5)
    group = parsed(rule_file([(rule, ORDERS)], RuleGroup(name, 15, QueryScope(value)), [value]))
    assert group["name"] == group["rules"][0]["alert"] == name
    assert group["rules"][0]["labels"].get("service_name", "") == literal(value)
    assert len(group["rules"][0]["expr"].split("\n")) == 1
