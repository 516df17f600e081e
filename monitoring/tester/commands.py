"""Command line of the tester: options → load, checks, tables and exit code."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from rich.console import Console

from monitoring.native.places import REPOSITORY, Places, StackError, places_from
from monitoring.tester import table
from monitoring.tester.catalogue.files import Files
from monitoring.tester.checks import catalogue
from monitoring.tester.connect import back_ends, check_stack
from monitoring.tester.session import Options, Session

_PASSED, _FAILED, _UNUSABLE, _INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tester.

    Returns:
        0 if everything has data, 1 for a failed check, 2 if the stack is down or a file cannot be read.
    """
    options = _options(arguments)
    console = Console()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _run(options, places_from(), console)
    except StackError as problem:
        console.print(str(problem), style="red", markup=False, highlight=False, soft_wrap=True)
        return _UNUSABLE
    except KeyboardInterrupt:
        console.print("Interrupted.")
        return _INTERRUPTED


def _run(options: Options, places: Places, console: Console) -> int:
    began = time.monotonic()
    files = catalogue(Files(options.files), options.dashboard)
    check_stack(places)
    with ExitStack() as stack:
        session = Session(options, places, files, stack.enter_context(back_ends(places)), console)
        totals, results = session.run(stack)
    seconds = time.monotonic() - began
    if totals:
        table.show_totals(totals, console)
        console.print()
    table.show_results(results, console)
    console.print()
    for line in table.failures(results):
        console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    passed = table.is_passed(totals, results)
    verdict = "passed" if passed else "FAILED"
    console.print(f"{verdict}: {table.summary(totals, results, seconds)}", highlight=False, soft_wrap=True)
    if options.json is not None:
        report = json.dumps(table.as_json(totals, results, seconds), indent=2) + "\n"
        options.json.write_text(report, encoding="utf-8")
    return _PASSED if passed else _FAILED


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m monitoring.tester", description=__doc__)
    parser.add_argument("--board", default="", metavar="UID", help="check only this dashboard")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--no-load", action="store_true", help="use the data of an earlier load, and compare no totals")
    parser.add_argument("--keep", action="store_true", help="keep the alert and the batch job of the provocations")
    parser.add_argument(
        "--files", type=Path, default=REPOSITORY, metavar="FOLDER", help="folder with monitoring/ and docs/runbooks/"
    )
    parser.add_argument(
        "--checkouts", type=_number, default=240, help="number of checkouts, 8 to 1000 (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=45.0, metavar="SECONDS", help="time limit for data (default: %(default)s)"
    )
    given = parser.parse_args(arguments)
    return Options(
        dashboard=given.board,
        json=given.json,
        has_load=not given.no_load,
        keep=given.keep,
        files=given.files,
        checkouts=given.checkouts,
        timeout_seconds=given.timeout,
    )


def _number(text: str) -> int:
    number = int(text)
    if not 8 <= number <= 1000:
        raise argparse.ArgumentTypeError("give 8 to 1000")
    return number


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
