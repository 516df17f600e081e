"""Base class of plug-ins, and the names of their hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.result import FlextResult
    from flext_observability.domain.trace import FlextTrace

Hook = Literal[
    "on_metric_created",
    "on_trace_started",
    "on_trace_completed",
    "on_alert_raised",
    "on_health_changed",
    "on_log_created",
]
HOOK_NAMES: Final[tuple[Hook, ...]] = get_args(Hook)


class FlextObservabilityPlugin:
    """Base class of plug-ins. Override the hooks you need; the others are not called.

    Hooks run after the data is recorded, on one thread that all plug-ins share. They cannot change the data. A hook
    returns None or a ``FlextResult``. Exceptions and failures are counted and logged once. A plug-in whose hook runs
    longer than one second is switched off. Entities that a hook creates are recorded, but passed to no plug-in.

    Attributes:
        name: Name in the status and in log lines. Empty: the name it is registered or installed under.
        order: Plug-ins are called in ascending order, equal ones by name.
    """

    name: str = ""
    order: int = 0

    def on_metric_created(self, metric: FlextMetric) -> FlextResult[object] | None:
        """Handle a recorded metric."""

    def on_trace_started(self, trace: FlextTrace) -> FlextResult[object] | None:
        """Handle a copy of a trace, made when it started."""

    def on_trace_completed(self, trace: FlextTrace) -> FlextResult[object] | None:
        """Handle a copy of a completed, failed or abandoned trace; see ``trace.status``."""

    def on_alert_raised(self, alert: FlextAlert) -> FlextResult[object] | None:
        """Handle a raised alert."""

    def on_health_changed(self, check: FlextHealthCheck) -> FlextResult[object] | None:
        """Handle a health check whose status changed."""

    def on_log_created(self, entry: FlextLogEntry) -> FlextResult[object] | None:
        """Handle a log entry of ``flext_create_log_entry`` or of the logging service."""
