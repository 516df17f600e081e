"""Alert rules and metric points → alerts raised and resolved (pure: time is an argument)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import ge, gt, lt
from typing import Final, Literal, cast, final

from flext_observability.domain.alert import FlextAlert
from flext_observability.domain.alert_rule import FlextAlertRule
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.ports import Clock
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.alerts.series_evaluator import Labels, SeriesEvaluator
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import is_a
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.views.model import MetricView

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {"above": gt, "below": lt, "absent": ge}
Phase = Literal["ok", "pending", "firing", "no_data"]


@dataclass(frozen=True, slots=True)
class RuleState:
    """State of one series of a rule.

    Attributes:
        rule: Name of the rule.
        labels: Attributes of the series, as text; empty when the rule combines all series.
        state: ``ok``, ``pending`` (the condition holds, but not yet for long enough), ``firing`` or ``no_data``.
        since: Time of the last change of ``state``.
        value: Number compared last; None without data.
        note: Why there is no number, when the rule is the cause.
    """

    rule: str
    labels: Mapping[str, str]
    state: Phase
    since: datetime
    value: float | None
    note: str = ""


@dataclass(slots=True)
class _Series:
    """Current state of one series of a rule."""

    phase: Phase
    since: datetime
    entered_at: float
    value: float | None = None
    cleared_at: float | None = None
    alert_id: str = ""


@dataclass(slots=True)
class _LoadedRule:
    """A rule, its evaluator and the state of its series."""

    rule: FlextAlertRule
    evaluator: SeriesEvaluator
    since: datetime
    series: dict[Labels, _Series] = field(default_factory=dict[Labels, _Series])


@final
class RuleEvaluator:
    """Evaluates alert rules over metric points. Thread-safe.

    An alert is raised once, when its condition has held long enough, and resolved once, when the condition has cleared.
    An alert that a person resolves meanwhile is raised again only after its condition has cleared.

    Args:
        process: Raises an alert and returns it with the id to resolve later. A failure is retried at the next
            evaluation.
        resolve: Resolves an alert by its id.
        clock: Source of the times that ``states`` returns.
    """

    def __init__(
        self, process: Callable[[FlextAlert], FlextResult[FlextAlert]], resolve: Callable[[str], object], clock: Clock
    ) -> None:
        self._process = process
        self._resolve = resolve
        self._clock = clock
        self._rules_lock = ForkSafeLock()  # guards the rules, briefly
        self._eval_lock = ForkSafeLock()  # held for one evaluation, with its callbacks
        self._loaded: dict[str, _LoadedRule] = {}

    def add(self, rule: FlextAlertRule) -> FlextResult[FlextAlertRule]:
        """Add a rule, or replace the rule of that name and resolve its alerts. Adding an equal rule changes nothing.

        Returns:
            The rule, or a failure (``invalid_alert_rule``).
        """
        if not is_a(cast("object", rule), FlextAlertRule):
            message, fix = f"Invalid alert rule: {preview(rule)}", "Pass a FlextAlertRule"
            return FlextResult[FlextAlertRule].fail(message, code="invalid_alert_rule", fix=fix)
        return rule.validate_business_rules().map(lambda _: self._load(rule))

    def remove(self, name: str) -> FlextResult[None]:
        """Remove a rule and resolve its alerts.

        Returns:
            Success, or a failure (``unknown_alert_rule``).
        """
        with self._rules_lock:
            known = ", ".join(self._loaded) or "none"
            loaded = self._loaded.pop(name, None)
        if loaded is None:
            message, fix = f"No alert rule is named {preview(name)}", f"Use one of the known names ({known})"
            return FlextResult[None].fail(message, code="unknown_alert_rule", fix=fix)
        self._unload(loaded)
        return FlextResult.ok(None)

    def rules(self) -> tuple[FlextAlertRule, ...]:
        """Return the rules, oldest first."""
        return tuple(loaded.rule for loaded in self._all())

    def evaluate(self, points: Sequence[MetricView], now_monotonic: float) -> None:
        """Evaluate every rule once. Never raises; a rule that fails is reported once and does not stop the others.

        Args:
            points: All current points, cumulative.
            now_monotonic: Monotonic seconds.
        """
        by_name: dict[str, list[MetricView]] = defaultdict(list)
        for point in points:
            by_name[point.name].append(point)
        with self._eval_lock:
            for loaded in self._all():
                try:
                    self._evaluate(loaded, by_name[loaded.rule.metric], now_monotonic)
                except BaseException as error:  # noqa: BLE001 - one rule does not stop the others
                    reraise_interrupt(error)
                    report_once(f"Evaluating the alert rule {loaded.rule.name}", error)

    def reinit_after_fork(self) -> None:
        """Keep the rules in a forked child, without the parent's series and alerts."""
        with self._rules_lock:
            self._loaded = {name: self._new(each.rule) for name, each in self._loaded.items()}

    def states(self) -> tuple[RuleState, ...]:
        """Return the state of every series of every rule; a rule without series gives one state, ``no_data``."""
        return tuple(state for loaded in self._all() for state in _states(loaded))

    def _all(self) -> list[_LoadedRule]:
        with self._rules_lock:
            return list(self._loaded.values())

    def _load(self, rule: FlextAlertRule) -> FlextAlertRule:
        with self._rules_lock:
            before = self._loaded.get(rule.name)
            if before is not None and before.rule == rule:
                return rule
            self._loaded[rule.name] = self._new(rule)
        if before is not None:
            self._unload(before)
        return rule

    def _new(self, rule: FlextAlertRule) -> _LoadedRule:
        return _LoadedRule(rule, SeriesEvaluator(rule), self._now())

    def _unload(self, loaded: _LoadedRule) -> None:
        with self._eval_lock:
            for series in loaded.series.values():
                self._clear(series)

    def _evaluate(self, loaded: _LoadedRule, points: Sequence[MetricView], now: float) -> None:
        numbers = loaded.evaluator.evaluate(points, now)
        for labels in numbers:
            if labels not in loaded.series:
                loaded.series[labels] = _Series("ok", self._now(), now)
        for labels, series in list(loaded.series.items()):
            series.value = numbers.get(labels)
            self._transition(loaded.rule, labels, series, now)
            if labels not in numbers and series.phase != "firing":
                loaded.series.pop(labels, None)
        if self._loaded.get(loaded.rule.name) is not loaded:  # a callback removed the rule
            self._unload(loaded)

    def _transition(self, rule: FlextAlertRule, labels: Labels, series: _Series, now: float) -> None:
        """Update the phase of one series after an evaluation."""
        if series.value is not None and _COMPARE[rule.condition](series.value, rule.threshold):
            series.cleared_at = None
            if series.phase == "ok":
                self._enter(series, "pending", now)
            if series.phase == "pending" and now - series.entered_at >= rule.for_seconds:
                self._enter(series, "firing", now)
            if series.phase == "firing" and not series.alert_id:
                series.alert_id = self._raise(rule, labels, series.value)
            return
        if series.phase == "firing":
            series.cleared_at = now if series.cleared_at is None else series.cleared_at
            if now - series.cleared_at < rule.keep_firing_seconds:
                return
            self._clear(series)
        if series.phase != "ok":
            self._enter(series, "ok", now)

    def _enter(self, series: _Series, phase: Phase, now: float) -> None:
        series.phase, series.since, series.entered_at = phase, self._now(), now

    def _raise(self, rule: FlextAlertRule, labels: Labels, value: float | None) -> str:
        details = {"labels": dict(labels), "metric": rule.metric, "value": value, "threshold": rule.threshold}
        alert = FlextAlert(
            name=rule.name,
            severity=rule.severity,
            message=rule.format_message(value, dict(labels)),
            source=f"rule:{rule.name}",
            details=details,
            timestamp=self._now(),
        )
        raised = self._process(alert)
        return raised.unwrap().id if raised.success else ""

    def _clear(self, series: _Series) -> None:
        alert_id, series.alert_id = series.alert_id, ""
        if alert_id:
            self._resolve(alert_id)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time_ns() / 1e9, UTC)


def _states(loaded: _LoadedRule) -> list[RuleState]:
    name, note = loaded.rule.name, loaded.evaluator.note
    rows = [
        RuleState(name, dict(labels), each.phase, each.since, each.value, note)
        for labels, each in list(loaded.series.items())
    ]
    return rows or [RuleState(name, {}, "no_data", loaded.since, None, note)]
