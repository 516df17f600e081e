"""Plain arguments → an entity, validated and emitted through the active configuration (flext_create_*).

Before ``init_observability`` and after shutdown, entities are validated and returned, not emitted. Never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, cast

from flext_observability.adapters.trace import process_service_name
from flext_observability.api.process import active_process
from flext_observability.domain.factory import get_global_factory
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.values.foreign import copy_mapping, is_mapping, is_true
from flext_observability.values.names import OPERATION_ATTRIBUTE

if TYPE_CHECKING:
    from decimal import Decimal

    from flext_observability.api.service_group import ServiceGroup
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.trace import FlextTrace
    from flext_observability.services.tracing import FlextTracingService


def flext_create_metric(
    name: str,
    value: float | Decimal,
    unit: str = "",
    tags: Mapping[str, object] | None = None,
    metric_type: str = "gauge",
) -> FlextResult[FlextMetric]:
    """Create a metric and record it.

    Args:
        name: OpenTelemetry instrument name.
        value: Finite number. A Decimal keeps its digits. For a counter, the increment.
        unit: Unit in words or UCUM (``milliseconds``, ``ms``, ``count``).
        tags: Attributes: scalars by name.
        metric_type: ``gauge``, ``counter``, ``up_down_counter`` or ``histogram``.

    Returns:
        The entity; or a failure: ``invalid_metric``, ``instrument_conflict`` (name in use for another kind or unit),
        ``instrument_limit`` (one of more than 2000 names).
    """
    services = _active_services()
    create = get_global_factory().create_metric if services is None else services.metrics.create
    return create(name, value, unit, tags, metric_type)


@never_raises
def flext_create_trace(
    operation_name: str | None = None,
    service_name: str | None = None,
    context: Mapping[str, object] | None = None,
    parent_trace_id: str | None = None,
    *,
    name: str | None = None,
    operation: str | None = None,
) -> FlextResult[FlextTrace]:
    """Create a trace and start it. It is not made current. The tracing service ends it.

    Call it with ``operation_name`` and ``service_name``, or with ``name`` and ``operation`` for a span of this process.

    Args:
        operation_name: Name of the span.
        service_name: Name of the service. With ``name``, the default is the service of this process.
        context: Attributes. A ``parent_trace_id`` in them stands for the argument.
        parent_trace_id: Id of another trace, or 32 hex digits of a known one. Default: the current span.
        name: Alias of ``operation_name``.
        operation: Value of the attribute ``flext.operation``.

    Returns:
        The entity with ``trace_id`` and ``span_id``, updated when the trace ends; or the failure ``invalid_trace``.
    """
    services = _active_services()
    if operation_name is None:
        operation_name = cast("str", name)
        if service_name is None:
            service_name = process_service_name()
    attributes = cast("object", {} if context is None else context)
    if is_true(operation) and is_mapping(attributes):
        context = {OPERATION_ATTRIBUTE: operation, **cast("dict[str, object]", copy_mapping(attributes))}
    tracing = _non_recording_tracing() if services is None else services.tracing
    return tracing.create(operation_name, cast("str", service_name), context, parent_trace_id)


def flext_create_alert(
    name: str, severity: str, message: str, source: str = "", details: Mapping[str, object] | None = None
) -> FlextResult[FlextAlert]:
    """Create an alert and raise it.

    Args:
        name: Name of the alert.
        severity: ``info``, ``warning``, ``error`` or ``critical``.
        message: Explanation for people.
        source: Origin of the alert.
        details: Further facts.

    Returns:
        The entity, or the failure ``invalid_alert``.
    """
    services = _active_services()
    create = get_global_factory().create_alert if services is None else services.alerts.create
    return create(name, severity, message, source, details)


def flext_create_health_check(
    name: str, status: str = "healthy", message: str = "", details: Mapping[str, object] | None = None
) -> FlextResult[FlextHealthCheck]:
    """Create a health check and report it.

    Args:
        name: Name of the check.
        status: ``healthy``, ``degraded``, ``unhealthy`` or ``unknown``.
        message: Explanation for people.
        details: Further facts.

    Returns:
        The entity, or the failure ``invalid_health_check``.
    """
    services = _active_services()
    create = get_global_factory().create_health_check if services is None else services.health.create
    return create(name, status, message, details)


def flext_create_log_entry(
    level: str, message: str, context: Mapping[str, object] | None = None
) -> FlextResult[FlextLogEntry]:
    """Create a log entry and write it, in the current trace.

    Args:
        level: ``trace``, ``debug``, ``info``, ``warning``, ``error`` or ``critical``, in any case.
        message: Text of the line.
        context: Attributes of any type.

    Returns:
        The entity, or the failure ``invalid_log``.
    """
    services = _active_services()
    create = get_global_factory().create_log_entry if services is None else services.logs.create
    return create(level, message, context)


def _active_services() -> ServiceGroup | None:
    """Return the services; None before ``init_observability`` and after the shutdown."""
    process = active_process()
    return None if process.session is None else process.services


@cache
def _non_recording_tracing() -> FlextTracingService:
    """Return a service that gives traces their ids and records nothing."""
    from flext_observability.services.tracing import FlextTracingService

    return FlextTracingService(recording=False)
