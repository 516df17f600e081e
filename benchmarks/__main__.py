"""``python -m benchmarks COMMAND``: run the cases, run paced programs, or make the report of the documentation."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.catalogue import CASES, Kind, chosen
from benchmarks.destination import destination
from benchmarks.environments import VERSIONS, compile_sources, environment, find_python, here
from benchmarks.machine import interpreter, load, revision
from benchmarks.paced import Load, Outcome, SideName, run_load
from benchmarks.readings import Settings
from benchmarks.report import generated_part, result_path, write_paced, write_page, write_promises
from benchmarks.run import Result, run, write
from benchmarks.table import paced_markdown, terminal

RATES: Final = (5_000, 20_000, 40_000)


def main() -> int:
    """Run a command, and return its exit code: 1 if a case raised."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.work(arguments))
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    names = ", ".join(case.name for case in CASES)

    cases = commands.add_parser("run", help="run the cases on this Python")
    cases.add_argument("case", nargs="*", help=f"names (default: all): {names}")
    cases.add_argument("--engine", choices=("lean", "sdk"), default="lean")
    cases.add_argument("--rounds", type=int, default=21)
    cases.add_argument("--seconds", type=float, default=10.0, help="duration of each paced program")
    cases.add_argument("--output", type=Path, help="file for the results as JSON")
    cases.set_defaults(work=_cases)

    quick = commands.add_parser("quick", help="run each case once with this interpreter, without thresholds")
    quick.add_argument("case", nargs="*")
    quick.set_defaults(work=_quick)

    paced = commands.add_parser("paced", help="make items at a rate, to the collector, on both sides")
    paced.add_argument("--rate", type=int, nargs="+", default=list(RATES), help="items a second")
    paced.add_argument("--seconds", type=float, default=60.0)
    paced.add_argument("--signal", choices=("traces", "logs"), default="traces")
    paced.add_argument("--engine", choices=("lean", "sdk"), default="lean")
    paced.set_defaults(work=_paced)

    report = commands.add_parser("report", help="run all on each Python and engine, and write docs/benchmarks.md")
    report.add_argument("--python", nargs="+", choices=VERSIONS, default=list(VERSIONS))
    report.add_argument("--engine", nargs="+", choices=("lean", "sdk"), default=["lean", "sdk"])
    report.add_argument("--rounds", type=int, default=11)
    report.add_argument("--seconds", type=float, default=3.0, help="duration of each paced program of the cases")
    report.add_argument("--paced-seconds", type=float, default=60.0, help="duration of each paced program; 0: none")
    report.add_argument("--page-only", action="store_true", help="write the page from the stored results")
    report.set_defaults(work=_report)
    return parser


def _cases(arguments: argparse.Namespace) -> int:
    settings = Settings(rounds=arguments.rounds, paced_seconds=arguments.seconds)
    result = run(chosen(arguments.case), settings, arguments.engine, _environments(here()), _progress)
    if arguments.output:
        write(result, arguments.output)
    return _finish(result)


def _quick(arguments: argparse.Namespace) -> int:
    compile_sources(here())
    pythons: dict[Kind, Path] = {"main": here(), "peers": here()}
    settings = Settings(rounds=1, quick=True, paced_seconds=0.5)
    return _finish(run(chosen(arguments.case), settings, "lean", pythons, _progress))


def _finish(result: Result) -> int:
    print(terminal(result))
    if target := os.environ.get("SKIPS_FILE"):  # the list of .ci/run
        with Path(target).open("a", encoding="utf-8") as file:
            file.writelines(f"benchmark {name}: {reason}\n" for name, reason in result.skipped.items())
    return 1 if result.failed else 0


def _paced(arguments: argparse.Namespace) -> int:
    outcomes, head = _paced_programs(here(), arguments.rate, arguments.seconds, arguments.signal, arguments.engine)
    print(f"{head['signal']} to the {head['destination']}, {head['seconds']:g} s each, engine {head['engine']}\n")
    print(paced_markdown(outcomes))
    return 0


def _paced_programs(
    python: Path, rates: Sequence[int], seconds: float, signal: str, engine: str
) -> tuple[list[Outcome], dict[str, Any]]:
    outcomes: list[Outcome] = []
    sides: tuple[SideName, ...] = ("ours", "stock")
    head: dict[str, Any] = {"signal": signal, "seconds": seconds, "engine": engine, "load": [load()]}
    program = environment(python, "peers" if signal == "logs" else "main", _progress)
    with destination() as target:
        head |= {"destination": target.name, **interpreter(program, ("opentelemetry-sdk",)), "revision": revision()}
        for number, rate in enumerate(rates):
            for side in sides if number % 2 == 0 else sides[::-1]:
                _progress(f"{side}: {rate}/s for {seconds:g} s")
                load_ = Load(rate=rate, seconds=seconds, signal=signal)
                outcomes.append(run_load(load_, side, target, engine=engine, python=program))
    head["load"].append(load())
    return outcomes, head


def _report(arguments: argparse.Namespace) -> int:
    failed = False if arguments.page_only else _report_cases(arguments)
    if arguments.paced_seconds and not arguments.page_only:
        python = next(filter(None, map(find_python, arguments.python)), here())
        write_paced(*_paced_programs(python, RATES, arguments.paced_seconds, "traces", "lean"))
    write_page()
    print(generated_part())
    return 1 if failed else 0


def _report_cases(arguments: argparse.Namespace) -> bool:
    failed = False
    settings = Settings(rounds=arguments.rounds, paced_seconds=arguments.seconds)
    for version in arguments.python:
        if (python := find_python(version)) is None:
            _progress(f"Python {version}: skipped: not found on PATH or under pyenv")
            continue
        for engine in arguments.engine:
            _progress(f"Python {version}, engine {engine}")
            result = run(CASES, settings, engine, _environments(python), _progress)
            write(result, result_path(version, engine))
            if (version, engine) == (VERSIONS[0], "lean"):
                write_promises(_environments(python)["main"])
            failed |= bool(result.failed)
            print("\n".join(f"{name}: FAILED\n{output}" for name, output in result.failed.items()), file=sys.stderr)
    return failed


def _environments(python: Path) -> dict[Kind, Path]:
    kinds: tuple[Kind, ...] = ("main", "peers")
    return {kind: environment(python, kind, _progress) for kind in kinds}


def _progress(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
