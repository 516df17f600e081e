"""The page of the benchmarks shows the stored results; ratios, verdicts and goals are computed as the page explains."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks.catalogue import CASES, chosen
from benchmarks.goals import BY_KEY, GOALS
from benchmarks.measure import Rounds, interleave
from benchmarks.plot import svg
from benchmarks.report import BEGIN, END, PAGE, PICTURE, generated_part, stored_results
from benchmarks.run import from_json


def test_the_page_shows_the_stored_results() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0] == generated_part(), "run `python -m benchmarks report --page-only`"


def test_the_picture_shows_the_stored_results() -> None:
    assert PICTURE.read_text(encoding="utf-8") == svg(stored_results())


def test_stored_results_are_complete() -> None:
    for result in stored_results():
        assert from_json(json.loads(json.dumps(result.to_json()))) == result
        assert result.failed == {}
        skipped = {name.partition("-")[0] for name in result.skipped}
        missing = {goal.key for goal in GOALS} - {each.key for each in result.readings}
        assert {key for key in missing if key.split()[0] not in skipped} == set()


def test_the_page_explains_each_goal() -> None:
    explained = re.findall(r"^\| (G\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    numbers = {f"G{number}" for number in range(1, 21)}
    assert set(explained) >= numbers
    assert {goal.key.split()[0] for goal in GOALS} == numbers
    assert {case.name.partition("-")[0] for case in CASES} == numbers


def test_cases_are_chosen_by_goal_or_by_name() -> None:
    assert [case.name for case in chosen(["G14", "G1"])] == ["G1", "G14-tight", "G14-paced"]
    assert [case.name for case in chosen(["G4-sentry"])] == ["G4-sentry"]
    assert len(chosen([])) == len(CASES)
    with pytest.raises(ValueError, match="Unknown case G99"):
        chosen(["G99"])


@pytest.mark.parametrize(
    ("key", "value", "verdict"),
    [
        ("G1 traced", 6.5, "stretch"),
        ("G1 traced", 4.0, "yes"),
        ("G1 traced", 3.99, "no"),
        ("G13 start", 0.46, "stretch"),
        ("G13 start", 0.6, "yes"),
        ("G13 start", 0.61, "no"),
        ("G15 40000", 0.0, "stretch"),
        ("G15 40000", 1.0, "–"),
    ],
)
def test_a_value_meets_a_goal(key: str, value: float, verdict: str) -> None:
    assert BY_KEY[key].verdict(value) == verdict


def test_the_ratio_is_that_of_the_minima_and_the_median_that_of_rounds() -> None:
    rounds = Rounds({"theirs": [10.0, 20.0, 30.0], "ours": [5.0, 2.0, 3.0]})
    ratio = rounds.ratio("theirs", "ours")
    assert (ratio.best, ratio.median) == (5.0, 10.0)


def test_sides_alternate_in_both_directions_after_a_round_that_is_not_counted() -> None:
    calls: list[str] = []
    rounds = interleave({"a": lambda _count: calls.append("a"), "b": lambda _count: calls.append("b")}, 1, 3)
    assert calls == ["a", "b", "b", "a", "a", "b", "b", "a"]
    assert {side: len(costs) for side, costs in rounds.costs.items()} == {"a": 3, "b": 3}
