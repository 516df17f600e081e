"""Results → SVG: a line for each ratio, with the floor, the stretch value and a point for each Python version."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from benchmarks.goals import GOALS, Goal
from benchmarks.run import Result

_ROW: Final = 22
_LEFT: Final = 350
_WIDTH: Final = 860
_TOP: Final = 64
_RIGHT: Final = 24
_TICKS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_COLOURS: Final = ("#2563eb", "#d97706", "#059669")
_STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.grid { stroke: #d0d7de; stroke-width: 1 }
.one { stroke: #57606a; stroke-width: 1 }
.floor { stroke: #cf222e; stroke-width: 2 }
.stretch { stroke: #cf222e; stroke-width: 1; stroke-dasharray: 2 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #c9d1d9 }
  .grid { stroke: #30363d }
  .one { stroke: #8b949e }
}
"""


def svg(results: Sequence[Result]) -> str:
    """Return the picture of the results with the engine on."""
    shown = [each for each in results if each.head["engine"] == "lean"]
    goals = [goal for goal in GOALS if goal.unit == "×"]
    height = _TOP + _ROW * len(goals) + 16
    title = "How many times less each operation costs than the same operation of the other side"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">',
        f"<style>{_STYLE}</style>",
        f'<text x="8" y="18" style="font-weight: 600">{title}</text>',
        *_legend(shown),
        *_axis(height),
    ]
    for row, goal in enumerate(goals):
        lines += _row(goal, _TOP + _ROW * row + 16, shown)
    return "\n".join([*lines, "</svg>", ""])


def _legend(results: Sequence[Result]) -> Iterator[str]:
    x = 8
    for colour, result in zip(_COLOURS, results, strict=False):
        version = ".".join(result.head["python"].split(".")[:2])
        yield f'<circle cx="{x + 5}" cy="34" r="4" fill="{colour}"/><text x="{x + 14}" y="38">Python {version}</text>'
        x += 100
    yield f'<line x1="{x + 5}" x2="{x + 5}" y1="28" y2="40" class="floor"/><text x="{x + 14}" y="38">floor</text>'
    x += 56
    yield f'<line x1="{x + 5}" x2="{x + 5}" y1="28" y2="40" class="stretch"/><text x="{x + 14}" y="38">stretch</text>'


def _axis(height: int) -> Iterator[str]:
    for tick in _TICKS:
        x, kind = _x(tick), "one" if tick == 1 else "grid"
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - 12}" class="{kind}"/>'
        yield f'<text x="{x:.1f}" y="{_TOP - 6}" text-anchor="middle">{tick:g}×</text>'


def _row(goal: Goal, y: int, results: Sequence[Result]) -> Iterator[str]:
    name = f"{goal.key}: {goal.what}".replace("`", "")
    shortened = name if len(name) <= 52 else f"{name[:51]}…"
    title = escape(f"{name}, against {goal.against}".replace("`", ""))
    yield f'<text x="8" y="{y + 4}">{escape(shortened)}<title>{title}</title></text>'
    for bound, kind in ((goal.floor, "floor"), (goal.stretch, "stretch")):
        x = _x(_times(goal, bound))
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 8}" y2="{y + 8}" class="{kind}"/>'
    for colour, result in zip(_COLOURS, results, strict=False):
        for reading in result.readings:
            if reading.key == goal.key:
                title = f"Python {result.head['python']}: {goal.show(reading.value)}"
                x = _x(_times(goal, reading.value))
                yield f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{colour}"><title>{title}</title></circle>'


def _times(goal: Goal, value: float) -> float:
    return 1 / max(value, 0.001) if goal.at_most else value


def _x(value: float) -> float:
    low, high = math.log10(_TICKS[0]), math.log10(_TICKS[-1])
    share = (math.log10(max(value, 0.001)) - low) / (high - low)
    return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)
