"""Totals and results → tables for people, and JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitoring.tester.model import Result, State
from monitoring.tester.totals import Total

_STYLES: Final = {State.ROWS: "green", State.SILENT: "green", State.EMPTY: "yellow", State.ERROR: "red"}
_WIDTH: Final = 150


def show_totals(totals: Sequence[Total], console: Console) -> None:
    """Print the numbers at both ends."""
    table = _table("items", "back end", "sent", "found", "result")
    for one in totals:
        result = Text("equal", "green") if one.is_equal else Text("DIFFERENT", "red")
        table.add_row(one.what, one.back_end, f"{one.sent:,.10g}", f"{one.found:,.10g}", result)
    _wide(console).print(table)


def show_results(results: Sequence[Result], console: Console) -> None:
    """Print one line for each check, in groups."""
    table = _table("dashboard or file", "panel, variable or rule", "check", "rows", "result")
    group = ""
    for one in results:
        shown = one.check.group if one.check.group != group else ""
        group = one.check.group
        rows = str(one.outcome.rows) if one.outcome.rows else "-"
        table.add_row(shown, one.check.item, one.check.part, rows, _result(one))
    _wide(console).print(table)


def failures(results: Sequence[Result]) -> Iterator[str]:
    """Yield a sentence for each failed check, with its query and the reason."""
    for one in results:
        if not one.outcome.state.is_good:
            named = f"{one.check.group} / {one.check.item} / {one.check.part}"
            reason = one.outcome.detail or ("still empty after the provocations" if one.first else "no data")
            query = f"\n    {one.check.kind}: {' '.join(one.check.text.split())}" if one.check.text else ""
            yield f"{named}: {one.outcome.state.value}: {reason}{query}"


def summary(totals: Sequence[Total], results: Sequence[Result], seconds: float) -> str:
    """Return the summary in one line."""
    states = Counter(one.outcome.state for one in results)
    provoked = sum(bool(one.first) and one.outcome.state.is_good for one in results)
    different = sum(not one.is_equal for one in totals)
    parts = [f"{len(results)} checks", f"{states[State.ROWS]} with data", f"{states[State.SILENT]} silent rules"]
    parts += [f"{provoked} after a provocation", f"{states[State.EMPTY]} empty", f"{states[State.ERROR]} errors"]
    if totals:
        parts.append(f"{len(totals) - different} of {len(totals)} totals equal")
    return f"{', '.join(parts)}, in {seconds:.0f} s"


def as_json(totals: Sequence[Total], results: Sequence[Result], seconds: float) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "seconds": round(seconds, 1),
        "passed": is_passed(totals, results),
        "totals": [
            {"items": one.what, "back_end": one.back_end, "sent": one.sent, "found": one.found} for one in totals
        ],
        "checks": [_row(one) for one in results],
    }


def is_passed(totals: Sequence[Total], results: Sequence[Result]) -> bool:
    """Return whether all totals are equal and all checks good."""
    return all(one.is_equal for one in totals) and all(one.outcome.state.is_good for one in results)


def _row(result: Result) -> dict[str, Any]:
    check, outcome = result.check, result.outcome
    return {
        "group": check.group,
        "item": check.item,
        "part": check.part,
        "kind": check.kind,
        "query": check.text,
        "state": outcome.state.value,
        "rows": outcome.rows,
        "detail": outcome.detail,
        "excuse": check.excuse,
        "provoked": result.first is not None,
    }


def _result(result: Result) -> Text:
    state = result.outcome.state
    text = state.value if state.is_good else state.value.upper()
    if result.first is not None and state.is_good:
        text += ", provoked"
    return Text(text, _STYLES[state])


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in {"rows", "sent", "found"} else "left")
    return table


def _wide(console: Console) -> Console:
    """Return a console that does not cut columns when the output is a file."""
    return Console(file=console.file, width=max(console.width, _WIDTH)) if not console.is_terminal else console
