"""Terminal output of the viewer: trees while it runs, a table of metrics at its end."""

from __future__ import annotations

from rich.text import Text

from flext_observability.viewer.store import Store
from flext_observability.views.model import LogView, SpanView
from flext_observability.views.terminal.live import LiveView, RenderPolicy
from flext_observability.views.terminal.output import Terminal
from flext_observability.views.terminal.tables import metrics_table
from flext_observability.views.text import format_count

# Services export at different times: the idle time lets a trace be drawn once.
POLICY = RenderPolicy(idle_seconds=0.3, timeout_seconds=5.0)


class Screen:
    """Terminal output of the viewer.

    Args:
        terminal: Output.
        store: Source of traces and metrics.
        quiet: Whether to draw only the banner and the summary.
        policy: When to draw traces.
    """

    def __init__(self, terminal: Terminal, store: Store, *, quiet: bool = False, policy: RenderPolicy = POLICY) -> None:
        self._store = store
        self._quiet = quiet
        self._view = LiveView(terminal, policy, find_trace=store.trace)

    def banner(self, address: str) -> None:
        """Show the address of the viewer."""
        self._view.show(
            Text.assemble(
                ("Viewer ", "bold"), "listens on ", (address, "bold cyan"), " (OTLP over HTTP, protobuf or JSON)"
            ),
            Text(f"Point programs at it: OTEL_EXPORTER_OTLP_ENDPOINT={address}", "dim"),
            Text(f"Read it back: {address}/api/summary · Ctrl-C ends with a table of metrics", "dim"),
        )

    def on_data(self, spans: list[SpanView], logs: list[LogView]) -> None:
        """Draw received spans and log records, unless quiet."""
        if not self._quiet:
            self._view.add(spans, logs)

    def summary(self) -> None:
        """Draw the pending traces, the metrics and the totals."""
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
