"""Stored results → the generated part of docs/benchmarks.md, and its picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import ROOT, run_program
from benchmarks.paced import Outcome
from benchmarks.plot import svg
from benchmarks.promises import Promise
from benchmarks.run import Result, from_json
from benchmarks.table import head_lines, markdown, paced_markdown, promises_markdown

RESULTS: Final = ROOT / "benchmarks" / "results"
PACED: Final = RESULTS / "paced.json"
PROMISES: Final = RESULTS / "promises.json"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
PICTURE: Final = ROOT / "docs" / "images" / "benchmarks.svg"
BEGIN: Final = "<!-- results: made by `make bench-report`, do not edit -->\n"
END: Final = "<!-- end of results -->\n"


def result_path(version: str, engine: str) -> Path:
    """Return the file for the results of a Python version and an engine."""
    return RESULTS / f"{version}-{engine}.json"


def stored_results() -> list[Result]:
    """Return the stored results: by Python version, the engine on before off."""
    return [from_json(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(RESULTS.glob("3.*.json"))]


def write_paced(outcomes: Sequence[Outcome], head: Mapping[str, Any]) -> None:
    """Store the results of paced programs."""
    data = {"head": head, "outcomes": [each.to_json() for each in outcomes]}
    PACED.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_promises(python: Path) -> None:
    """Measure and store the promised costs."""
    data = run_program(["-m", "benchmarks.promises"], python=str(python))
    PROMISES.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_page() -> None:
    """Replace the generated part of the page, and the picture."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}{generated_part()}{END}{after}", encoding="utf-8")
    PICTURE.write_text(svg(stored_results()), encoding="utf-8")


def generated_part() -> str:
    """Return the part of the page that shows the stored results."""
    results = stored_results()
    lines = ["", "A value in bold does not meet its floor; `lean` is the engine on, `sdk` the engine off.", ""]
    lines += [markdown(results), "", *_heads(results), ""]
    if PACED.is_file():
        data = json.loads(PACED.read_text(encoding="utf-8"))
        head = data["head"]
        lines += ["", f"Paced programs: {head['signal']} to the {head['destination']}, {head['seconds']:g} s each."]
        lines += [f"CPython {head['python']}, load average {head['load'][0]} to {head['load'][1]}.", ""]
        lines += [paced_markdown([Outcome(**each) for each in data["outcomes"]]), ""]
    if PROMISES.is_file():
        found = json.loads(PROMISES.read_text(encoding="utf-8"))["promises"]
        lines += ["", "Costs that the original design promised for one operation, and the measured ones:", ""]
        lines += [promises_markdown(Promise(**each) for each in found), ""]
    return "\n".join(lines) + "\n"


def _heads(results: Sequence[Result]) -> list[str]:
    lines: list[str] = []
    for result in results:
        first, machine, load, versions = head_lines(result)
        if not lines:
            lines += [f"{machine}; {versions}.", ""]
        lines.append(f"- {first}; {load}")
    reasons = {f"{name} skipped: {reason}" for each in results for name, reason in each.skipped.items()}
    return [*lines, *(f"- {reason}" for reason in sorted(reasons))]
