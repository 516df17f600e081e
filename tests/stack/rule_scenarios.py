"""Random alert rules and series, the states in the library's own evaluation, and the same as a test of promtool.

Between two evaluations, values change at a constant speed. Both then measure the same: the library the difference of
two points, Prometheus the slope of the samples between them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, get_args

from flext_observability import FlextAlert, FlextAlertRule, FlextResult
from flext_observability.domain.alert_rule import Combine
from flext_observability.domain.declaration import DeclaredInstrument, InstrumentKind
from flext_observability.services.alerts.rule_evaluator import RuleEvaluator
from flext_observability.views.buckets import explicit_buckets
from flext_observability.views.model import MetricView

WINDOW = 60
"""Seconds between two evaluations, and the range of ``rate()``."""
SAMPLES = 4
"""Samples in a window."""
WINDOWS = 12
BOUNDS = (1.0, 2.0, 5.0)
_MEASURES = {
    "counter": ("value", "rate", "count"),
    "up_down_counter": ("value", "rate", "count"),
    "gauge": ("value", "rate"),
    "histogram": ("rate", "count", "mean", "p50", "p90", "p95", "p99"),
}
_KINDS: tuple[InstrumentKind, ...] = get_args(InstrumentKind)
_COMBINATIONS: tuple[Combine, ...] = get_args(Combine)


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its numbers after each sample, None while it does not exist.

    Attributes:
        labels: Attributes.
        numbers: One number, or the counts of the buckets and the sum, for each sample; the first at time 0.
    """

    labels: dict[str, str]
    numbers: list[tuple[float, ...] | None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A rule, the instrument of its metric and its series."""

    rule: FlextAlertRule
    instrument: DeclaredInstrument
    series: list[Series]
    firing: list[set[tuple[str, ...]]] = field(default_factory=list[set[tuple[str, ...]]])

    @property
    def shown(self) -> tuple[str, ...]:
        """Labels of an alert."""
        return ("k", "j") if not self.rule.combine and self.rule.condition != "absent" else tuple(self.rule.by)


def scenarios(seed: int, number: int) -> list[Scenario]:
    """Return scenarios with the alerts that fire in the library after each window."""
    chance = random.Random(seed)
    found = [_scenario(chance, f"shop.m{index}") for index in range(number)]
    for each in found:
        each.firing.extend(_evaluate(each))
    return found


def _scenario(chance: random.Random, name: str) -> Scenario:
    kind = chance.choice(_KINDS)
    absent = chance.random() < 0.25
    fields: dict[str, Any] = {"by": chance.choice([(), ("k",), ("k", "j")])}
    if absent:
        fields["absent_seconds"] = WINDOW * chance.choice([1, 2, 3])
    else:
        fields["measure"] = chance.choice(_MEASURES[kind])
        fields["combine"] = chance.choice(_COMBINATIONS)
        fields[chance.choice(["above", "below"])] = _limit(chance, kind, fields["measure"])
        fields["by"] = fields["by"] if fields["combine"] else ()
    fields["attributes"] = chance.choice([{}, {"k": "a"}, {"k": ("a", "x.y")}])
    fields["for_seconds"] = WINDOW * chance.choice([0, 0, 1, 2])
    fields["keep_firing_seconds"] = WINDOW * chance.choice([0, 0, 1, 2])
    rule = FlextAlertRule(name.replace(".", "_"), metric=name, **fields)
    # A gauge that appears has no earlier value in the library, and a slope in Prometheus.
    late = not absent and (kind in {"counter", "histogram"} or fields["measure"] == "value")
    labels = [{"k": k, "j": j} for k in ("a", "x.y", "xzy") for j in ("1", "2")]
    series = [
        Series(each, list(_numbers(chance, kind, late=late)))
        for each in labels
        if each == labels[0] or chance.random() < 0.7
    ]
    unit = chance.choice(["", "s", "1", "By", "{order}"])
    return Scenario(rule, DeclaredInstrument(name, kind, unit), series)


def _limit(chance: random.Random, kind: str, measure: str) -> float:
    """Return a limit within the usual numbers, which no number equals."""
    top = {"rate": 0.4, "count": 20, "mean": 6, "value": 60}.get(measure, 5)
    low = -top if kind in {"gauge", "up_down_counter"} else 0
    return round(chance.uniform(low, top), 2) + 0.00137


def _numbers(chance: random.Random, kind: str, *, late: bool) -> Iterator[tuple[float, ...] | None]:
    start = chance.choice([0, 0, 0, 2, 5]) if late else 0
    end = chance.choice([WINDOWS, WINDOWS, 4, 8])
    # A restart is visible if all numbers fall.
    size = len(BOUNDS) + 2 if kind == "histogram" else 1
    current = [0.0] * size
    yield tuple(current) if not start else None
    for window in range(WINDOWS):
        low = -2 if kind in {"gauge", "up_down_counter"} else 0
        speeds: list[float] = [
            chance.choice([0, chance.randint(low, 3)]) * (chance.random() < 0.7) for _ in range(size)
        ]
        if kind == "histogram":
            speeds[-1] = sum(count * value for count, value in zip(speeds, (0.5, 1.5, 3.0, 7.0), strict=False))
        falls = all(speed * SAMPLES < number or not speed for speed, number in zip(speeds, current, strict=True))
        if window == start or (low == 0 and falls and any(current) and chance.random() < 0.3):
            current = [0.0] * size
        for _ in range(SAMPLES):
            current = [number + speed for number, speed in zip(current, speeds, strict=True)]
            yield tuple(current) if start <= window < end else None


def _evaluate(scenario: Scenario) -> Iterator[set[tuple[str, ...]]]:
    """Yield the labels of the firing alerts in the library after each window, the first at time 0."""
    evaluator = RuleEvaluator(FlextResult[FlextAlert].ok, lambda _: None, _Clock())
    evaluator.add(scenario.rule).unwrap()
    for window in range(WINDOWS + 1):
        points = [
            _point(scenario.instrument, each.labels, numbers)
            for each in scenario.series
            if (numbers := each.numbers[window * SAMPLES]) is not None
        ]
        evaluator.evaluate(points, float(window * WINDOW))
        firing = [state.labels for state in evaluator.states() if state.state == "firing"]
        yield {tuple(labels.get(name, "") for name in scenario.shown) for labels in firing}


class _Clock:
    def time_ns(self) -> int:
        return int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000

    def monotonic(self) -> float:
        return 0.0


def _point(instrument: DeclaredInstrument, labels: dict[str, str], numbers: tuple[float, ...]) -> MetricView:
    name, unit = instrument.name, instrument.unit
    if instrument.kind != "histogram":
        return MetricView(name, instrument.kind, unit, "shop", labels, numbers[0])
    *counts, total = numbers
    buckets = explicit_buckets(BOUNDS, [int(count) for count in counts])
    return MetricView(name, "histogram", unit, "shop", labels, count=int(sum(counts)), sum=total, buckets=buckets)


def input_series(scenario: Scenario, name: str) -> Iterator[dict[str, str]]:
    """Yield the series in the form of promtool.

    Args:
        scenario: The scenario.
        name: Name of the metric in Prometheus.
    """
    for series in scenario.series:
        if scenario.instrument.kind != "histogram":
            yield _row(name, series, [None if each is None else each[0] for each in series.numbers])
            continue
        counts = [None if each is None else list(accumulate(each[:-1])) for each in series.numbers]
        for index, bound in enumerate((*BOUNDS, "+Inf")):
            bucket = [None if each is None else each[index] for each in counts]
            yield _row(f"{name}_bucket", series, bucket, le=str(bound))
        yield _row(f"{name}_count", series, [None if each is None else each[-1] for each in counts])
        yield _row(f"{name}_sum", series, [None if each is None else each[-1] for each in series.numbers])


def _row(name: str, series: Series, numbers: list[float | None], **more: str) -> dict[str, str]:
    labels = {**series.labels, **more, "service_name": "shop", "job": "shop", "instance": "one"}
    text = ",".join(f'{key}="{value}"' for key, value in labels.items())
    values = ["_" if number is None else str(number) for number in numbers]
    for index in range(1, len(values)):
        if values[index] == "_" and values[index - 1] not in {"_", "stale"}:
            values[index] = "stale"
    return {"series": f"{name}{{{text}}}", "values": " ".join(values)}


def expected(scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Yield what promtool should find after each window: the firing alerts of the library."""
    by = f" by ({', '.join(scenario.shown)})" if scenario.shown else ""
    for window, firing in enumerate(scenario.firing):
        samples = [
            {
                "labels": "{" + ",".join(f'{k}="{v}"' for k, v in zip(scenario.shown, labels, strict=True)) + "}",
                "value": 1,
            }
            for labels in sorted(firing)
        ]
        expr = f'count{by} (ALERTS{{alertname="{scenario.rule.name}",alertstate="firing"}})'
        yield {"expr": expr, "eval_time": f"{window * WINDOW}s", "exp_samples": samples}
