"""Spans, log records and metrics → trace trees, log lines and a final table on stderr."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.report import Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime

if TYPE_CHECKING:
    from collections.abc import Hashable

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.views.model import MetricView
    from flext_observability.views.terminal.live import LiveView


LOADED_MODULES: Final = (
    "flext_observability.views.from_sdk",
    "flext_observability.views.links",
    "flext_observability.views.series",
    "flext_observability.views.terminal.live",
    "flext_observability.views.terminal.output",
    "flext_observability.views.terminal.tables",
)


@final
class SharedConsole:
    """View on stderr and latest metric points, shared by the console exporters of one configuration.

    Metrics are shown once, when the last exporter closes: a table every minute would hide the traces.
    """

    def __init__(self, grafana_url: str) -> None:
        self._grafana_url = grafana_url
        self._lock = ForkSafeLock()
        self._open = 0
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._view: LiveView | None = None
        self._points: dict[Hashable, MetricView] = {}

    def _is_inherited(self) -> bool:
        """Return whether this is the copy in a forked child, whose items the parent shows."""
        return self._pid != os.getpid()

    def acquire(self) -> None:
        """Add an exporter."""
        with self._lock:
            if self._is_inherited():
                self._reset()
                self._open = 0  # the child does not close the exporters of its parent
            self._open += 1

    def view(self) -> LiveView:
        """Return the view, created on first use in this process."""
        from flext_observability.views.links import grafana_trace_link
        from flext_observability.views.terminal.live import LiveView, RenderPolicy
        from flext_observability.views.terminal.output import Terminal

        with self._lock:
            if self._is_inherited():
                self._reset()
            if self._view is None:
                self._view = LiveView(
                    Terminal(),
                    RenderPolicy(local_roots=True),
                    link=lambda trace: grafana_trace_link(self._grafana_url, trace),
                )
            return self._view

    def add(self, signal: Signal, batch: Sequence[object]) -> tuple[int, str]:
        """Add a batch; return the number of its items and the error of the output, empty without one."""
        from flext_observability.views.from_sdk import log_view, span_view

        if signal == "traces":
            return len(batch), self.view().add(spans=map(span_view, cast("Sequence[ReadableSpan]", batch)))
        if signal == "logs":
            return len(batch), self.view().add(logs=map(log_view, cast("Sequence[ReadableLogRecord]", batch)))
        return self._add_metrics(batch)

    def _add_metrics(self, batch: Sequence[object]) -> tuple[int, str]:
        from flext_observability.views.from_sdk import metric_views
        from flext_observability.views.series import merge, series_key

        failure = self.view().add()
        points = [point for data in cast("Sequence[MetricsData]", batch) for point in metric_views(data)]
        with self._lock:
            for point in points:
                key = series_key(point)
                self._points[key] = merge(self._points.get(key), point)
        return len(points), failure

    def release(self) -> None:
        """Remove an exporter; after the last one, show pending traces and the metrics."""
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
    """Shows one signal on the console shared with the other signals."""

    def __init__(self, signal: Signal, console: SharedConsole) -> None:
        self._signal: Signal = signal
        self._console = console
        console.acquire()

    def load_modules(self) -> None:
        """Import what drawing needs."""
        for module in LOADED_MODULES:
            import_module(module)

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Add the batch. Traces are shown when complete, so an error may be reported with a later batch."""
        count, failure = self._console.add(self._signal, batch)
        if not failure:
            return ExportOutcome(accepted=count)
        return ExportOutcome(
            reason="error",
            message=f"stderr cannot be written ({failure})",
            fix='Give the program a writable stderr, or remove "console" from its exporters',
        )

    def close(self) -> None:
        """Release the console; the last exporter shows the pending items."""
        self._console.release()


def create_exporter(signal: Signal, config: FlextObservabilityConfig) -> ConsoleExporter:
    """Return an exporter; those of one configuration share a console."""
    latest = current_runtime().get(_Latest)
    if latest.console is None or latest.config != config:
        latest.config, latest.console = config, SharedConsole(config.grafana_url)
    return ConsoleExporter(signal, latest.console)


class _Latest:
    """Console of the configuration that was started last."""

    config: FlextObservabilityConfig | None = None
    console: SharedConsole | None = None


factory: Final = BuiltInFactory(create_exporter)
