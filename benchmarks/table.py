"""Results → text: a table for terminals, and the Markdown of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.goals import GOALS, Goal
from benchmarks.machine import quiet
from benchmarks.paced import Outcome
from benchmarks.promises import Promise
from benchmarks.readings import Reading
from benchmarks.run import Result


def terminal(result: Result) -> str:
    """Return head and table of one result, and its skipped and failed cases."""
    rows = [["goal", "what", "against", "floor", "stretch", "reached", "median", "met", "ours", "theirs"]]
    rows += [_row(each, result.head["engine"]) for each in result.readings]
    lines = [*head_lines(result), "", *_aligned(rows), ""]
    notes = [f"{each.key}: {each.note}" for each in result.readings if each.note]
    lines += [*notes, *(f"{name}: skipped: {reason}" for name, reason in result.skipped.items())]
    lines += [f"{name}: FAILED\n{output}" for name, output in result.failed.items()]
    return "\n".join(lines)


def head_lines(result: Result) -> list[str]:
    """Return machine, versions and load."""
    head = result.head
    machine = head["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in head["versions"].items())
    state = "" if quiet(head) else "; provisional, as other programs ran at the same time"
    return [
        f"CPython {head['python']}, engine {head['engine']}, commit {head['revision'] or 'unknown'}, {head['date']}",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}",
        f"load average {head['load'][0]} at the beginning, {head['load'][1]} at the end{state}",
        versions,
    ]


def verdict(reading: Reading, engine: str) -> str:
    """Return whether the goal is met; ``–`` for goals that concern the other engine."""
    goal = reading.goal
    return "–" if engine == "sdk" and goal.lean_only else goal.verdict(reading.value)


def markdown(results: Sequence[Result]) -> str:
    """Return one table over all results: a line for each goal, a column for each interpreter and engine."""
    columns = [f"{_minor(each)} {each.head['engine']}" for each in results]
    lines = [_line(["goal", "what", "against", "floor", "stretch", *columns])]
    lines.append("|---|---|---|---:|---:|" + "---:|" * len(columns))
    for goal in GOALS:
        cells = [_cell(goal, each) for each in results]
        bounds = [goal.bound(goal.floor), goal.bound(goal.stretch)]
        lines.append(_line([goal.key, goal.what, goal.against, *bounds, *cells]))
    return "\n".join(lines)


def paced_markdown(outcomes: Iterable[Outcome]) -> str:
    """Return the table of paced programs."""
    names = ["side", "rate", "asked", "made", "received", "lost", "lost by reason", "CPU, s", "other threads, s", "MB"]
    lines = [_line(names), "|---|" + "---:|" * 5 + "---|" + "---:|" * 3]
    for each in outcomes:
        reasons = ", ".join(f"{count} {reason}" for reason, count in each.lost.items())
        counts = [f"{each.rate}", f"{each.asked}", f"{each.made}", f"{each.received}", f"{each.missing}"]
        costs = [f"{each.cpu_seconds:.1f}", f"{each.cpu_other_threads:.1f}", f"{each.peak_mb:.0f}"]
        lines.append(_line([each.side, *counts, reasons or ("none" if each.side == "ours" else "not counted"), *costs]))
    return "\n".join(lines)


def promises_markdown(promises: Iterable[Promise]) -> str:
    """Return the table of promised costs."""
    rows = [_line([each.name, each.measured, each.goal, each.promised]) for each in promises]
    return "\n".join([_line(["operation", "measured", "goal", "promised"]), "|---|---:|---|---|", *rows])


def _cell(goal: Goal, result: Result) -> str:
    found = [each for each in result.readings if each.key == goal.key]
    if not found:
        return "skipped" if any(name.split("-")[0] == goal.key.split()[0] for name in result.skipped) else ""
    value = goal.show(found[0].value)
    return value if verdict(found[0], result.head["engine"]) != "no" else f"**{value}**"


def _row(reading: Reading, engine: str) -> list[str]:
    goal = reading.goal
    bounds = [goal.bound(goal.floor), goal.bound(goal.stretch)]
    values = [goal.show(reading.value), goal.show(reading.median), verdict(reading, engine)]
    costs = [f"{cost:.2f} {reading.unit}".strip() for cost in (reading.ours, reading.theirs)]
    return [reading.key, goal.what.replace("`", ""), goal.against.replace("`", ""), *bounds, *values, *costs]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _minor(result: Result) -> str:
    return ".".join(result.head["python"].split(".")[:2])
