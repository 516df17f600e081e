"""Results of a check: a fault with its place and fix, or a reason why a check was not possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ALL_GOOD: Final = 0
FAULTY: Final = 1
NOT_CHECKED: Final = 2
"""No fault was found, but a check was not possible."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of one file."""

    file: str
    """Path relative to the repository."""
    line: int
    """First line of the faulty entry, from 1."""
    what: str
    """Name of the faulty entry."""
    why: str
    action: str
    """Sentence with the fix, without a full stop."""

    def __str__(self) -> str:
        """Return `<file>:<line>: <what>: <why>. <action>.` in one line."""
        text = f"{self.file}:{self.line}: {self.what}: {self.why.rstrip('. ')}. {self.action.rstrip('. ')}."
        return " ".join(text.split())


class NotCheckedError(Exception):
    """A check was not possible. The message is the reason, with the fix."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one check."""

    title: str
    faults: Sequence[Fault] = ()
    not_checked: str = ""
    """Why the check was not possible, else empty."""

    @property
    def verdict(self) -> str:
        """Return `good`, `faulty` or `not checked`."""
        if self.faults:
            return "faulty"
        return "not checked" if self.not_checked else "good"


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return the exit code for all outcomes: a fault is worse than a check that was not possible."""
    verdicts = {outcome.verdict for outcome in outcomes}
    if "faulty" in verdicts:
        return FAULTY
    return NOT_CHECKED if "not checked" in verdicts else ALL_GOOD
