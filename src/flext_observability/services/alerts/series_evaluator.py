"""Metric points, look after look → the number that a rule compares, for each of its series (pure; time comes in)."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from math import isnan
from typing import Final, final

from flext_observability.domain.alert_rule import FlextAlertRule
from flext_observability.runtime.internal_log import say
from flext_observability.values.encoding import encode_tag
from flext_observability.views.metric_point import MetricPoint

Labels = tuple[tuple[str, str], ...]
"""Attributes as text, sorted by name: what tells the alerts of one rule apart."""

MAX_SERIES: Final = 1000
MAX_REMEMBERED: Final = 10_000
_LOG: Final = logging.getLogger("flext_observability.alerts")
_FROM_ZERO: Final = ("counter", "histogram")
_KINDS: Final = {
    "value": ("counter", "up_down_counter", "gauge"),
    "rate": ("counter", "up_down_counter", "gauge", "histogram"),
    "count": ("counter", "up_down_counter", "histogram"),
}
_HISTOGRAM_ONLY: Final = ("histogram",)
_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@final
class SeriesEvaluator:
    """What one rule remembers of its series between two looks."""

    def __init__(self, rule: FlextAlertRule) -> None:
        self.rule = rule
        self.note = ""
        self._wanted = rule.wanted()
        self._kinds = _KINDS.get(rule.measure, _HISTOGRAM_ONLY)
        self._before: dict[object, MetricPoint] = {}
        self._fresh_at: dict[Labels, float] = {}
        self._looked_at: float | None = None
        self._latest: dict[Labels, float] = {}
        self._too_many = False

    def look(self, points: Iterable[MetricPoint], now: float) -> dict[Labels, float]:
        """Return the number of each series, or group of series, that has one now.

        Args:
            points: Points of the rule's metric.
            now: Monotonic seconds; a look at the same moment as the one before, or an earlier one, gives the same numbers.
        """
        if self._looked_at is not None and now <= self._looked_at:
            return self._latest
        self.note = ""
        mine = [(point, labels) for point in points if self._matches(labels := _labels(point))]
        absent = self.rule.condition == "absent"
        self._latest = self._bounded(self._absences(mine, now) if absent else self._numbers(mine, now))
        for point, labels in mine:
            self._remember(point, labels)
        self._looked_at = now
        return self._latest

    def _matches(self, labels: Labels) -> bool:
        if not self._wanted:
            return True
        found = dict(labels)
        return all(found.get(name) in values for name, values in self._wanted.items())

    def _numbers(self, mine: Sequence[tuple[MetricPoint, Labels]], now: float) -> dict[Labels, float]:
        groups: dict[Labels, list[float]] = defaultdict(list)
        for point, labels in mine:
            number = self._number(point, labels, now)
            if number is not None and not isnan(number):
                groups[self._group(labels) if self.rule.combine else labels].append(number)
        return {group: _combined(self.rule.combine, numbers) for group, numbers in groups.items()}

    def _number(self, point: MetricPoint, labels: Labels, now: float) -> float | None:
        if point.kind not in self._kinds:
            measures = "mean, count, rate, p50, p90, p95 or p99" if point.kind == "histogram" else "value or rate"
            self.note = f"{point.name} is a {point.kind}, which has no {self.rule.measure}: measure {measures}"
            return None
        if self.rule.measure == "value":
            return point.value
        before = self._baseline(point, labels)
        if before is None or self._looked_at is None:
            return None
        return _over_window(self.rule.measure, before, point, now - self._looked_at)

    def _baseline(self, point: MetricPoint, labels: Labels) -> MetricPoint | None:
        """Return what the series was at the last look: nothing yet, when it has begun, or begun again, since then."""
        before = self._before.get(_key(point, labels))
        if point.kind not in _FROM_ZERO:
            return before
        if before is None or (point.value < before.value and point.kind == "counter") or point.count < before.count:
            return replace(point, value=0.0, count=0, total=0.0, buckets=())
        return before

    def _absences(self, mine: Sequence[tuple[MetricPoint, Labels]], now: float) -> dict[Labels, float]:
        """Return the seconds since each group was last measured; a gauge that is there counts as measured."""
        if not self.rule.by:
            self._fresh_at.setdefault((), now)
        for point, labels in mine:
            before = self._before.get(_key(point, labels))
            if point.kind == "gauge" or before is None or (point.value, point.count) != (before.value, before.count):
                self._fresh_at[self._group(labels)] = now
        self._fresh_at = self._bounded(self._fresh_at)
        return {group: now - at for group, at in self._fresh_at.items()}

    def _group(self, labels: Labels) -> Labels:
        return tuple(pair for pair in labels if pair[0] in self.rule.by)

    def _bounded(self, numbers: dict[Labels, float]) -> dict[Labels, float]:
        if len(numbers) <= MAX_SERIES:
            return numbers
        if not self._too_many:
            self._too_many = True
            say(
                _LOG,
                f"The alert rule {self.rule.name!r} has over {MAX_SERIES} series; the others are not watched: combine them",
            )
        return dict(list(numbers.items())[:MAX_SERIES])

    def _remember(self, point: MetricPoint, labels: Labels) -> None:
        key = _key(point, labels)
        self._before.pop(key, None)
        self._before[key] = point
        if len(self._before) > MAX_REMEMBERED:
            del self._before[next(iter(self._before))]


def _labels(point: MetricPoint) -> Labels:
    return tuple(sorted((name, encode_tag(value)) for name, value in point.attributes.items()))


def _key(point: MetricPoint, labels: Labels) -> object:
    """Return what makes two points comparable; a changed kind or unit starts anew."""
    return (point.kind, point.unit, labels)


def _combined(combine: str, numbers: list[float]) -> float:
    if combine in {"max", "min"}:
        return max(numbers) if combine == "max" else min(numbers)
    if combine == "mean":
        return sum(numbers) / len(numbers)
    return sum(numbers) if combine else numbers[-1]


def _over_window(measure: str, before: MetricPoint, point: MetricPoint, seconds: float) -> float | None:
    """Return what happened between two points of a series; None when a histogram was not measured."""
    if measure in {"rate", "count"}:
        is_histogram = point.kind == "histogram"
        added = point.count - before.count if is_histogram else point.value - before.value
        return added / seconds if measure == "rate" else float(added)
    count = point.count - before.count
    if not count:
        return None
    if measure == "mean":
        return (point.total - before.total) / count
    return _quantile(point.bounds, _ranks(before, point), count, _SHARES[measure])


def _ranks(before: MetricPoint, point: MetricPoint) -> list[int]:
    """Return how many measurements of the window lie up to each bound; those of exponential histograms may move meanwhile."""
    pairs = zip(_up_to(point.bounds, point), _up_to(point.bounds, before), strict=True)
    return [now - then for now, then in pairs]


def _up_to(bounds: Sequence[float], point: MetricPoint) -> list[int]:
    reached = (0, *accumulate(point.buckets))
    return [reached[min(bisect_right(point.bounds, bound), len(reached) - 1)] for bound in bounds]


def _quantile(bounds: Sequence[float], ranks: Sequence[int], count: int, share: float) -> float | None:
    """Estimate a quantile, straight between two bounds; the last, open bucket counts as its lower bound."""
    wanted, lower, below = share * count, 0.0, 0
    for upper, rank in zip(bounds, ranks, strict=True):
        if rank >= wanted and rank > below:
            return upper if upper <= 0 else lower + (upper - lower) * (wanted - below) / (rank - below)
        lower, below = upper, max(below, rank)
    return bounds[-1] if bounds else None
