"""Results of cases, and their JSON form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.goals import BY_KEY, Goal
from benchmarks.measure import Ratio


class CaseSkippedError(Exception):
    """A case cannot run here. The message has the reason."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Extent of a run.

    Attributes:
        rounds: Rounds of cases in one process; those that start processes run fewer.
        quick: Whether only the function of the cases is checked.
        paced_seconds: Duration of each paced program.
    """

    rounds: int = 21
    quick: bool = False
    paced_seconds: float = 10.0

    @property
    def process_rounds(self) -> int:
        """Rounds of cases that start a process for each side and round."""
        return 1 if self.quick else min(11, self.rounds)

    def operations(self, count: int) -> int:
        """Return the number of operations of a round."""
        return max(1, count // 20) if self.quick else count


@dataclass(frozen=True, slots=True)
class Reading:
    """Measured value of one goal.

    Attributes:
        key: Key of the goal.
        value: Value from the minima of all rounds; the goal applies to it.
        median: Median over the rounds.
        ours: Cost of our side.
        theirs: Cost of the other side.
        unit: Unit of the costs.
        note: Further facts.
    """

    key: str
    value: float
    median: float
    ours: float
    theirs: float
    unit: str = "µs"
    note: str = ""

    @property
    def goal(self) -> Goal:
        """The goal."""
        return BY_KEY[self.key]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with rounded numbers."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def reading(key: str, ratio: Ratio, ours: float, theirs: float, unit: str = "µs", note: str = "") -> Reading:
    """Return the reading of a ratio."""
    return Reading(key, ratio.best, ratio.median, ours, theirs, unit, note)
