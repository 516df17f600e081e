"""Spans, log records, metrics → readable trees, lines and a last table on stderr."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExportOutcome, SignalExporter
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.owner import current_runtime

if TYPE_CHECKING:
    from collections.abc import Hashable

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.views.model import MetricView
    from flext_observability.views.terminal.live import LiveView


@final
class Board:
    """What the console exporters of one configuration share: one view on stderr, and the latest metric points.

    Metrics are drawn once, when the last of the exporters closes: a table every minute would hide what a person reads.
    """

    def __init__(self, grafana_url: str) -> None:
        self._grafana_url = grafana_url
        self._lock = ForkSafeLock()
        self._open = 0
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._view: LiveView | None = None
        self._points: dict[Hashable, MetricView] = {}

    def _is_inherited(self) -> bool:
        """Whether this is the copy in a forked child: what it has gathered is the parent's to draw."""
        return self._pid != os.getpid()

    def opened(self) -> None:
        """Count one exporter more."""
        with self._lock:
            if self._is_inherited():
                self._begin()
                self._open = 0  # the parent's exporters are not closed here
            self._open += 1

    def view(self) -> LiveView:
        """Return the view, made at the first use in this process."""
        from flext_observability.views.links import grafana_trace_link
        from flext_observability.views.terminal.live import LiveView, Pace
        from flext_observability.views.terminal.output import Terminal

        with self._lock:
            if self._is_inherited():
                self._begin()
            if self._view is None:
                self._view = LiveView(
                    Terminal(), Pace(local_roots=True), link=lambda trace: grafana_trace_link(self._grafana_url, trace)
                )
            return self._view

    def add_spans(self, batch: Sequence[object]) -> tuple[int, str]:
        """Take ``ReadableSpan`` items; return how many, and why drawing failed."""
        from flext_observability.views.from_sdk import span_view

        return len(batch), self.view().add(spans=map(span_view, cast("Sequence[ReadableSpan]", batch)))

    def add_logs(self, batch: Sequence[object]) -> tuple[int, str]:
        """Take ``ReadableLogRecord`` items; return how many, and why drawing failed."""
        from flext_observability.views.from_sdk import log_view

        return len(batch), self.view().add(logs=map(log_view, cast("Sequence[ReadableLogRecord]", batch)))

    def add_metrics(self, batch: Sequence[object]) -> tuple[int, str]:
        """Take ``MetricsData`` items; return how many data points they hold, and why drawing failed."""
        from flext_observability.views.from_sdk import metric_views
        from flext_observability.views.series import merge, series_key

        failure = self.view().add()
        points = [point for data in cast("Sequence[MetricsData]", batch) for point in metric_views(data)]
        with self._lock:
            for point in points:
                key = series_key(point)
                self._points[key] = merge(self._points.get(key), point)
        return len(points), failure

    def closed(self) -> None:
        """Count one exporter less; with the last one, draw all that is left and the metrics."""
        with self._lock:
            self._open -= 1
            if self._open or self._view is None or self._is_inherited():
                return
            view, points = self._view, list(self._points.values())
            self._view, self._points = None, {}
        view.close()
        if points:
            from flext_observability.views.terminal.tables import metrics_table

            view.show(metrics_table(points, colours=view.colours))


@final
class ConsoleExporter:
    """Draws one signal on the board that it shares with the others."""

    def __init__(self, signal: Signal, board: Board) -> None:
        self._board = board
        self._add = {"traces": board.add_spans, "metrics": board.add_metrics, "logs": board.add_logs}[signal]
        board.opened()

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Take the batch; trees are drawn when they are whole, so a failure may be reported with the batch that follows."""
        count, failure = self._add(batch)
        if not failure:
            return ExportOutcome(accepted=count)
        return ExportOutcome(
            reason="error",
            message=f"stderr cannot be written ({failure})",
            fix='Give the program a stderr that can be written to, or take "console" out of its exporters',
        )

    def close(self) -> None:
        """Draw what is left, once the exporters of the other signals are closed too."""
        self._board.closed()


@final
class ConsoleExporterFactory:
    """Makes the console exporters; those of one configuration share a board."""

    __slots__ = ()

    def signals(self) -> Collection[Signal]:
        """Return all three signals."""
        return SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object]:
        """Return an exporter of the signal."""
        latest = current_runtime().get(_Latest)
        if latest.board is None or latest.config != config:
            latest.config, latest.board = config, Board(config.grafana_url)
        return ConsoleExporter(signal, latest.board)


class _Latest:
    """The board of the configuration that was started last."""

    config: FlextObservabilityConfig | None = None
    board: Board | None = None


factory: Final = ConsoleExporterFactory()
