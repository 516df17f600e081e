from __future__ import annotations

import logging
from typing import Any

import pytest

from flext_observability import FlextAlertRule
from flext_observability.services.alerts.series_evaluator import MAX_PREVIOUS, MAX_SERIES, SeriesEvaluator
from flext_observability.views.model import MetricView
from tests.unit.services.alerts.points import NAME, counter, gauge, histogram

Evaluations = list[tuple[float, list[MetricView]]]


def numbers(*evaluations: tuple[float, list[MetricView]], **rule: Any) -> Any:
    """Return the numbers of the last evaluation by label text; a single number without labels is returned as it is."""
    condition: dict[str, Any] = {} if "absent_seconds" in rule else {"above": 0}
    evaluator = SeriesEvaluator(FlextAlertRule("r", metric=NAME, **condition, **rule))
    latest: dict[Any, float] = {}
    for at, points in evaluations:
        latest = evaluator.evaluate(points, at)
    named = {",".join(f"{name}={value}" for name, value in labels): number for labels, number in latest.items()}
    return named[""] if set(named) == {""} else named


def test_a_value_is_that_of_each_series() -> None:
    assert numbers((0, [gauge(1, host="a"), gauge(2, host="b")])) == {"host=a": 1, "host=b": 2}


def test_attributes_select_series_by_text_and_by_any_of_several_values() -> None:
    points = [gauge(1, code=500), gauge(2, code=502), gauge(3, code=200), gauge(4)]
    assert numbers((0, points), attributes={"code": 500}) == {"code=500": 1}
    assert numbers((0, points), attributes={"code": ("500", 502)}) == {"code=500": 1, "code=502": 2}


@pytest.mark.parametrize(("combine", "expected"), [("sum", 6), ("max", 3), ("min", 1), ("mean", 2)])
def test_series_are_combined_into_one_number(combine: str, expected: float) -> None:
    points = [gauge(1, host="a"), gauge(2, host="b"), gauge(3, host="c")]
    assert numbers((0, points), combine=combine) == expected


def test_by_groups_combined_series() -> None:
    points = [gauge(1, host="a", cpu=0), gauge(2, host="a", cpu=1), gauge(5, host="b", cpu=0)]
    assert numbers((0, points), combine="sum", by=("host",)) == {"host=a": 3, "host=b": 5}


def test_not_a_number_counts_as_no_data() -> None:
    assert numbers((0, [gauge(float("nan"), host="a"), gauge(1, host="b")])) == {"host=b": 1}


def test_a_rate_is_per_second_and_unknown_at_the_first_evaluation() -> None:
    assert numbers((0, [counter(10)]), measure="rate") == {}
    assert numbers((0, [counter(10)]), (5, [counter(20)]), measure="rate") == 2


def test_a_restarted_counter_counts_from_zero() -> None:
    assert numbers((0, [counter(100)]), (10, [counter(30)]), measure="rate") == 3
    assert numbers((0, [counter(100)]), (10, [counter(30)]), measure="count") == 30


def test_a_counter_that_appears_between_two_evaluations_started_at_zero() -> None:
    assert numbers((0, []), (10, [counter(5)]), measure="count") == 5


def test_up_down_counters_and_gauges_can_have_a_negative_rate_and_none_at_first() -> None:
    down = [(0.0, [counter(9, kind="up_down_counter")]), (3.0, [counter(6, kind="up_down_counter")])]
    assert numbers(*down, measure="rate") == -1
    assert numbers((0, []), (3, [gauge(6)]), measure="rate") == {}
    assert numbers((0, [gauge(0)]), (3, [gauge(6)]), measure="rate") == 2


def test_a_histogram_is_measured_since_the_previous_evaluation() -> None:
    evaluations: Evaluations = [(0.0, [histogram((1, 1, 1, 1), 9.0)]), (2.0, [histogram((1, 5, 1, 1), 10.2)])]
    assert numbers(*evaluations, measure="count") == 4
    assert numbers(*evaluations, measure="rate") == 2
    assert numbers(*evaluations, measure="mean") == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("after", "measure", "expected"),
    [
        ((10, 0, 0, 0), "p50", 0.05),
        ((0, 10, 0, 0), "p50", 0.3),
        ((5, 5, 0, 0), "p90", 0.42),
        ((50, 0, 50, 0), "p99", 0.99),
        ((9, 0, 0, 1), "p95", 1.0),
    ],
)
def test_a_percentile_lies_between_the_bounds_of_its_bucket(
    after: tuple[int, ...], measure: str, expected: float
) -> None:
    before = (7, 7, 7, 7)
    both = tuple(a + b for a, b in zip(before, after, strict=True))
    found = numbers((0, [histogram(before)]), (1, [histogram(both)]), measure=measure)
    assert found == pytest.approx(expected)


