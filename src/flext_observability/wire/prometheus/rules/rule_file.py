"""Alert rules with their instruments → rule file of Prometheus (YAML).

Source: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from flext_observability.values.dataclass import dataclass
from flext_observability.wire.prometheus.rules.message import description, literal, summary
from flext_observability.wire.prometheus.rules.promql import QueryScope, duration, escape_unprintable, expression

if TYPE_CHECKING:
    from flext_observability.domain.alert_rule import FlextAlertRule
    from flext_observability.domain.declaration import DeclaredInstrument

_HEAD = "Alert rules of a program, generated from its source: do not edit"


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """The group that holds all rules of a program.

    Attributes:
        name: Name of the group.
        interval_seconds: Interval of the evaluation.
        scope: Which series the rules read.
        owner: Value of the label ``owner``; empty for none.
        runbook_url: Address of a page with ``{name}`` for the name of the rule; empty for none.
    """

    name: str
    interval_seconds: float
    scope: QueryScope
    owner: str = ""
    runbook_url: str = ""


def rule_file(
    rules: Sequence[tuple[FlextAlertRule, DeclaredInstrument]], group: RuleGroup, notes: Sequence[str] = ()
) -> str:
    """Return the text of a rule file. The same rules give the same text.

    Args:
        rules: Valid rules, each with the instrument of its metric.
        group: Their group.
        notes: Sentences for comments at the beginning.
    """
    lines = [f"# {_one_line(note)}" for note in (_HEAD, *notes)]
    lines += ["groups:", f"  - name: {_scalar(group.name)}", f"    interval: {duration(group.interval_seconds)}"]
    lines.append("    rules:" if rules else "    rules: []")
    for rule, instrument in rules:
        lines += _rule(rule, expression(rule, instrument, group.scope), group)
    return "\n".join(lines) + "\n"


def _rule(rule: FlextAlertRule, expr: str, group: RuleGroup) -> Iterator[str]:
    yield f"      - alert: {_scalar(rule.name)}"
    yield "        expr: |-"
    yield f"          {expr}"
    if rule.for_seconds:
        yield f"        for: {duration(rule.for_seconds)}"
    if rule.keep_firing_seconds:
        yield f"        keep_firing_for: {duration(rule.keep_firing_seconds)}"
    owner, service = literal(group.owner), literal(group.scope.service_name)
    yield from _mapping("labels", {"severity": rule.severity, "owner": owner, "service_name": service})
    runbook = literal(group.runbook_url.replace("{name}", quote(rule.name, safe="")))
    texts = {"summary": summary(rule), "description": description(rule), "runbook_url": runbook}
    yield from _mapping("annotations", texts)


def _mapping(name: str, values: Mapping[str, str]) -> Iterator[str]:
    yield f"        {name}:"
    yield from (f"          {key}: {_scalar(value)}" for key, value in values.items() if value)


def _scalar(text: str) -> str:
    """Return a double-quoted scalar of YAML. One in JSON is one, except for some characters."""
    return escape_unprintable(json.dumps(text, ensure_ascii=False))


def _one_line(text: str) -> str:
    return escape_unprintable(" ".join(text.split()))
