"""Metric points → table for the terminal: value or count, sum, mean, estimated quantiles, exemplar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from flext_observability.views.model import MetricView
from flext_observability.views.quantiles import quantile
from flext_observability.views.terminal.attributes import format_all
from flext_observability.views.terminal.rows import ServiceColours
from flext_observability.views.text import format_count, format_quantity, sanitize

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_MIN_LEFT_WIDTH = 40  # columns for names and attributes; below this width columns of numbers are dropped
COLUMN_DROP_ORDER = ("sum", "exemplar", "p50", "mean", "p95")


def _value(row: MetricView) -> str:
    return f"{row.count:,} ×" if row.kind == "histogram" else format_quantity(row.value or 0, row.unit)


def _sum(row: MetricView) -> str:
    return format_quantity(row.sum, row.unit) if row.kind == "histogram" else ""


def _mean(row: MetricView) -> str:
    return format_quantity(row.sum / row.count, row.unit) if row.count else ""


def _estimate(row: MetricView, q: float) -> str:
    estimate = quantile(row, q)
    return "" if estimate is None else format_quantity(estimate, row.unit)


def _exemplar(row: MetricView) -> str:
    return next((sanitize(exemplar.trace_id[:8]) for exemplar in reversed(row.exemplars) if exemplar.trace_id), "")


_COLUMNS: dict[str, Callable[[MetricView], str]] = {
    "value / count": _value,
    "sum": _sum,
    "mean": _mean,
    "p50": partial(_estimate, q=0.5),
    "p95": partial(_estimate, q=0.95),
    "exemplar": _exemplar,
}


def metrics_table(
    rows: Sequence[MetricView], *, colours: ServiceColours | None = None, max_rows: int = 80
) -> MetricsTable:
    """Return a table of metric points by service, name and attributes.

    Args:
        rows: Points, one per series.
        colours: Colours of services; new ones by default.
        max_rows: Maximum number of points. A last line counts the others.

    Returns:
        A renderable without empty columns and without those that do not fit.
    """
    ranked = sorted(rows, key=lambda row: (row.service, row.name, format_all(row.attributes)))
    return MetricsTable(tuple(ranked[:max_rows]), max(len(ranked) - max_rows, 0), colours or ServiceColours())


@dataclass(frozen=True, slots=True)
class MetricsTable:
    """Table of metric points.

    Attributes:
        rows: Points in their order.
        hidden: Number of further points.
        colours: Colours of services.
    """

    rows: tuple[MetricView, ...]
    hidden: int
    colours: ServiceColours

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for the available width."""
        cells = {title: [text(row) for row in self.rows] for title, text in _COLUMNS.items()}
        widths = {title: max(map(len, (title, *texts))) for title, texts in cells.items() if any(texts)}
        for title in COLUMN_DROP_ORDER:
            if options.max_width - sum(widths.values()) - 2 * len(widths) < _MIN_LEFT_WIDTH:
                widths.pop(title, None)
        left = max(options.max_width - sum(widths.values()) - 2 * len(widths), 1)
        for label, numbers in self._lines(cells, widths):
            label.truncate(left, overflow="ellipsis", pad=bool(numbers.strip()))
            yield label.append(numbers.rstrip())

    def _lines(self, cells: dict[str, list[str]], widths: dict[str, int]) -> Iterator[tuple[Text, str]]:
        yield _left("Metrics", "bold"), "".join(f"  {title:>{width}}" for title, width in widths.items())
        index = 0
        for service, of_service in groupby(self.rows, key=lambda row: row.service):
            yield _left(sanitize(service, 40), f"bold {self.colours.of(service)}"), ""
            for _, group in groupby(of_service, key=lambda row: row.name):
                points = list(group)
                labels = _labels(points)
                single = len(points) == 1 and not points[0].attributes
                if not single:
                    yield _name(points[0]), ""
                for point, label in zip(points, labels, strict=True):
                    numbers = "".join(f"  {cells[title][index]:>{width}}" for title, width in widths.items())
                    yield _name(point) if single else _left("    " + label, ""), numbers
                    index += 1
        if self.hidden:
            yield _left(f"… {format_count(self.hidden, 'more row')}", "dim italic"), ""


def _labels(points: Sequence[MetricView]) -> list[str]:
    """Return the attributes of the points of one metric. Equal ones get the instance of their sender."""
    labels = [format_all(point.attributes) or "-" for point in points]
    return [
        f"{label}  instance={sanitize(str(point.resource.get('service.instance.id'))[-8:])}"
        if labels.count(label) > 1
        else label
        for point, label in zip(points, labels, strict=True)
    ]


def _left(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True)


def _name(row: MetricView) -> Text:
    unit = "" if row.unit in ("", "1") else " " + sanitize(row.unit.strip("{}"), 16)
    return _left("  " + sanitize(row.name, 80), "").append(f"  {row.kind.replace('_', '-')}{unit}", "dim")
