"""Cost of each window → level of detail, with hysteresis."""

from __future__ import annotations

from math import inf
from typing import Final, final

RISE_WINDOWS: Final = 3
"""Consecutive windows above the budget, until the level rises by one."""
FALL_WINDOWS: Final = 6
"""Consecutive windows far below the budget, until the level falls by one."""
MAX_FALL_WINDOWS: Final = 96
FALL_SHARE: Final = 0.7
"""Share of the budget below which a window counts for a fall."""


@final
class BudgetLevel:
    """Level that follows the cost. Called by one thread at a time.

    A fall that the next rise revokes soon doubles the number of windows until the next fall, so that a load between two
    levels does not alternate between them.

    Args:
        budget_percent: The budget.
        max_level: The highest level.

    Attributes:
        level: The current level.
    """

    def __init__(self, budget_percent: float, max_level: int) -> None:
        self.level = 0
        self._budget = budget_percent
        self._max_level = max_level
        self._above = self._below = 0
        self._patience = FALL_WINDOWS
        self._since_fall = inf

    def observe(self, percent: float) -> bool:
        """Observe the cost of a window; return whether the level has changed."""
        self._above = self._above + 1 if percent > self._budget else 0
        self._below = self._below + 1 if percent < self._budget * FALL_SHARE else 0
        self._since_fall += 1
        if self._above >= RISE_WINDOWS and self.level < self._max_level:
            if self._since_fall <= self._patience:
                self._patience = min(2 * self._patience, MAX_FALL_WINDOWS)
            self._move(1, inf)
            return True
        if self._below < self._patience:
            return False
        if self.level == 0:
            self._patience = FALL_WINDOWS
            return False
        self._move(-1, 0)
        return True

    def _move(self, steps: int, since_fall: float) -> None:
        self.level += steps
        self._above = self._below = 0
        self._since_fall = since_fall
