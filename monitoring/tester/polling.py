"""Run checks again until each is good, or until a time limit: scrapes and evaluations need up to 15 s."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from monitoring.tester.model import Check, Outcome, Result, State

_POLL_SECONDS: Final = 2.0
Run = Callable[[Check], Outcome]
Report = Callable[[int, int], None]


def run_until_good(checks: Sequence[Check], run: Run, *, within_seconds: float, report: Report) -> list[Result]:
    """Run all checks, and those without data again. A check with an excuse for no data runs once.

    Args:
        checks: Checks in the order of the results.
        run: Function that runs a check.
        within_seconds: Time limit.
        report: Function to call with the number of finished checks and of all.
    """
    results = [Result(check, run(check)) for check in checks]
    repeat([one for one in results if not one.check.excuse], run, within_seconds=within_seconds, report=report)
    for one in results:
        if one.check.excuse and not one.outcome.state.is_good:
            one.outcome = run(one.check)  # with the values of variables that came later
    return results


def repeat(results: Iterable[Result], run: Run, *, within_seconds: float, report: Report) -> None:
    """Run the checks that are not good again until all are, or until the time limit."""
    own = list(results)
    deadline = time.monotonic() + within_seconds
    while True:
        bad = [one for one in own if not _is_final(one)]
        report(len(own) - len(bad), len(own))
        if not bad or time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)
        for one in bad:
            one.outcome = run(one.check)


def _is_final(result: Result) -> bool:
    """Return whether another run gives the same outcome: data exist, or a file is faulty."""
    return result.outcome.state.is_good or (result.check.kind == "static" and result.outcome.state is State.ERROR)
