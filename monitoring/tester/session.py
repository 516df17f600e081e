"""One run of the tester: load, totals, checks, provocations, and the empty checks again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from monitoring.native.places import Places, StackError
from monitoring.native.progress import BuildProgress
from monitoring.tester.checks import Catalogue
from monitoring.tester.load import Load, run_load
from monitoring.tester.model import Result, State
from monitoring.tester.polling import repeat, run_until_good
from monitoring.tester.provocations.all import clean_up, provoke
from monitoring.tester.run import BackEnds, Runner
from monitoring.tester.totals import Total, compare, span_metrics

_LOAD_SECONDS: Final = 20.0
"""Longer than two flushes of the span metrics (10 s) and one scrape (15 s), so that rates have two points."""
_LAST_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line.

    Attributes:
        dashboard: Uid of the only dashboard to check, or empty.
        json: File for the report, or None.
        has_load: Whether to run the load and compare its totals.
        keep: Whether the temporary alert rule and batch job stay.
        files: Folder with `monitoring` and `docs/runbooks`.
        checkouts: Number of checkouts of the load.
        timeout_seconds: Time limit for data, before and after the provocations.
    """

    dashboard: str
    json: Path | None
    has_load: bool
    keep: bool
    files: Path
    checkouts: int
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Session:
    """Runs the steps, and shows the progress of each."""

    options: Options
    places: Places
    catalogue: Catalogue
    ends: BackEnds
    console: Console

    def run(self, stack: ExitStack) -> tuple[list[Total], list[Result]]:
        """Run all steps. What the provocations added is removed when `stack` closes."""
        totals: list[Total] = []
        if not self.options.keep:
            stack.callback(clean_up, self.places)
        runner = Runner(self.ends, self.catalogue.sources, self.catalogue.dashboards)
        with BuildProgress(self.console, 4 if self.options.has_load else 2) as progress:
            if self.options.has_load:
                load, totals = self._load(progress)
                runner.run_id, runner.trace_id = load.run_id, load.good_trace
            else:
                runner.run_id, runner.trace_id = self._earlier_run()
            results = self._queries(runner, progress)
            self._provocations(runner, results, progress, stack)
        return totals, results

    def _load(self, progress: BuildProgress) -> tuple[Load, list[Total]]:
        before = span_metrics(self.ends)
        progress.begin("load")
        progress.step(f"{self.options.checkouts} checkouts in {_LOAD_SECONDS:.0f} s")
        load = run_load(self.places, checkouts=self.options.checkouts, seconds=_LOAD_SECONDS, tick=progress.tick)
        progress.end(f"{load.checkouts} checkouts, {load.spans} spans, {load.logs} log records sent")
        progress.begin("totals")
        totals = compare(
            load, self.ends, spans_before=before, within_seconds=self.options.timeout_seconds, tick=progress.tick
        )
        progress.end(f"{sum(one.is_equal for one in totals)} of {len(totals)} equal")
        return load, totals

    def _earlier_run(self) -> tuple[str, str]:
        """Return the id and a trace of the last run of the demo."""
        now = time.time()
        series = self.ends.prometheus.instant("max_over_time(timestamp(shop_checkouts_total)[1h:15s])", now)
        if not series:
            raise StackError("No data of an earlier load in the last hour. Leave out --no-load.")
        newest = max(series, key=lambda one: one[1])[0]["service_instance_id"].removesuffix("-gateway")
        query = f'"service.instance.id":="{newest}-gateway" trace_id:*'
        records = self.ends.victorialogs.records(query, self.catalogue.checks[0].scope, now, limit=1)
        return newest, records[0]["trace_id"] if records else ""

    def _queries(self, runner: Runner, progress: BuildProgress) -> list[Result]:
        progress.begin("queries")
        progress.step(f"{len(self.catalogue.checks)} checks")
        results = run_until_good(
            self.catalogue.checks,
            runner.run,
            within_seconds=self.options.timeout_seconds,
            report=_reporter(progress),
        )
        good = sum(one.outcome.state.is_good for one in results)
        progress.end(f"{good} of {len(results)} good")
        return results

    def _provocations(self, runner: Runner, results: list[Result], progress: BuildProgress, stack: ExitStack) -> None:
        progress.begin("provocations")
        empty = [one for one in results if one.outcome.state is State.EMPTY and one.check.excuse]
        if not empty:
            progress.end("none needed")
            return
        for one in empty:
            one.first = one.outcome
        provoke(self.places, stack, step=progress.step)
        repeat(empty, runner.run, within_seconds=self.options.timeout_seconds * 2, report=_reporter(progress))
        progress.end(f"{sum(one.outcome.state.is_good for one in empty)} of {len(empty)} empty checks have data")


def _reporter(progress: BuildProgress) -> Callable[[int, int], None]:
    shown = -1

    def report(good: int, total: int) -> None:
        nonlocal shown
        if good != shown:
            shown = good
            progress.step(f"{good} of {total} have data")
        progress.tick()

    return report
