"""Metric points of successive evaluations → the number that a rule compares, for each series (pure)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import isnan
from operator import itemgetter
from typing import Final, final

from flext_observability.domain.alert_rule import FlextAlertRule
from flext_observability.runtime.internal_log import log_warning
from flext_observability.values.encoding import encode_tag
from flext_observability.views.model import MetricView
from flext_observability.views.quantiles import quantile
from flext_observability.views.series import subtract

Labels = tuple[tuple[str, str], ...]
"""Attributes as text, sorted by name: the identity of an alert within its rule."""

MAX_SERIES: Final = 1000
MAX_PREVIOUS: Final = 10_000
_logger: Final = logging.getLogger("flext_observability.alerts")
_FROM_ZERO: Final = ("counter", "histogram")
_KINDS: Final = {
    "value": ("counter", "up_down_counter", "gauge"),
    "rate": ("counter", "up_down_counter", "gauge", "histogram"),
    "count": ("counter", "up_down_counter", "histogram"),
}
_HISTOGRAM_ONLY: Final = ("histogram",)
_COMBINE: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "": itemgetter(-1),
    "sum": sum,
    "max": max,
    "min": min,
    "mean": lambda numbers: sum(numbers) / len(numbers),
}
_QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@final
class SeriesEvaluator:
    """State of the series of one rule between two evaluations.

    Attributes:
        rule: The rule.
        note: Why the latest evaluation has no number; empty otherwise.
    """

    def __init__(self, rule: FlextAlertRule) -> None:
        self.rule = rule
        self.note = ""
        self._attribute_filter = rule.attribute_filter()
        self._kinds = _KINDS.get(rule.measure, _HISTOGRAM_ONLY)
        self._previous: dict[object, MetricView] = {}
        self._last_seen: dict[Labels, float] = {}
        self._evaluated_at: float | None = None
        self._latest: dict[Labels, float] = {}
        self._over_limit = False

    def evaluate(self, points: Iterable[MetricView], now: float) -> dict[Labels, float]:
        """Return the current number of each series, or group of series. A series without data has none.

        Args:
            points: Points of the rule's metric.
            now: Monotonic seconds. A time that is not later than the previous one returns the previous numbers.
        """
        if self._evaluated_at is not None and now <= self._evaluated_at:
            return self._latest
        self.note = ""
        matching = [(point, labels) for point in points if self._matches(labels := _labels(point))]
        absent = self.rule.condition == "absent"
        self._latest = self._bounded(self._absences(matching, now) if absent else self._numbers(matching, now))
        for point, labels in matching:
            self._store_previous(point, labels)
        self._evaluated_at = now
        return self._latest

    def _matches(self, labels: Labels) -> bool:
        values_by_name = dict(labels)
        return all(values_by_name.get(name) in values for name, values in self._attribute_filter.items())

    def _numbers(self, matching: Sequence[tuple[MetricView, Labels]], now: float) -> dict[Labels, float]:
        groups: dict[Labels, list[float]] = defaultdict(list)
        for point, labels in matching:
            number = self._number(point, labels, now)
            if number is not None and not isnan(number):
                groups[self._group(labels) if self.rule.combine else labels].append(number)
        return {group: _COMBINE[self.rule.combine](numbers) for group, numbers in groups.items()}

    def _number(self, point: MetricView, labels: Labels, now: float) -> float | None:
        if point.kind not in self._kinds:
            measures = "mean, count, rate, p50, p90, p95 or p99" if point.kind == "histogram" else "value or rate"
            self.note = f"{point.name} is a {point.kind}, which has no {self.rule.measure}: measure {measures}"
            return None
        if self.rule.measure == "value":
            return point.value
        baseline = self._baseline(point, labels)
        if baseline is None or self._evaluated_at is None:
            return None
        return _measure(self.rule.measure, subtract(baseline, point), now - self._evaluated_at)

    def _baseline(self, point: MetricView, labels: Labels) -> MetricView | None:
        """Return the point of the previous evaluation, or an empty one for a series that has (re)started since."""
        previous = self._previous.get(_key(point, labels))
        if point.kind not in _FROM_ZERO:
            return previous
        if previous is None or _restarted(previous, point):
            return replace(point, value=0.0, count=0, sum=0.0, buckets=())
        return previous

    def _absences(self, matching: Sequence[tuple[MetricView, Labels]], now: float) -> dict[Labels, float]:
        """Return the seconds since the last measurement of each group. A gauge counts as measured while it is there."""
        if not self.rule.by:
            self._last_seen.setdefault((), now)
        for point, labels in matching:
            previous = self._previous.get(_key(point, labels))
            changed = previous is None or (point.value, point.count) != (previous.value, previous.count)
            if point.kind == "gauge" or changed:
                self._last_seen[self._group(labels)] = now
        self._last_seen = self._bounded(self._last_seen)
        return {group: now - seen_at for group, seen_at in self._last_seen.items()}

    def _group(self, labels: Labels) -> Labels:
        return tuple(pair for pair in labels if pair[0] in self.rule.by)

    def _bounded(self, numbers: dict[Labels, float]) -> dict[Labels, float]:
        if len(numbers) <= MAX_SERIES:
            return numbers
        if not self._over_limit:
            self._over_limit = True
            log_warning(
                _logger,
                f"The alert rule {self.rule.name!r} evaluates only {MAX_SERIES} series: its metric has more. "
                "Combine them with combine= and by=.",
            )
        return dict(list(numbers.items())[:MAX_SERIES])

    def _store_previous(self, point: MetricView, labels: Labels) -> None:
        key = _key(point, labels)
        self._previous.pop(key, None)
        self._previous[key] = point
        if len(self._previous) > MAX_PREVIOUS:
            del self._previous[next(iter(self._previous))]


def _labels(point: MetricView) -> Labels:
    return tuple(sorted((name, encode_tag(value)) for name, value in point.attributes.items()))


def _key(point: MetricView, labels: Labels) -> object:
    """Return the identity of a series. A new kind or unit is a new series."""
    return (point.kind, point.unit, labels)


def _restarted(previous: MetricView, point: MetricView) -> bool:
    fell = point.kind == "counter" and (point.value or 0) < (previous.value or 0)
    return fell or point.count < previous.count


def _measure(measure: str, delta: MetricView, seconds: float) -> float | None:
    """Return a measure of the evaluation window; None for a histogram without new measurements."""
    if measure in {"rate", "count"}:
        added = delta.count if delta.kind == "histogram" else delta.value or 0
        return added / seconds if measure == "rate" else float(added)
    if not delta.count:
        return None
    return delta.sum / delta.count if measure == "mean" else quantile(delta, _QUANTILES[measure])
