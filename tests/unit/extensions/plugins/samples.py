"""Plug-ins for tests: they record, block, or call a given function."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from flext_observability import FlextMetric, FlextObservabilityPlugin, FlextTrace
from flext_observability.extensions.plugins.active_plugin import PluginStatus, to_active
from flext_observability.extensions.plugins.hooks import Hooks

METRIC = FlextMetric(name="plugin.metric", value=1)


class Recording(FlextObservabilityPlugin):
    """Records every metric and every trace."""

    def __init__(self, order: int = 0) -> None:
        self.order = order
        self.metrics: list[FlextMetric] = []
        self.traces: list[tuple[str, FlextTrace]] = []

    def on_metric_created(self, metric: FlextMetric) -> None:
        self.metrics.append(metric)

    def on_trace_started(self, trace: FlextTrace) -> None:
        self.traces.append(("started", trace))

    def on_trace_completed(self, trace: FlextTrace) -> None:
        self.traces.append(("completed", trace))


class Calling(FlextObservabilityPlugin):
    """Calls a function with each metric."""

    def __init__(self, function: Callable[[FlextMetric], Any]) -> None:
        self.function = function

    def on_metric_created(self, metric: FlextMetric) -> Any:
        return self.function(metric)


class Blocking(FlextObservabilityPlugin):
    """Blocks in its hook until ``release`` is set."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()

    def on_metric_created(self, metric: FlextMetric) -> None:
        self.entered.set()
        self.release.wait(30)


def add(hooks: Hooks, **plugins: FlextObservabilityPlugin) -> None:
    """Activate plug-ins as ``register_plugin`` does."""
    for name, plugin in plugins.items():
        hooks.add(to_active(name, plugin, from_settings=False).unwrap())


def flush(hooks: Hooks, seconds: float = 10) -> bool:
    """Wait for the queued calls; return whether they completed in time."""
    return hooks.flush(monotonic() + seconds)


def status(hooks: Hooks, name: str) -> PluginStatus:
    """Return the counts of one plug-in."""
    return next(each for each in hooks.status() if each.name == name)