def test_a_percentile_of_negative_values_is_their_bound() -> None:
    bounds = (-1.0, 0.0)
    evaluations: Evaluations = [(0.0, []), (1.0, [histogram((4, 0, 0), bounds=bounds)])]
    assert numbers(*evaluations, measure="p50") == -1.0


def test_buckets_are_compared_by_bound_when_bounds_change() -> None:
    evaluations: Evaluations = [
        (0.0, [histogram((4, 4, 0), bounds=(1.0, 2.0))]),
        (1.0, [histogram((4, 4, 10, 0), bounds=(1.0, 2.0, 4.0))]),
    ]
    assert numbers(*evaluations, measure="p50") == 3.0


def test_a_histogram_without_new_measurements_or_without_bounds_has_no_percentile() -> None:
    same = histogram((1, 2, 3, 4), 5.0)
    assert numbers((0, [same]), (1, [same]), measure="p95") == {}
    assert numbers((0, [same]), (1, [same]), measure="mean") == {}
    assert numbers((0, []), (1, [histogram((3,), bounds=())]), measure="p95") == {}


def test_a_restarted_histogram_counts_from_zero() -> None:
    evaluations: Evaluations = [(0.0, [histogram((9, 9, 9, 9), 36.0)]), (1.0, [histogram((2, 0, 0, 0), 0.1)])]
    assert numbers(*evaluations, measure="mean") == 0.05


@pytest.mark.parametrize(
    ("point", "measure", "note"),
    [
        (histogram((1, 1, 1, 1)), "value", "is a histogram, which has no value: measure mean, count"),
        (gauge(1), "p95", "is a gauge, which has no p95: measure value or rate"),
        (gauge(1), "count", "is a gauge, which has no count"),
    ],
)
def test_a_measure_that_the_kind_does_not_have_sets_the_note(point: MetricView, measure: Any, note: str) -> None:
    evaluator = SeriesEvaluator(FlextAlertRule("r", metric=NAME, above=0, measure=measure))
    assert evaluator.evaluate([point], 0) == {}
    assert note in evaluator.note
    evaluator.evaluate([], 1)
    assert evaluator.note == ""


def test_kinds_and_units_of_one_name_are_separate_series() -> None:
    both = [counter(100), gauge(1)]
    assert numbers((0, both), (10, [counter(110), gauge(2)]), measure="rate", combine="max") == 1
    assert numbers((0, [gauge(5000, unit="ms")]), (1, [gauge(5, unit="s")]), measure="rate") == {}


def test_a_time_that_is_not_later_returns_the_previous_numbers() -> None:
    evaluations: Evaluations = [(0.0, [counter(0)]), (5.0, [counter(10)]), (5.0, [counter(99)]), (4.0, [counter(999)])]
    assert numbers(*evaluations, measure="rate") == 2


def test_absence_is_the_time_since_the_last_new_measurement() -> None:
    assert numbers((0, []), (7, []), absent_seconds=5) == 7
    assert numbers((0, [counter(1)]), (7, [counter(1)]), (9, [counter(1)]), absent_seconds=5) == 9
    assert numbers((0, [counter(1)]), (7, [counter(2)]), (9, [counter(2)]), absent_seconds=5) == 2
    assert numbers((0, [histogram((1, 0, 0, 0))]), (7, [histogram((2, 0, 0, 0))]), absent_seconds=5) == 0


def test_an_unchanged_gauge_is_not_absent() -> None:
    assert numbers((0, [gauge(1)]), (7, [gauge(1)]), absent_seconds=5) == 0
    assert numbers((0, [gauge(1)]), (7, []), absent_seconds=5) == 7


def test_absence_by_attribute_remembers_every_group() -> None:
    evaluations: Evaluations = [(0.0, [counter(1, host="a"), counter(1, host="b")]), (9.0, [counter(2, host="a")])]
    assert numbers(*evaluations, absent_seconds=5, by=("host",)) == {"host=a": 0, "host=b": 9}


def test_series_over_the_limit_are_ignored_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    evaluator = SeriesEvaluator(FlextAlertRule("many", metric=NAME, above=0))
    points = [gauge(1, series=number) for number in range(MAX_SERIES + 5)]
    with caplog.at_level(logging.WARNING, logger="flext_observability"):
        assert len(evaluator.evaluate(points, 0)) == MAX_SERIES
        assert len(evaluator.evaluate(points, 1)) == MAX_SERIES
    assert [record.getMessage() for record in caplog.records] == [
        "The alert rule 'many' evaluates only 1000 series: its metric has more. Combine them with combine= and by=."
    ]


def test_remembered_series_are_limited() -> None:
    evaluator = SeriesEvaluator(FlextAlertRule("many", metric=NAME, above=0, measure="rate", combine="sum"))
    evaluator.evaluate([counter(1, series=str(number)) for number in range(MAX_PREVIOUS + 5)], 0)
    assert len(evaluator._previous) == MAX_PREVIOUS
