"""Spans and log records as they arrive → trees on a terminal while the viewer runs, and a table of metrics at its end."""

from __future__ import annotations

from rich.text import Text

from flext_observability.viewer.store import Store
from flext_observability.views.model import LogView, SpanView
from flext_observability.views.terminal.live import LiveView, Pace
from flext_observability.views.terminal.output import Terminal
from flext_observability.views.terminal.tables import metrics_table
from flext_observability.views.text import format_count

# Services send on their own clocks: a trace is left alone for a moment, so that it is drawn once.
PACE = Pace(settle_seconds=0.3, patience_seconds=5.0)


class Screen:
    """What the viewer shows.

    Args:
        terminal: Where to draw.
        store: Where whole traces are found.
        quiet: Draw nothing but the first and the last lines.
        pace: When to draw.
    """

    def __init__(self, terminal: Terminal, store: Store, *, quiet: bool = False, pace: Pace = PACE) -> None:
        self._store = store
        self._quiet = quiet
        self._view = LiveView(terminal, pace, whole=store.trace)

    def welcome(self, address: str) -> None:
        """Say where the viewer listens."""
        self._view.show(
            Text.assemble(
                ("Viewer ", "bold"), "listens on ", (address, "bold cyan"), " (OTLP over HTTP, protobuf or JSON)"
            ),
            Text(f"Point programs at it: OTEL_EXPORTER_OTLP_ENDPOINT={address}", "dim"),
            Text(f"Read it back: {address}/api/summary · Ctrl-C ends with a table of metrics", "dim"),
        )

    def arrived(self, spans: list[SpanView], logs: list[LogView]) -> None:
        """Draw what is due now, or later."""
        if not self._quiet:
            self._view.add(spans, logs)

    def goodbye(self) -> None:
        """Draw what is left, the metrics, and what has been received."""
        self._view.close()
        points = self._store.metrics()
        if points:
            self._view.show(metrics_table(points, colours=self._view.colours))
        summary = self._store.summary()
        services = len(self._store.services())
        counts = [
            format_count(summary.received["spans"], "span"),
            format_count(summary.received["logs"], "log record"),
            format_count(summary.received["points"], "data point"),
        ]
        self._view.show(Text(f"Received {', '.join(counts)} from {format_count(services, 'service')}.", "dim"))
