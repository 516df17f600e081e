"""Plug-ins for tests: they remember what they hear, raise, wait or answer as told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from flext_observability import FlextMetric, FlextObservabilityPlugin, FlextTrace
from flext_observability.extensions.plugins.hooks import Hooks
from flext_observability.extensions.plugins.registered_plugin import PluginStatus, listener_of

METRIC = FlextMetric(name="plugin.metric", value=1)


class Recording(FlextObservabilityPlugin):
    """Keeps every metric and every trace that it hears of."""

    def __init__(self, order: int = 0) -> None:
        self.order = order
        self.heard: list[FlextMetric] = []
        self.traces: list[tuple[str, FlextTrace]] = []

    def on_metric_created(self, metric: FlextMetric) -> None:
        self.heard.append(metric)

    def on_trace_started(self, trace: FlextTrace) -> None:
        self.traces.append(("started", trace))

    def on_trace_completed(self, trace: FlextTrace) -> None:
        self.traces.append(("completed", trace))


class Doing(FlextObservabilityPlugin):
    """Does as told with each metric."""

    def __init__(self, work: Callable[[FlextMetric], Any]) -> None:
        self.work = work

    def on_metric_created(self, metric: FlextMetric) -> Any:
        return self.work(metric)


class Holding(FlextObservabilityPlugin):
    """Holds the first metric until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()

    def on_metric_created(self, metric: FlextMetric) -> None:
        self.entered.set()
        self.release.wait(30)


def add(hooks: Hooks, **plugins: FlextObservabilityPlugin) -> None:
    """Take these plug-ins, as registered by hand."""
    for name, plugin in plugins.items():
        hooks.add(listener_of(name, plugin, by_hand=True).unwrap())


def flush(hooks: Hooks, seconds: float = 10) -> bool:
    """Wait until everything was told."""
    return hooks.flush(monotonic() + seconds)


def status(hooks: Hooks, name: str) -> PluginStatus:
    """Return the counts of one plug-in."""
    return next(each for each in hooks.status() if each.name == name)
