"""A plug-in → is told of what was recorded, on a thread of its own; one that raises costs itself alone."""

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
    """Writes down what it is told of."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.complete = threading.Event()

    def on_metric_created(self, metric: FlextMetric) -> None:
        """Learn of a metric."""
        self.lines.append(f"{metric.name} is {metric.value}")

    def on_health_changed(self, check: FlextHealthCheck) -> None:
        """Learn of a check whose status is another one now."""
        self.lines.append(f"{check.name} is {check.status}")

    def on_trace_completed(self, trace: FlextTrace) -> None:
        """Learn of a trace that has ended."""
        self.lines.append(f"{trace.operation_name} took its time: {trace.status}")
        self.complete.set()


class Broken(FlextObservabilityPlugin):
    """Raises; nobody else notices."""

    def on_metric_created(self, metric: FlextMetric) -> None:
        """Fail."""
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
