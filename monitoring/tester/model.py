"""Checks, their outcomes, and the time range of a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class State(Enum):
    """State of a check after its last run."""

    ROWS = "rows"
    """The query has data, or the target exists."""
    SILENT = "silent"
    """An alert rule that does not fire, and whose metrics exist or may be absent."""
    EMPTY = "empty"
    """No data."""
    ERROR = "error"
    """The back end refused the query, or the file is faulty."""

    @property
    def is_good(self) -> bool:
        """Whether the check has passed."""
        return self in {State.ROWS, State.SILENT}


@dataclass(frozen=True, slots=True)
class Scope:
    """Context of a query: its dashboard, and the resolution of its time axis.

    Attributes:
        dashboard: Uid of the dashboard whose variables apply, or empty.
        range_seconds: Length of the time range, up to now.
        scrape_seconds: Scrape interval of the data source.
        min_step_seconds: Lower limit of the step, 0 for the scrape interval.
        max_points: Number of points on the time axis.
    """

    dashboard: str = ""
    range_seconds: float = 3600.0
    scrape_seconds: float = 15.0
    min_step_seconds: float = 0.0
    max_points: int = 1000

    @property
    def step_seconds(self) -> float:
        """Step of a range query (`$__interval`)."""
        lower = self.min_step_seconds or self.scrape_seconds
        return float(round(max(self.range_seconds / self.max_points, lower, 1.0)))

    @property
    def rate_seconds(self) -> float:
        """Window of a rate (`$__rate_interval`): four scrapes at least.

        Source: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
        """
        return max(self.step_seconds + self.scrape_seconds, 4 * self.scrape_seconds)


@dataclass(frozen=True, slots=True)
class Check:
    """One query, rule or link target.

    Attributes:
        group: Uid of a dashboard, name of a rule file, or `links`.
        item: Title of a panel, name of a variable or rule.
        part: What is checked of the item, such as `query A`, `link 1`, `expression`.
        kind: Key of the function that runs it, such as `prometheus range`.
        text: Query with variables and macros, or a target.
        options: Further parameters of the function.
        scope: Time range and dashboard of the query.
        excuse: Sentence of the description that starts with "Empty", or empty.
    """

    group: str
    item: str
    part: str
    kind: str
    text: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    scope: Scope = Scope()
    excuse: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one run of a check.

    Attributes:
        state: State of the check.
        rows: Number of series, log records, traces, alerts or values.
        detail: Error, or explanation.
    """

    state: State
    rows: int = 0
    detail: str = ""


def counted(rows: int, detail: str = "") -> Outcome:
    """Return the outcome of a query with this number of rows."""
    return Outcome(State.ROWS if rows else State.EMPTY, rows, detail)


@dataclass(slots=True)
class Result:
    """A check with its outcomes.

    Attributes:
        check: The check.
        outcome: The last outcome.
        first: The outcome before the provocations, if it was empty.
    """

    check: Check
    outcome: Outcome
    first: Outcome | None = None
