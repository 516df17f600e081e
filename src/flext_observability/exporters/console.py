"""Spans, log records and metrics → trace trees, log lines and a final table on stderr."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast, final

from flext_observability.domain.report import Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.otlp.batch import count_items

if TYPE_CHECKING:
    from collections.abc import Hashable

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.views.model import MetricView
    from flext_observability.views.terminal.live import LiveView


ItemT = TypeVar("ItemT")
ViewT = TypeVar("ViewT")

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

    def add(self, signal: Signal, batch: Sequence[object]) -> ExportOutcome:
        """Add a batch. An item that cannot be shown is rejected alone."""
        from flext_observability.views.from_sdk import log_view, metric_views, span_view

        if signal == "traces":
            spans, invalid = _convert(span_view, cast("Sequence[ReadableSpan]", batch))
            failure = self.view().add(spans=spans)
            return _outcome(len(spans), len(invalid), failure, invalid)
        if signal == "logs":
            logs, invalid = _convert(log_view, cast("Sequence[ReadableLogRecord]", batch))
            failure = self.view().add(logs=logs)
            return _outcome(len(logs), len(invalid), failure, invalid)
        collections, invalid = _convert(lambda data: list(metric_views(data)), cast("Sequence[MetricsData]", batch))
        points = [point for collection in collections for point in collection]
        self._add_points(points)
        rejected = count_items("metrics", batch) - len(points)
        return _outcome(len(points), rejected, self.view().add(), invalid)

    def _add_points(self, points: Sequence[MetricView]) -> None:
        from flext_observability.views.series import merge, series_key

        with self._lock:
            for point in points:
                key = series_key(point)
                self._points[key] = merge(self._points.get(key), point)

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


def _convert(make: Callable[[ItemT], ViewT], batch: Iterable[ItemT]) -> tuple[list[ViewT], list[str]]:
    """Return the views of the items, and what the conversion of the others raised."""
    views: list[ViewT] = []
    errors: list[str] = []
    for item in batch:
        try:
            views.append(make(item))
        except BaseException as error:  # noqa: BLE001 - values of any type; it concerns one item only
            reraise_interrupt(error)
            errors.append(describe_error(error))
    return views, errors


def _outcome(accepted: int, rejected: int, failure: str, invalid: Sequence[str]) -> ExportOutcome:
    if failure:
        return ExportOutcome(
            reason="error",
            message=f"stderr cannot be written ({failure})",
            fix='Give the program a writable stderr, or remove "console" from its exporters',
        )
    if invalid:
        return ExportOutcome(
            accepted=accepted,
            rejected=rejected,
            reason="encoding",
            message=f"some items cannot be shown ({invalid[-1]})",
            fix="Use values of the types that OpenTelemetry's API declares",
        )
    return ExportOutcome(accepted=accepted)


@final
class ConsoleExporter:
    """Shows one signal on the console shared with the other signals."""

    reads_plain_points: ClassVar = True
    is_local: ClassVar = True

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
        return self._console.add(self._signal, batch)

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
