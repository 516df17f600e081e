"""Print the run of the shop: progress, traces, metrics, sales and links."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from examples.shop.findings import Findings
from examples.shop.links import page
from examples.shop.receivers import Receiver
from examples.shop.traffic import Sold
from flext_observability.views.terminal.output import Terminal
from flext_observability.views.terminal.rows import ServiceColours
from flext_observability.views.terminal.tables import metrics_table
from flext_observability.views.terminal.tree import trace_tree

_PICTURE_COLUMNS = 120
_SHOWN_METRICS = ("shop", "flext.function", "flext_function")


class Screen:
    """Writer to standard output, with colours and a progress bar on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._terminal = Terminal(sys.stdout)
        self._is_interactive = sys.stdout.isatty() and not os.environ.get("CI")

    def print_line(self, line: str) -> None:
        """Print a line."""
        self._terminal.show(Text(line))

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[Sold], None]]:
        """Show the number of served customers: a bar on a terminal, some lines elsewhere."""
        if not self._is_interactive:
            yield self._lines(total)
            return
        columns = (
            TextColumn("Customers"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[outcome]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(file=sys.stdout)) as bar:
            task = bar.add_task("", total=total, outcome="")
            yield lambda so_far: bar.update(task, completed=so_far.requests, outcome=_outcome(so_far))

    def _lines(self, total: int) -> Callable[[Sold], None]:
        quarters = {total * part // 4 for part in (1, 2, 3, 4)}

        def report(so_far: Sold) -> None:
            if so_far.requests in quarters:
                self.print_line(f"Customers {so_far.requests}/{total}: {_outcome(so_far)}")

        return report

    def show(self, receiver: Receiver, sold: Sold, findings: Findings) -> None:
        """Print the traces, metrics, sales and links."""
        colours = ServiceColours()
        self._terminal.show(*_checkouts(receiver, sold, findings, colours))
        self._terminal.show(*_metrics(receiver, findings, colours), *_sales(sold))
        if receiver.links:
            self._terminal.show(*_heading("Links"))
            for name, template in receiver.links.items():
                self._write_link(name, page(template, sold.failed_trace))
        self.print_line("")

    def _write_link(self, name: str, address: str) -> None:
        """Print an address without wrapping it at the width of the terminal."""
        sys.stdout.write(f"  {name:<13} {address}\n")


def draw_picture(file: Path, receiver: Receiver, sold: Sold, findings: Findings) -> None:
    """Write the checkouts and the sales as an SVG, for the README."""
    console = Console(
        record=True, width=_PICTURE_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for drawing in (*_checkouts(receiver, sold, findings, ServiceColours()), *_sales(sold)):
        console.print(drawing, highlight=False)
    svg = console.export_svg(title="make demo", unique_id="demo")
    # Fonts of another server are removed. Any monospace font is good enough.
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


def _checkouts(receiver: Receiver, sold: Sold, findings: Findings, colours: ServiceColours) -> Iterator[RenderableType]:
    for title, trace, trace_id in (
        ("A successful checkout", findings.good, sold.good_trace),
        ("A checkout with a declined card", findings.failed, sold.failed_trace),
    ):
        yield from _heading(title)
        if trace.spans:
            yield trace_tree(trace, colours=colours, link=_link(receiver, trace_id))
        else:
            yield Text(f"  trace {trace_id}: see the back end of {receiver.description}")


def _metrics(receiver: Receiver, findings: Findings, colours: ServiceColours) -> Iterator[RenderableType]:
    yield Text("")
    shown = [row for row in findings.metrics if row.name.startswith(_SHOWN_METRICS)]
    if shown:
        yield metrics_table(shown, colours=colours)
        yield Text(
            f"  {len(findings.metrics) - len(shown)} more series: requests, processes, health, telemetry, this machine."
        )
    else:
        yield Text(f"Metrics: see shop.* in the back end of {receiver.description}")


def _sales(sold: Sold) -> Iterator[RenderableType]:
    yield from _heading("Sold")
    total = f"{sold.requests} checkouts: {sold.sold.total()} sold for {sold.revenue:,.2f} EUR"
    yield Text(f"  {total}, {sold.declined.total()} declined, {sold.slow} slow")
    yield Text("  " + ", ".join(f"{count} × {product}" for product, count in sorted(sold.sold.items())))


def _heading(title: str) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(title, "bold underline")


def _outcome(so_far: Sold) -> str:
    return f"{so_far.sold.total()} sold, {so_far.declined.total()} declined"


def _link(receiver: Receiver, trace_id: str) -> str:
    return page(receiver.links.get("Jaeger", ""), trace_id)
