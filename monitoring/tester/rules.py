"""Expression of an alert rule → whether it can be evaluated, and whether its metrics exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from monitoring.tester.backends.prometheus import Prometheus, Selector
from monitoring.tester.model import Outcome, State

MAY_BE_ABSENT: Final[Mapping[str, str]] = {
    r"otelcol_(exporter_(send|enqueue)_failed|receiver_(refused|failed)|processor_refused)_.+": (
        "the collector creates it at the first failure"
    ),
    r"push_(time|failure_time)_seconds": "the Pushgateway creates it at the first push",
    r"ALERTS(_FOR_STATE)?": "Prometheus creates it with the first pending alert",
    r"grafana_.+|jaeger_.+": "Grafana and Jaeger create it at the first use",
}
"""Metrics that exist only after an event, with the reason. All others must have series."""


def alert_outcome(prometheus: Prometheus, expression: str, now: float) -> Outcome:
    """Return whether an alert rule works: firing, or silent with all its metrics and labels present."""
    rows = len(prometheus.instant(expression, now))
    notes: list[str] = []
    for selector in sorted(prometheus.selectors(expression), key=lambda one: one.name):
        problem = _problem(prometheus, selector, now)
        reason = reason_for_absence(selector.name)
        if problem and not reason:
            return Outcome(State.EMPTY, rows, f"{problem}. Correct the expression, or the part that sends the metric.")
        if problem:
            notes.append(f"{selector.name}: {reason}")
    if rows:
        return Outcome(State.ROWS, rows, "condition is true")
    return Outcome(State.SILENT, 0, "; ".join(notes) or "metrics exist")


def loaded_outcome(prometheus: Prometheus, name: str) -> Outcome:
    """Return whether Prometheus has loaded a rule and evaluates it without an error."""
    found = prometheus.rule(name)
    if found is None:
        return Outcome(State.ERROR, 0, "Prometheus has not loaded the rule. Restart it: make stack-down stack-up.")
    health, error = found
    if health == "err":
        return Outcome(State.ERROR, 0, f"Prometheus cannot evaluate the rule: {error}.")
    return Outcome(State.ROWS if health == "ok" else State.EMPTY, int(health == "ok"), health)


def reason_for_absence(metric: str) -> str:
    """Return why a metric may have no series, or an empty text."""
    return next((why for pattern, why in MAY_BE_ABSENT.items() if re.fullmatch(pattern, metric)), "")


def _problem(prometheus: Prometheus, selector: Selector, now: float) -> str:
    labels = prometheus.labels(selector.name, now)
    if not labels:
        return f"metric {selector.name} has no series"
    missing = sorted(selector.labels - labels)
    return f"metric {selector.name} has no label {', '.join(missing)}" if missing else ""
