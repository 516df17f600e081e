"""Alert rules and metric points → alerts raised and resolved (driven from outside: it has no thread and reads no clock to decide)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import Literal, cast, final

from flext_observability.domain.alert import FlextAlert
from flext_observability.domain.alert_rule import FlextAlertRule
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.ports import Clock
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.alerts.series_evaluator import Labels, SeriesEvaluator
from flext_observability.values.encoding import encode_attribute
from flext_observability.views.model import MetricView

Phase = Literal["ok", "pending", "firing", "no_data"]


@dataclass(frozen=True, slots=True)
class RuleState:
    """Where one series of a rule stands.

    Attributes:
        rule: The rule's name.
        labels: Attributes of the series, as text; empty when all series are one.
        state: ``ok``, ``pending`` (the condition holds, not yet for long enough), ``firing``, ``no_data``.
        since: Since when.
        value: The number compared last; None without data.
        note: Why there is no number, when that is the rule's fault.
    """

    rule: str
    labels: Mapping[str, str]
    state: Phase
    since: datetime
    value: float | None
    note: str = ""


@dataclass(slots=True)
class _Series:
    """One series of a rule, as it goes on."""

    phase: Phase
    since: datetime
    entered_at: float
    value: float | None = None
    cleared_at: float | None = None
    alert_id: str = ""


@dataclass(slots=True)
class _LoadedRule:
    """A rule, what it remembers, and its series."""

    rule: FlextAlertRule
    measurer: SeriesEvaluator
    since: datetime
    series: dict[Labels, _Series] = field(default_factory=dict[Labels, _Series])


@final
class RuleEvaluator:
    """Holds alert rules and turns looks at the metrics into alerts; safe from threads.

    An alert is raised once, when its condition has held long enough, and resolved once, when the condition has gone. One that somebody
    resolves by hand meanwhile is raised again only after its condition was gone.

    Args:
        process: Raises an alert; a result whose data is an alert tells which id it has from then on. A failure is tried again at the next look.
        resolve: Ends an alert, by its id.
        clock: Gives the times shown by ``states``.
    """

    def __init__(self, process: Callable[[FlextAlert], object], resolve: Callable[[str], object], clock: Clock) -> None:
        self._process = process
        self._resolve = resolve
        self._clock = clock
        self._lock = ForkSafeLock()  # the rules, for a moment
        self._looking = ForkSafeLock()  # one look, with what it calls
        self._watched: dict[str, _LoadedRule] = {}
        self._looked_at = -inf
        register_fork_aware(self)

    def add(self, rule: FlextAlertRule) -> FlextResult[FlextAlertRule]:
        """Watch a rule; one of the same name is replaced, and its alerts are resolved. The same rule again changes nothing.

        Returns:
            The rule, or a failure (``invalid_alert_rule``).
        """
        if not isinstance(cast("object", rule), FlextAlertRule):
            message = f"Invalid alert rule: {encode_attribute(rule, max_bytes=80)!r}; pass a FlextAlertRule"
            return FlextResult[FlextAlertRule].fail(message, code="invalid_alert_rule")
        return rule.validate_business_rules().map(lambda _: self._put(rule))

    def remove(self, name: str) -> FlextResult[None]:
        """Watch a rule no more; its alerts are resolved.

        Returns:
            Success, or a failure (``unknown_alert_rule``).
        """
        with self._lock:
            known = ", ".join(self._watched) or "none"
            watched = self._watched.pop(name, None)
        if watched is None:
            message = f"No alert rule is named {name!r}: use one of the known names ({known})"
            return FlextResult[None].fail(message, code="unknown_alert_rule")
        self._end(watched)
        return FlextResult.ok(None)

    def rules(self) -> tuple[FlextAlertRule, ...]:
        """Return the rules, oldest first."""
        return tuple(watched.rule for watched in self._all())

    def evaluate(self, points: Sequence[MetricView], now_monotonic: float) -> None:
        """Look once: compare, raise and resolve. Never raises; a rule that fails is reported once and stops no other.

        Args:
            points: All points of this moment, cumulative.
            now_monotonic: Seconds on a clock that never goes back.
        """
        by_name: dict[str, list[MetricView]] = defaultdict(list)
        for point in points:
            by_name[point.name].append(point)
        with self._looking:
            self._looked_at = max(self._looked_at, now_monotonic)
            for watched in self._all():
                try:
                    self._look(watched, by_name[watched.rule.metric], self._looked_at)
                except Exception as error:  # noqa: BLE001 - the other rules are looked at all the same
                    report_once(f"Looking at the alert rule {watched.rule.name}", error)

    def reinit_after_fork(self) -> None:
        """Keep the rules and forget all else, in a forked child: the parent's alerts are not its own."""
        with self._lock:
            self._watched = {name: self._new(each.rule) for name, each in self._watched.items()}

    def states(self) -> tuple[RuleState, ...]:
        """Return where every series of every rule stands; a rule without any is one row without data."""
        return tuple(state for watched in self._all() for state in _states(watched))

    def _all(self) -> list[_LoadedRule]:
        with self._lock:
            return list(self._watched.values())

    def _put(self, rule: FlextAlertRule) -> FlextAlertRule:
        with self._lock:
            before = self._watched.get(rule.name)
            if before is not None and before.rule == rule:
                return rule
            self._watched[rule.name] = self._new(rule)
        if before is not None:
            self._end(before)
        return rule

    def _new(self, rule: FlextAlertRule) -> _LoadedRule:
        return _LoadedRule(rule, SeriesEvaluator(rule), self._now())

    def _end(self, watched: _LoadedRule) -> None:
        with self._looking:
            for each in watched.series.values():
                self._clear(each)

    def _look(self, watched: _LoadedRule, points: Sequence[MetricView], now: float) -> None:
        numbers = watched.measurer.evaluate(points, now)
        for labels in numbers:
            if labels not in watched.series:
                watched.series[labels] = _Series("ok", self._now(), now)
        for labels, series in list(watched.series.items()):
            series.value = numbers.get(labels)
            self._step(watched.rule, labels, series, now)
            if labels not in numbers and series.phase != "firing":
                watched.series.pop(labels, None)
        if self._watched.get(watched.rule.name) is not watched:  # removed by what it called
            self._end(watched)

    def _step(self, rule: FlextAlertRule, labels: Labels, series: _Series, now: float) -> None:
        """Move one series on by one look."""
        if _meets(rule, series.value):
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
        outcome = self._process(alert)
        if not isinstance(outcome, FlextResult):
            return alert.id
        known = cast("FlextResult[object]", outcome).data
        if isinstance(known, FlextAlert):
            return known.id
        return alert.id if cast("FlextResult[object]", outcome).success else ""

    def _clear(self, series: _Series) -> None:
        alert_id, series.alert_id = series.alert_id, ""
        if alert_id:
            self._resolve(alert_id)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time_ns() / 1e9, UTC)


def _meets(rule: FlextAlertRule, value: float | None) -> bool:
    if value is None:
        return False
    if rule.condition == "above":
        return value > rule.threshold
    return value < rule.threshold if rule.condition == "below" else value >= rule.threshold


def _states(watched: _LoadedRule) -> list[RuleState]:
    name, note = watched.rule.name, watched.measurer.note
    rows = [
        RuleState(name, dict(labels), each.phase, each.since, each.value, note)
        for labels, each in list(watched.series.items())
    ]
    return rows or [RuleState(name, {}, "no_data", watched.since, None, note)]
