"""A plug-in that records entities on its own thread, and one that raises without affecting the other."""

from __future__ import annotations

import threading

from flext_observability import (
    FlextHealthCheck,
    FlextMetric,
    FlextObservabilityPlugin,
    FlextTrace,
    flext_create_health_check,
    flext_create_metric,
    init_observability,
    register_plugin,
)


class Diary(FlextObservabilityPlugin):
    """Records one line for each entity."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.complete = threading.Event()

    def on_metric_created(self, metric: FlextMetric) -> None:
        """Record a metric."""
        self.lines.append(f"{metric.name} is {metric.value}")

    def on_health_changed(self, check: FlextHealthCheck) -> None:
        """Record a check whose status changed."""
        self.lines.append(f"{check.name} is {check.status}")

    def on_trace_completed(self, trace: FlextTrace) -> None:
        """Record a completed trace."""
        self.lines.append(f"{trace.operation_name} completed: {trace.status}")
        self.complete.set()


class Broken(FlextObservabilityPlugin):
    """Raises in its hook."""

    def on_metric_created(self, metric: FlextMetric) -> None:
        """Raise an exception."""
        raise RuntimeError("out of ink")


diary = Diary()
register_plugin("diary", diary).unwrap()
register_plugin("broken", Broken()).unwrap()
observability = init_observability(service_name="bakery", exporters="memory").unwrap()

with observability.tracing.trace("bake bread"):
    flext_create_metric("oven.temperature", 231, "Cel")
    flext_create_health_check("oven", "degraded", "door open")

diary.complete.wait(5)
print(*diary.lines, sep="\n")
observability.shutdown()
