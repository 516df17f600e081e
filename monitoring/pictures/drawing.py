"""Panels with data → SVG in the layout of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from monitoring.pictures.data import Panel, Series
from monitoring.pictures.values import shown

_COLUMN: Final = 52
_ROW: Final = 30
_GAP: Final = 6
_COLORS: Final = ("#3274d9", "#56a64b", "#ff780a", "#e02f44", "#8f3bb8", "#e5ac0e", "#0f9bb0", "#a352cc")
_LEGEND_LINES: Final = 4
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#24292e}.title{font-weight:600;font-size:13px}"
    ".small{font-size:10.5px;fill:#57606a}.big{font-size:26px;font-weight:600}.row{font-size:15px;font-weight:600}"
)


def svg(title: str, panels: Sequence[Panel]) -> str:
    """Return the picture of a dashboard."""
    height = 60 + max(panel.place["y"] + panel.place["h"] for panel in panels) * _ROW
    width = 24 * _COLUMN + 2 * _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<style>{_STYLE}</style><rect width='100%' height='100%' fill='#f4f5f5'/>"
        f'<text x="12" y="26" class="row">{escape(title)}</text>'
        f'<text x="12" y="44" class="small">Drawn from the queries of the dashboard and the data of a real Prometheus. '
        f"Not a screenshot of Grafana.</text>"
    )
    return "\n".join([head, *(_panel(panel) for panel in panels), "</svg>\n"])


def _panel(panel: Panel) -> str:
    x, y = panel.place["x"] * _COLUMN + _GAP, 54 + panel.place["y"] * _ROW
    if panel.kind == "row":
        return f'<text x="{x + 6}" y="{y + 20}" class="row">{escape(panel.title)}</text>'
    width, height = panel.place["w"] * _COLUMN - _GAP, panel.place["h"] * _ROW - _GAP
    frame = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fff" stroke="#d8d9da" rx="3"/>'
    heading = f'<text x="{x + 10}" y="{y + 20}" class="title">{escape(panel.title)}</text>'
    inner = (x + 10, y + 30, width - 20, height - 40)
    return "\n".join([frame, heading, *_content(panel, inner)])


def _content(panel: Panel, box: tuple[int, int, int, int]) -> Iterator[str]:
    x, y, _, _ = box
    if panel.other_source:
        yield f'<text x="{x}" y="{y + 16}" class="small">shown by another data source</text>'
    elif not any(panel.series):
        yield f'<text x="{x}" y="{y + 16}" class="small">no data</text>'
    elif panel.kind == "stat":
        last = panel.series[0][0].points[-1][1] if panel.series[0][0].points else 0.0
        yield f'<text x="{x}" y="{y + 40}" class="big">{escape(shown(last, panel.unit))}</text>'
    elif panel.kind == "table":
        yield from _table(panel, box)
    else:
        yield from _lines([one for query in panel.series for one in query if one.points], panel.unit, box)


def _table(panel: Panel, box: tuple[int, int, int, int]) -> Iterator[str]:
    x, y, width, height = box
    rows: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for number, query in enumerate(panel.series):
        field = "Value" if len(panel.series) == 1 else f"Value #{'ABCDEFGH'[number]}"
        for one in query:
            rows.setdefault(tuple(sorted(one.labels.items())), {})[field] = one.points[-1][1] if one.points else 0.0
    step = width / max(len(panel.columns), 1)
    for place, title in enumerate(panel.columns.values()):
        yield f'<text x="{x + place * step:.0f}" y="{y + 14}" class="small">{escape(title)}</text>'
    for line, (labels, numbers) in enumerate(list(rows.items())[: (height - 20) // 20], start=1):
        for place, field in enumerate(panel.columns):
            text = dict(labels).get(field) or (shown(numbers[field], "") if field in numbers else "")
            yield f'<text x="{x + place * step:.0f}" y="{y + 14 + line * 20}">{escape(text)}</text>'


def _lines(series: Sequence[Series], unit: str, box: tuple[int, int, int, int]) -> Iterator[str]:
    x, y, width, height = box
    legend = min(len(series), _LEGEND_LINES)
    bottom = y + height - legend * 14 - 4
    top, left = y + 4, x + 64
    most = max((value for one in series for _, value in one.points), default=0.0) or 1.0
    first = min(time for one in series for time, _ in one.points)
    for share in (0.0, 0.5, 1.0):
        level = bottom - share * (bottom - top)
        yield f'<line x1="{left}" x2="{x + width}" y1="{level:.0f}" y2="{level:.0f}" stroke="#e4e5e6"/>'
        yield f'<text x="{x}" y="{level + 4:.0f}" class="small">{escape(shown(most * share, unit))}</text>'
    across = (x + width - left) / (abs(first) or 1.0)
    for number, one in enumerate(series):
        color = _COLORS[number % len(_COLORS)]
        points = " ".join(
            f"{left + (time - first) * across:.1f},{bottom - max(value, 0) / most * (bottom - top):.1f}"
            for time, value in one.points
        )
        yield f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        if number < legend:
            line = bottom + 16 + number * 14
            yield f'<rect x="{left}" y="{line - 8}" width="10" height="3" fill="{color}"/>'
            yield f'<text x="{left + 16}" y="{line - 3}" class="small">{escape(one.name[:90])}</text>'
