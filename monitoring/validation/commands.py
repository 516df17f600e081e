"""Command line of the checks: one line for each check, the faults, a summary and the next step."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console

from monitoring.native.places import Places, StackError, places_from
from monitoring.validation.check import Check
from monitoring.validation.faults import FAULTY, NOT_CHECKED, Outcome, exit_code
from monitoring.validation.table import all_checks
from monitoring.validation.tree import Tree

_STYLES: Final = {"good": "green", "faulty": "red", "not checked": "yellow"}
_NEXT: Final = {
    0: "make monitoring-setup starts the stack, make observability-test queries it",
    FAULTY: "correct the lines above, then run `make observability-validate` again",
    NOT_CHECKED: "make stack-install builds the missing programs",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all files, or those named by `--only`. Return the exit code.

    Returns:
        0 without a fault, 1 with one, 2 if no fault was found but a check was not possible.
    """
    given = _parser().parse_args(arguments)
    console = Console()
    try:
        return validate(places_from(), console, only=given.only)
    except StackError as problem:
        _print(console, str(problem), "red")
        return FAULTY
    except KeyboardInterrupt:
        _print(console, "Interrupted: no file was changed.", "red")
        return 130


def validate(places: Places, console: Console, *, only: Sequence[str] = ()) -> int:
    """Run the checks at the same time, and print their verdicts in the order of the table.

    Args:
        places: Repository, programs and ports.
        console: Output.
        only: Parts of titles. Empty for all checks.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flext-validation-") as folder:
        tree = Tree(places, replace(places, state=Path(folder)))
        chosen = _chosen(all_checks(tree), only)
        outcomes = _run(chosen, console)
    _print_summary(outcomes, time.monotonic() - started, console)
    return exit_code(outcomes)


def _chosen(checks: list[Check], only: Sequence[str]) -> list[Check]:
    chosen = [check for check in checks if not only or any(word.lower() in check.title.lower() for word in only)]
    if not chosen:
        raise StackError(
            f"--only {' '.join(only)}: no check has this word in its title. Run without --only for a list."
        )
    return chosen


def _run(checks: list[Check], console: Console) -> list[Outcome]:
    outcomes: list[Outcome] = []
    waiting = console.status("") if console.is_terminal else nullcontext()
    # The checks wait for other programs: more threads than cores keep all cores in use.
    with waiting as shown, ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) + 2) as pool:
        results = [pool.submit(check.run) for check in checks]
        for number, (check, result) in enumerate(zip(checks, results, strict=True), start=1):
            if shown is not None:
                shown.update(f"[{number}/{len(checks)}] {check.title}".replace("[", r"\["))
            outcomes.append(result.result())
            _print_outcome(outcomes[-1], console)
    return outcomes


def _print_outcome(outcome: Outcome, console: Console) -> None:
    text = f"{outcome.verdict:<12} {outcome.title}"
    if outcome.verdict == "not checked":
        text += f": {outcome.not_checked}"
    _print(console, text, _STYLES[outcome.verdict])
    for fault in outcome.faults:
        _print(console, str(fault), "red")


def _print_summary(outcomes: Sequence[Outcome], seconds: float, console: Console) -> None:
    verdicts = [outcome.verdict for outcome in outcomes]
    faults = {fault for outcome in outcomes for fault in outcome.faults}
    parts = [f"{verdicts.count('good')} good"]
    if faults:
        parts.append(f"{verdicts.count('faulty')} faulty with {len(faults)} fault{'s' if len(faults) > 1 else ''}")
    if "not checked" in verdicts:
        parts.append(f"{verdicts.count('not checked')} not checked")
    code = exit_code(outcomes)
    _print(console, f"{len(outcomes)} checks in {seconds:.1f} s: {', '.join(parts)}.", "red" if code else "green")
    _print(console, f"next         {_NEXT[code]}", "cyan")


def _print(console: Console, text: str, style: str) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.validation", description="Check all configuration files of the monitoring stack."
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="only checks with this word in the title; repeatable",
    )
    return parser
