"""Run cases one after the other, each in a fresh process → one result with its head."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.catalogue import Case, Kind
from benchmarks.machine import PACKAGES, PEERS, interpreter, load, machine, revision
from benchmarks.measure import ROOT, clean_environment
from benchmarks.readings import Reading, Settings

CASE_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Result:
    """Readings of one interpreter and engine.

    Attributes:
        head: Machine, versions, engine, commit, load average at begin and end.
        readings: What the cases measured.
        skipped: Reason by case.
        failed: Output by case.
    """

    head: dict[str, Any]
    readings: list[Reading] = field(default_factory=list[Reading])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    failed: dict[str, str] = field(default_factory=dict[str, str])

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        readings = [each.to_json() for each in self.readings]
        return {"head": self.head, "readings": readings, "skipped": self.skipped, "failed": self.failed}


def from_json(data: Mapping[str, Any]) -> Result:
    """Return a result that ``to_json`` gave."""
    readings = [Reading(**each) for each in data["readings"]]
    return Result(data["head"], readings, data["skipped"], data["failed"])


def write(result: Result, path: Path) -> None:
    """Write a result as a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def run(
    cases: Sequence[Case],
    settings: Settings,
    engine: str,
    pythons: Mapping[Kind, Path],
    progress: Callable[[str], object],
) -> Result:
    """Run the cases.

    Args:
        cases: Cases in order.
        settings: Extent.
        engine: ``lean`` or ``sdk``; a case may need another one.
        pythons: Interpreter of each environment.
        progress: Called with one line for each case.
    """
    versions = interpreter(pythons["peers"], (*PACKAGES, *PEERS))
    head = {"machine": machine(), **versions, "engine": engine, "revision": revision(), "rounds": settings.rounds}
    result = Result({**head, "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "load": [load(), 0.0]})
    for number, case in enumerate(cases, 1):
        began = time.monotonic()
        known = len(result.readings)
        _run_case(case, settings, engine, pythons[case.environment], result)
        seconds = time.monotonic() - began
        progress(
            f"[{number}/{len(cases)}] {case.name}: {_summary(case, result, result.readings[known:])} ({seconds:.1f} s)"
        )
    result.head["load"][1] = load()
    return result


def _run_case(case: Case, settings: Settings, engine: str, python: Path, result: Result) -> None:
    environment = clean_environment() | {"FLEXT_OBSERVABILITY_ENGINE": case.engine or engine}
    command = [str(python), "-m", "benchmarks.one_case", case.name, json.dumps(asdict(settings))]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=CASE_SECONDS
        )
    except subprocess.TimeoutExpired:
        result.failed[case.name] = f"no result within {CASE_SECONDS} s"
        return
    if done.returncode != 0:
        result.failed[case.name] = (done.stdout[-1000:] + done.stderr[-4000:]).strip()
        return
    answer = json.loads(done.stdout.splitlines()[-1])
    if "skipped" in answer:
        result.skipped[case.name] = answer["skipped"]
    for each in answer.get("readings", ()):
        result.readings.append(Reading(**each))


def _summary(case: Case, result: Result, readings: Sequence[Reading]) -> str:
    if case.name in result.failed:
        return "FAILED"
    if case.name in result.skipped:
        return f"skipped: {result.skipped[case.name]}"
    return ", ".join(f"{each.key.partition(' ')[2]} {each.goal.show(each.value)}".strip() for each in readings)
