"""Platform: factory, services and repository in one object. Entities are validated, emitted and stored."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Self, cast, final

from flext_observability.domain.container import Container, FlextContainer, lookup
from flext_observability.domain.factory import FlextObservabilityMasterFactory
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import is_number
from flext_observability.services.alerts.service import FlextAlertService
from flext_observability.services.dependencies import Attributes
from flext_observability.services.health.service import FlextHealthService
from flext_observability.services.logs import FlextLoggingService
from flext_observability.services.metrics import FlextMetricsService
from flext_observability.services.repository import FlextObservabilityRepository
from flext_observability.services.tracing import FlextTracingService
from flext_observability.values.encoding import preview

if TYPE_CHECKING:
    from decimal import Decimal

    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.trace import FlextTrace
    from flext_observability.extensions.ports import FlextStorageAdapter


@final
class FlextObservabilityPlatformV2:
    """Create, emit and store entities. Thread-safe. A context manager that closes the platform.

    Operations return a result, which may be awaited, and never raise: an unexpected exception is the failure
    ``internal``. When storing fails, the operation returns that failure, and the entity has been emitted.

    Attributes:
        factory: Creates entities without emitting or storing them.
        metrics: The metrics service. It stores recorded metrics; the other services do the same.
        tracing: The tracing service.
        alerts: The alert service.
        health: The health service.
        logs: The logging service.
        repository: Repository of the entities.
    """

    __slots__ = ("_owns_repository", "alerts", "factory", "health", "logs", "metrics", "repository", "tracing")

    def __init__(self, container: Container | None = None, *, storage: FlextStorageAdapter | str | None = None) -> None:
        """Create a platform with its own services.

        Args:
            container: Optional source of ``repository`` (with the methods of ``FlextObservabilityRepository``),
                ``storage``, ``clock``, ``id_generator`` and ``notifiers``.
            storage: Argument of ``FlextObservabilityRepository``. It takes precedence over the ``repository`` of the
                container.
        """
        repository = lookup(container, "repository") if storage is None else None
        self._owns_repository = repository is None
        if repository is None:
            repository = FlextObservabilityRepository(storage, container)
        self.repository = cast("FlextObservabilityRepository", repository)
        parts = FlextContainer()
        parts.register("repository", repository)
        for name in ("clock", "id_generator", "notifiers"):
            # None included: looking up a missing name creates a failure each time.
            parts.register(name, lookup(container, name))
        self.factory = FlextObservabilityMasterFactory(container)
        self.metrics = FlextMetricsService(parts)
        self.tracing = FlextTracingService(parts)
        self.alerts = FlextAlertService(parts)
        self.health = FlextHealthService(parts)
        self.logs = FlextLoggingService(parts)

    def create_metric(
        self, name: str, value: float | Decimal, unit: str = "", tags: Attributes = None, metric_type: str = "gauge"
    ) -> FlextResult[FlextMetric]:
        """Create a metric, record it and store it.

        Returns:
            The metric; or a failure: ``invalid_metric``, ``instrument_conflict``, ``instrument_limit``, or one of the
            storage.
        """
        return self.metrics.create(name, value, unit, tags, metric_type)

    def create_trace(
        self,
        operation_name: str,
        service_name: str | None = None,
        context: Attributes = None,
        parent_trace_id: str | None = None,
    ) -> FlextResult[FlextTrace]:
        """Create a trace, start it and store it. ``complete_trace`` or ``error_trace`` ends and updates it.

        Arguments: see ``FlextTracingService.start_trace``. Failures: ``invalid_trace``, and those of the storage.
        """
        return self.tracing.start_trace(operation_name, service_name, context, parent_trace_id)

    def create_alert(
        self, name: str, severity: str, message: str, source: str = "", details: Attributes = None
    ) -> FlextResult[FlextAlert]:
        """Create an alert, raise it and store it. Failures: ``invalid_alert``, and those of the storage."""
        return self.alerts.create(name, severity, message, source, details)

    def create_health_check(
        self, name: str, status: str = "healthy", message: str = "", details: Attributes = None
    ) -> FlextResult[FlextHealthCheck]:
        """Create the result of a health check, report it and store it.

        Failures: ``invalid_health_check``, and those of the storage.
        """
        return self.health.create(name, status, message, details)

    def create_log_entry(self, level: str, message: str, context: Attributes = None) -> FlextResult[FlextLogEntry]:
        """Create a log entry, write it and store it. Failures: ``invalid_log``, and those of the storage."""
        return self.logs.create(level, message, context)

    # Short names of the original design.
    metric = create_metric
    trace = create_trace
    alert = create_alert
    health_check = create_health_check

    def record_metric(self, metric: FlextMetric) -> FlextResult[FlextMetric]:
        """Record a metric and store it. Failures: see ``create_metric``."""
        return self.metrics.record_metric(metric)

    def start_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """Start a trace and store it. Failures: see ``create_trace``."""
        return self.tracing.start_trace(trace)

    def complete_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """End a trace with the status ``ok`` and store it.

        Returns:
            The trace; or a failure: ``invalid_trace``, ``trace_not_started``, ``trace_ended``, or one of the storage.
        """
        return self.tracing.complete_trace(trace)

    def error_trace(self, trace: FlextTrace, message: str | BaseException = "") -> FlextResult[FlextTrace]:
        """End a trace with the status ``error`` and store it. Failures: see ``complete_trace``."""
        return self.tracing.error_trace(trace, message)

    def process_alert(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Raise an alert and store it. Failures: ``invalid_alert``, and those of the storage."""
        return self.alerts.process_alert(alert)

    def escalate_alert(self, alert: FlextAlert | str, escalation: Attributes = None) -> FlextResult[FlextAlert]:
        """Escalate an active alert and store it.

        Args:
            alert: The alert, or its id.
            escalation: ``level``, ``reason`` and ``severity``; all optional.

        Returns:
            A changed copy; or a failure: ``invalid_alert``, ``not_active``, or one of the storage.
        """
        return self.alerts.escalate_alert(alert, escalation)

    def resolve_alert(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """Resolve an active alert, given by itself or its id, and store it. Failures: see ``escalate_alert``."""
        return self.alerts.resolve_alert(alert)

    def check_health(self, check: FlextHealthCheck | str, *, blocking: bool = False) -> FlextResult[FlextHealthCheck]:
        """Run a registered check by name, or report a result, and store it.

        Args:
            check: The result, or the name of a check.
            blocking: See ``FlextHealthService.overall``.

        Returns:
            The result; or a failure: ``invalid_health_check``, ``unknown_check``, or one of the storage. Inside an
            event loop, running a check returns a ``PendingResult``, which must be awaited.
        """
        return self.health.execute_health_check(check, blocking=blocking)

    def log(
        self,
        level: FlextLogEntry | str,
        message: str | None = None,
        attributes: Attributes = None,
        /,
        **context: object,
    ) -> FlextResult[FlextLogEntry]:
        """Write a log entry, or a level and a message, and store it. Failures: see ``create_log_entry``."""
        return self.logs.log(level, message, attributes, **context)

    @never_raises
    def close(self, timeout_seconds: float = 2.0) -> FlextResult[None]:
        """Stop the background work, and close the repository unless it is the container's.

        Args:
            timeout_seconds: Time limit for sending pending notifications, in seconds.

        Returns:
            Success, and storing then fails with ``storage_closed``; or the failure ``invalid_timeout``, which changes
            nothing.
        """
        if not is_number(timeout_seconds, minimum=0):
            message, fix = (
                f"Invalid timeout {preview(timeout_seconds)}: not a number of seconds",
                "Pass 0 or more seconds",
            )
            return FlextResult[None].fail(message, code="invalid_timeout", fix=fix)
        self.health.disconnect()
        self.alerts.disconnect(monotonic() + timeout_seconds)
        return self.repository.close() if self._owns_repository else FlextResult.ok(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
