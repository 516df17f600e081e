"""Nothing → the base class of plug-ins, with hooks that do nothing, and the names of the hooks."""

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
    """Base of plug-ins: override the hooks that matter; the others are never called.

    A hook is called after the fact, on a thread that all plug-ins share: it sees what was recorded and changes nothing. It returns
    None or a ``FlextResult``; a failure, or an exception, is counted and logged once. It has one second: a plug-in that takes longer
    is switched off. What a hook records itself is recorded, and told to no plug-in.

    Attributes:
        name: For the status and log lines; empty for the name that it is registered or installed under.
        order: Plug-ins with a smaller number are called first; equal ones in the order of their names.
    """

    name: str = ""
    order: int = 0

    def on_metric_created(self, metric: FlextMetric) -> FlextResult[object] | None:
        """Learn of a metric that was recorded."""

    def on_trace_started(self, trace: FlextTrace) -> FlextResult[object] | None:
        """Learn of a trace that was started; a copy, as it was then."""

    def on_trace_completed(self, trace: FlextTrace) -> FlextResult[object] | None:
        """Learn of a trace that has ended, as ``trace.status`` says; a copy."""

    def on_alert_raised(self, alert: FlextAlert) -> FlextResult[object] | None:
        """Learn of an alert that was raised."""

    def on_health_changed(self, check: FlextHealthCheck) -> FlextResult[object] | None:
        """Learn of a health check whose status is not the one before."""

    def on_log_created(self, entry: FlextLogEntry) -> FlextResult[object] | None:
        """Learn of a log entry that was written by ``flext_create_log_entry`` or the logging service."""
