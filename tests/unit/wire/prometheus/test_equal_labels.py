"""Attributes that differ in OpenTelemetry and are the same labels in Prometheus: no measurement is lost."""

from __future__ import annotations

import math
from typing import Any

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics.export import MetricsData

from flext_observability.wire.prometheus.equal_labels import EqualLabels
from flext_observability.wire.prometheus.family import Exemplar, Family, Histogram, LabelSet, Number
from flext_observability.wire.prometheus.from_points import families
from flext_observability.wire.prometheus.text import generate_text
from tests.backends.telemetry import make_metrics

EQUAL: tuple[dict[str, Any], ...] = (
    {"code": 200},
    {"code": "200"},
    {"code": "200", "none": ""},
    {"other": 1},
)
KEYS: tuple[dict[str, Any], ...] = ({"a.b": 1}, {"a_b": 1}, {"a-b": "1"})


def read(data: MetricsData, *, openmetrics: bool = False) -> tuple[list[str], list[str]]:
    """Return the samples of a page without target_info, and the names of clashes."""
    clashes: list[str] = []
    text = generate_text(families(data), openmetrics=openmetrics, on_clash=lambda name, _: clashes.append(name))
    lines = [
        line.replace('otel_scope_name="tests"', "").replace(",}", "}").replace("{,", "{") for line in text.splitlines()
    ]
    return [line for line in lines if not line.startswith(("#", "target"))], clashes


@pytest.mark.parametrize("kind", ["counter", "up_down_counter"])
def test_sums_are_added_up(kind: str) -> None:
    def record(meter: Meter) -> None:
        instrument = getattr(meter, f"create_{kind}")("x")
        for attributes in (*EQUAL, *KEYS):
            instrument.add(2, attributes)

    lines, clashes = read(make_metrics(record))
    name = "x_total" if kind == "counter" else "x"
    assert lines == [f'{name}{{code="200"}} 6.0', f'{name}{{other="1"}} 2.0', f'{name}{{a_b="1"}} 6.0']
    assert clashes == []


def test_histograms_are_added_up() -> None:
    def record(meter: Meter) -> None:
        histogram = meter.create_histogram("x", explicit_bucket_boundaries_advisory=[1, 10])
        kinds: tuple[dict[str, Any], ...] = ({"le": "1"}, {"le": 2}, {}, {"k": 1})
        for value, attributes in zip((1, 5, 50, 7), kinds, strict=True):
            histogram.record(value, attributes)

    lines, clashes = read(make_metrics(record))
    assert lines[:5] == [
        'x_bucket{le="1"} 1.0',
        'x_bucket{le="10"} 2.0',
        'x_bucket{le="+Inf"} 3.0',
        "x_count{} 3.0",
        "x_sum{} 56.0",
    ]
    assert clashes == []


def test_of_gauges_the_first_one_is_kept() -> None:
    def record(meter: Meter) -> None:
        gauge = meter.create_gauge("x")
        gauge.set(1, {"code": 200})
        gauge.set(2, {"code": "200"})

    assert read(make_metrics(record)) == (['x{code="200"} 1.0'], ["x"])


def test_different_instruments_are_not_added_up() -> None:
    def record(meter: Meter) -> None:
        meter.create_counter("a.b").add(1)
        meter.create_counter("a_b").add(2)
        meter.create_counter("a_b").add(4, {"k": 1})

    lines, clashes = read(make_metrics(record))
    assert lines == ["a_b_total{} 1.0", 'a_b_total{k="1"} 4.0']
    assert clashes == ["a_b_total"]


def histogram(count: int, total: float | None, exemplars: dict[int, Exemplar], bounds: tuple[str, ...]) -> Histogram:
    reached = [count] * len(bounds)
    return Histogram(LabelSet(()), count, total, bounds, reached, exemplars, start_seconds=float(count), integers=True)


def test_the_latest_exemplars_and_the_first_start_are_kept() -> None:
    old, new = Exemplar((), 1, 1.0), Exemplar((), 2, 2.0)
    family = Family("x_total", "counter")
    equal = EqualLabels(family, is_sum=True)
    first = Number(LabelSet(()), 1, None, 5.0)
    assert family.append(first)
    for number in (Number(LabelSet(()), 2, new, 3.0), Number(LabelSet(()), -9, old, 4.0)):
        assert not family.append(number)
        equal.merge(number)
    assert (first.value, first.exemplar, first.start_seconds) == (-6, new, 3.0)
    assert family.invalid_openmetrics
    assert not family.duplicate


@pytest.mark.parametrize(("huge", "expected"), [(10**400, math.inf), (-(10**400), -math.inf)])
def test_sums_beyond_the_floats_are_infinite(huge: int, expected: float) -> None:
    family = Family("x", "gauge")
    equal = EqualLabels(family, is_sum=True)
    first = Number(LabelSet(()), 0.5)
    assert family.append(first)
    equal.merge(Number(LabelSet(()), huge))
    assert first.value == expected


def test_histograms_of_other_bounds_are_not_added_up() -> None:
    old, new = Exemplar((), 1, 1.0), Exemplar((), 2, 2.0)
    family = Family("x", "histogram")
    equal = EqualLabels(family, is_sum=False)
    first = histogram(2, 4.0, {0: new}, ("1", "+Inf"))
    assert family.append(first)
    equal.merge(histogram(1, 1.0, {0: old, 1: new}, ("1", "+Inf")))
    assert (first.count, first.sum, first.reached, first.exemplars) == (3, 5.0, [3, 3], {0: new, 1: new})
    assert first.start_seconds == 1.0
    equal.merge(histogram(1, None, {}, ("1", "+Inf")))
    assert (first.count, first.sum) == (4, None)
    before = family.duplicate
    equal.merge(histogram(1, 1.0, {}, ("2", "+Inf")))
    assert (before, family.duplicate) == (False, True)
    assert first.count == 4
