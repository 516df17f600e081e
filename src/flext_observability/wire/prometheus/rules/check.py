"""Alert rules and the declarations of a program → the instrument of each rule, or what is wrong with the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from flext_observability.domain.declaration import nearest, suggest
from flext_observability.domain.result import FlextResult, compose_message
from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import encode_tag, pairs_of, preview
from flext_observability.values.foreign import read_all

if TYPE_CHECKING:
    from flext_observability.domain.alert_rule import FlextAlertRule
    from flext_observability.domain.declaration import Declarations, DeclaredInstrument

_MEASURES: Final = {
    "counter": ("value", "rate", "count"),
    "up_down_counter": ("value", "rate", "count"),
    "gauge": ("value", "rate"),
    "histogram": ("rate", "count", "mean", "p50", "p90", "p95", "p99"),
}


@dataclass(frozen=True, slots=True)
class CheckedRules:
    """Rules whose metrics and attributes are known.

    Attributes:
        rules: Each rule with the instrument of its metric.
        notes: What could not be checked.
    """

    rules: tuple[tuple[FlextAlertRule, DeclaredInstrument], ...]
    notes: tuple[str, ...]


def check_rules(rules: Sequence[FlextAlertRule], declared: Declarations) -> FlextResult[CheckedRules]:
    """Find the instrument of each rule, and check its measure and attributes.

    Returns:
        The rules; or the failure ``invalid_alert_rule`` with one line for each problem.
    """
    problems: list[str] = []
    notes: list[str] = []
    found: list[tuple[FlextAlertRule, DeclaredInstrument]] = []
    names: set[str] = set()
    for rule in rules:
        if rule.name in names:
            problems.append(_problem(rule, "another rule has this name", "Use one name for each rule"))
        names.add(rule.name)
        instrument = declared.find(rule.metric)
        if instrument is None:
            problems.append(_unknown_metric(rule, declared))
            continue
        found.append((rule, instrument))
        problems += filter(None, (_wrong_measure(rule, instrument),))
        _check_attributes(rule, instrument, problems, notes)
    if problems:
        return FlextResult[CheckedRules].fail("\n".join(problems), code="invalid_alert_rule")
    return FlextResult.ok(CheckedRules(tuple(found), tuple(notes)))


def _problem(rule: FlextAlertRule, why: str, fix: str) -> str:
    return compose_message(f"Invalid alert rule {preview(rule.name)}: {why}", fix)


def _unknown_metric(rule: FlextAlertRule, declared: Declarations) -> str:
    fix = (
        suggest(rule.metric, (*declared.instruments, *declared.library))
        or "Create the instrument where the module is imported"
    )
    return _problem(rule, f"the program declares no metric {preview(rule.metric)}", fix)


def _wrong_measure(rule: FlextAlertRule, instrument: DeclaredInstrument) -> str:
    measures = _MEASURES[instrument.kind]
    if rule.condition == "absent" or rule.measure in measures:
        return ""
    why = f"{preview(rule.metric)} is a {instrument.kind}, which has no {rule.measure}"
    return _problem(rule, why, f"Measure {', '.join(measures[:-1])} or {measures[-1]}")


def _check_attributes(
    rule: FlextAlertRule, instrument: DeclaredInstrument, problems: list[str], notes: list[str]
) -> None:
    """Add a problem for each name that the metric cannot have, and a note for each that may be right."""
    names = [*(encode_tag(name) for name, _ in pairs_of(rule.attributes)), *read_all(rule.by)]
    for name in dict.fromkeys(names):
        if name in instrument.attributes:
            continue
        if instrument.complete or nearest(name, instrument.attributes):
            fix = suggest(name, instrument.attributes) or f"Remove it: {preview(rule.metric)} has no attributes"
            problems.append(_problem(rule, f"{preview(rule.metric)} has no attribute {preview(name)}", fix))
        else:
            notes.append(
                f"Alert rule {preview(rule.name)}: the attribute {preview(name)} is not checked, because "
                f"the attributes of {preview(rule.metric)} are not declared"
            )
