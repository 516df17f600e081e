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
    r"otel_sdk_(processor|exporter)_.+_(processed|exported)_total": "a program adds error_type at its first loss",
    r"service_name:telemetry_dropped_items:increase10m": "it is recorded after a loss",
    r"flext_self_overhead_shed_total": "a program creates it when its overhead budget is used up",
    r"job:batch_silence_seconds:objective": "it is recorded after the first push of a job",
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


def recording_outcome(prometheus: Prometheus, expression: str, now: float) -> Outcome:
    """Return whether a recording rule has series, or none because its metrics exist only after an event."""
    found = alert_outcome(prometheus, expression, now)
    if found.state is State.ROWS:
        return Outcome(State.ROWS, found.rows)
    reasons = [reason for one in prometheus.selectors(expression) if (reason := reason_for_absence(one.name))]
    if found.state is State.SILENT and reasons:
        return Outcome(State.SILENT, 0, reasons[0])
    return Outcome(State.EMPTY, 0, found.detail if found.state is State.EMPTY else "no data")


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
