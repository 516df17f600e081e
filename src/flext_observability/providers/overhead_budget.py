"""Cost of the telemetry in each window → detail that spans leave out, a log line for each change, and a report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, final

from flext_observability.domain.overhead import BudgetReport
from flext_observability.domain.report import Notice
from flext_observability.engine.shedding import LEVELS, SAMPLING_LEVEL, Shedding
from flext_observability.pipeline.budget_level import BudgetLevel
from flext_observability.providers.overhead import Costs, Usage
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime

if TYPE_CHECKING:
    from flext_observability.pipeline.ledger import Ledger
    from flext_observability.providers.overhead import OverheadMeter
    from flext_observability.providers.tracer import ServiceTracers

WINDOW_SECONDS: Final = 5.0
"""Duration of a window."""
IDLE_CORE_PERCENT: Final = 5.0
"""A process that uses less of one core counts as idle: the CPU time of its telemetry is free."""
_JOB: Final = "overhead budget"
_FIX: Final = "Record less, or raise overhead_budget_percent"
_logger: Final = logging.getLogger("flext_observability")


class Target(NamedTuple):
    """Where detail is left out.

    Attributes:
        shed: Sets what spans leave out.
        max_level: The highest level that has an effect.
        not_shed: What cannot be left out, and why.
        counts: Returns the number of items left out, by kind.
    """

    shed: Callable[[Shedding], object]
    max_level: int
    not_shed: tuple[str, ...]
    counts: Callable[[], Mapping[str, int]]


@final
class OverheadBudget:
    """Keeps the cost of the telemetry within a budget. ``check`` is called by one thread at a time.

    Args:
        percent: The budget, in percent of the CPU time of the process.
        usage: Returns what has been used since the start.
        costs: Returns the current cost of recording.
        target: Where detail is left out.
        now: Returns the time of a change, in seconds since the epoch.
    """

    def __init__(
        self,
        percent: float,
        usage: Callable[[], Usage],
        costs: Callable[[], Costs],
        target: Target,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._usage, self._costs, self._target, self._now = usage, costs, target, now
        self._level = BudgetLevel(percent, target.max_level)
        self._last = usage()
        self._report = BudgetReport(percent, not_shed=target.not_shed)

    def check(self) -> None:
        """End the window: compare its cost with the budget, and leave out more or less."""
        total = self._usage()
        window, self._last = total.since(self._last), total
        is_idle = 100 * window.process < IDLE_CORE_PERCENT * window.elapsed
        percent = 0.0 if is_idle else round(window.percent(self._costs()), 3)
        before, budget = self._report, self._report.percent
        since = before.since
        if self._level.observe(percent):
            since = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
            self._target.shed(LEVELS[self._level.level])
            log_warning(_logger, _change(before.level, self._level.level, percent, budget))
        level = self._level.level
        shed = LEVELS[level].describe()
        self._report = BudgetReport(budget, percent, level, since, shed, self._target.not_shed)

    def report(self) -> BudgetReport:
        """Return the state at this moment."""
        last = self._report
        counts = dict(self._target.counts())
        return BudgetReport(last.percent, last.window_percent, last.level, last.since, last.shed, last.not_shed, counts)

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice while detail is left out, and one about what cannot be."""
        last, found = self._report, list[Notice]()
        if last.level:
            message = f"Left out since {last.since}, as telemetry costs more than {last.percent:g} % of the CPU time"
            found.append(Notice("traces", f"{message}: {_listed(last.shed)} (level {last.level})", _FIX))
        found.extend(Notice("traces", f"overhead_budget_percent is limited: {text}") for text in last.not_shed)
        return tuple(found)


def _change(before: int, level: int, percent: float, budget: float) -> str:
    costs = f"Telemetry costs {percent:.1f} % of the CPU time (overhead_budget_percent={budget:g})"
    shed = _listed(LEVELS[level].describe())
    if level > before:
        return f"{costs}: {shed} are left out (level {level}). {_FIX}."
    return f"{costs}: " + (f"only {shed} are left out (level {level})." if shed else "everything is recorded again.")


def _listed(parts: tuple[str, ...]) -> str:
    return ", ".join(parts)


def make_budget(percent: float, meter: OverheadMeter, ledger: Ledger, tracers: ServiceTracers | None) -> OverheadBudget:
    """Return a budget.

    Args:
        percent: The budget, in percent of the CPU time of the process.
        meter: Measures the cost.
        ledger: Counts what is left out.
        tracers: The tracer providers; None for those of another library, or without traces.
    """
    counts = ledger.counters["traces"].left_out
    if tracers is None:
        target = Target(_shed_nothing, 0, ("no spans are recorded by this library",), counts)
        return OverheadBudget(percent, meter.usage, meter.costs, target)

    def shed(shedding: Shedding) -> None:
        tracers.shed(shedding)
        meter.shedding = shedding

    max_level = len(LEVELS) - 1 if tracers.has_rule else SAMPLING_LEVEL - 1
    return OverheadBudget(percent, meter.usage, meter.costs, Target(shed, max_level, tracers.not_shed(), counts))


def _shed_nothing(_: Shedding) -> None:
    """Do nothing: no spans can leave out anything."""


@final
class _CurrentBudget:
    """The pipeline whose budget is checked. Thread-safe."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._ledger: Ledger | None = None

    def use(self, ledger: Ledger, budget: OverheadBudget) -> None:
        """Check the budget of a pipeline instead of the former one."""
        from flext_observability.runtime.scheduler import scheduler  # not at each start

        with self._lock:
            self._ledger = ledger
            scheduler().schedule(_JOB, WINDOW_SECONDS, budget.check)

    def release(self, ledger: Ledger) -> None:
        """Stop checking the budget of a pipeline that has ended."""
        from flext_observability.runtime.scheduler import scheduler

        with self._lock:
            if self._ledger is ledger:
                self._ledger = None
                scheduler().cancel(_JOB)


def current_budget() -> _CurrentBudget:
    """Return the budget of the process."""
    return current_runtime().get(_CurrentBudget)
