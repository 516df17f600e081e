"""Names in our telemetry: scope, attributes and their fixed values, instruments, events."""

from __future__ import annotations

from typing import Final

SCOPE_NAME: Final = "flext_observability"
"""Instrumentation scope of our spans, instruments and log records."""
MAX_NAME_BYTES: Final = 1024
"""Maximum size of a span's or a service's name, in bytes of UTF-8."""

CORRELATION_ATTRIBUTE: Final = "flext.correlation_id"
SERVICE_NAME_ATTRIBUTE: Final = "flext.service.name"
"""Service of a span, when it is not the service of the resource; on a tracer's scope: the service of all its spans."""
TRACE_ID_ATTRIBUTE: Final = "flext.id"
UNKNOWN_PARENT_ATTRIBUTE: Final = "flext.parent.id"
"""The parent id that a caller gave, when no known trace has it."""

GAUGE_MODES: Final = ("process", "sum", "max", "min", "latest")
"""Values of a gauge on the page of several processes. ``process``: one of each."""
FUNCTION_DURATION_NAME: Final = "flext.function.duration"
FUNCTION_CALLS_NAME: Final = "flext.function.calls"
FUNCTION_CALLS_UNIT: Final = "{call}"
FUNCTION_CALLS_DESCRIPTION: Final = "Calls of monitored functions"
OPERATION_ATTRIBUTE: Final = "flext.operation"
OUTCOME_ATTRIBUTE: Final = "flext.outcome"
OUTCOMES: Final = ("ok", "error", "cancelled")

ALERT_EVENT_NAME: Final = "flext.alert"
ALERT_COUNTER_NAME: Final = "flext.alerts"
ALERT_SEVERITIES: Final = ("info", "warning", "error", "critical")
"""Severities of an alert, mildest first."""

HEALTH_EVENT_NAME: Final = "flext.health"
HEALTH_GAUGE_NAME: Final = "flext.health.status"
HEALTH_CHECK_ATTRIBUTE: Final = "flext.check"
