"""The level follows the cost with hysteresis."""

from __future__ import annotations

from collections.abc import Sequence

from flext_observability.pipeline.budget_level import FALL_WINDOWS, MAX_FALL_WINDOWS, RISE_WINDOWS, BudgetLevel


def levels(level: BudgetLevel, windows: Sequence[float]) -> list[int]:
    """Return the level after each window, and check what ``observe`` returns."""
    found = []
    for percent in windows:
        before = level.level
        assert level.observe(percent) == (level.level != before)
        found.append(level.level)
    return found


def test_it_rises_after_three_windows_above_the_budget() -> None:
    assert levels(BudgetLevel(5.0, 8), [6.0] * 7) == [0, 0, 1, 1, 1, 2, 2]
    assert levels(BudgetLevel(5.0, 8), [6.0, 6.0, 5.0, 6.0, 6.0]) == [0] * 5


def test_it_rises_to_the_highest_level_only() -> None:
    assert levels(BudgetLevel(5.0, 1), [6.0] * 9)[-1] == 1
    assert levels(BudgetLevel(5.0, 0), [6.0] * 9)[-1] == 0


def test_it_falls_after_six_windows_far_below() -> None:
    level = BudgetLevel(5.0, 8)
    levels(level, [6.0] * RISE_WINDOWS)
    assert levels(level, [3.6] * 20) == [1] * 20
    assert levels(level, [3.4] * 5 + [3.5] + [3.4] * FALL_WINDOWS) == [1] * 11 + [0]
    assert levels(level, [0.0] * 20) == [0] * 20


def test_a_load_between_two_levels_does_not_alternate() -> None:
    level = BudgetLevel(5.0, 1)
    changes, last = [], 0
    for window in range(1000):
        if level.observe(0.0 if level.level else 6.0):
            changes.append(window - last)
            last = window
    falls = changes[1::2]
    assert falls[:5] == [6, 12, 24, 48, 96]
    assert set(falls[5:]) == {MAX_FALL_WINDOWS}
    assert set(changes[::2]) <= {RISE_WINDOWS - 1, RISE_WINDOWS}


def test_calm_restores_the_first_delay() -> None:
    level = BudgetLevel(5.0, 1)
    cycle = [6.0] * RISE_WINDOWS + [0.0] * 6
    assert levels(level, cycle)[-1] == 0
    assert levels(level, cycle)[-1] == 1
    levels(level, [0.0] * 100)
    assert levels(level, cycle)[-1] == 0
