"""Plain arguments or entities → checked, emitted and stored (FlextObservabilityPlatformV2: factory, services and repository in one)."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final, Self, cast, final

from flext_observability.domain.container import FlextContainer, lookup
from flext_observability.domain.factory import FlextObservabilityMasterFactory
from flext_observability.domain.result import FlextResult
from flext_observability.services.alerts.service import FlextAlertService
from flext_observability.services.dependencies import never_raises
from flext_observability.services.health.service import FlextHealthService
from flext_observability.services.logs import FlextLoggingService
from flext_observability.services.metrics import FlextMetricsService
from flext_observability.services.repository import FlextObservabilityRepository
from flext_observability.services.tracing import FlextTracingService

if TYPE_CHECKING:
    from decimal import Decimal

    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.container import Container
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.trace import FlextTrace
    from flext_observability.extensions.ports import FlextStorageAdapter


CLOSE_SECONDS: Final = 2.0


@final
class FlextObservabilityPlatformV2:
    """Everything behind one object: what it makes is checked, emitted and stored, and can be found again.

    Every operation returns a result, never raises, may be awaited or not, and is safe from threads. A failure of the storage is the
    operation's failure, though what was to be emitted has been. A context manager that closes.

    Attributes:
        factory: Makes entities that are neither emitted nor stored.
        metrics: The metrics service; what it records is stored, too. The same holds for the others.
        tracing: The tracing service.
        alerts: The alert service.
        health: The health service.
        logs: The logging service.
        repository: Where entities are stored.
    """

    __slots__ = ("_closes_repository", "alerts", "factory", "health", "logs", "metrics", "repository", "tracing")

    def __init__(self, container: Container | None = None, *, storage: FlextStorageAdapter | str | None = None) -> None:
        """Make a platform with services of its own.

        Args:
            container: Where to look up ``repository`` (with the methods of ``FlextObservabilityRepository``), ``storage``, ``clock``,
                ``id_generator`` and ``notifiers``; optional.
            storage: As of ``FlextObservabilityRepository``; given, the container's ``repository`` is not asked for.
        """
        found = lookup(container, "repository") if storage is None else None
        self._closes_repository = found is None
        self.repository = (
            FlextObservabilityRepository(storage, container)
            if found is None
            else cast("FlextObservabilityRepository", found)
        )
        parts = _parts(container, self.repository)
        self.factory = FlextObservabilityMasterFactory(container)
        self.metrics = FlextMetricsService(parts)
        self.tracing = FlextTracingService(parts)
        self.alerts = FlextAlertService(parts)
        self.health = FlextHealthService(parts)
        self.logs = FlextLoggingService(parts)

    @never_raises
    def create_metric(
        self,
        name: str,
        value: float | Decimal,
        unit: str = "",
        tags: Mapping[str, object] | None = None,
        metric_type: str = "gauge",
    ) -> FlextResult[FlextMetric]:
        """Make a metric, record it and store it.

        Returns:
            The metric; or a failure: ``invalid_metric``, ``instrument_conflict``, and those of the storage.
        """
        return self.metrics.create(name, value, unit, tags, metric_type)

    @never_raises
    def create_trace(
        self,
        operation_name: str,
        service_name: str | None = None,
        context: Mapping[str, object] | None = None,
        parent_trace_id: str | None = None,
    ) -> FlextResult[FlextTrace]:
        """Make a trace, start it and store it; ``complete_trace`` or ``error_trace`` ends it and brings what is stored up to date.

        Args:
            operation_name: What is done.
            service_name: Who does it; by default this process.
            context: Attributes.
            parent_trace_id: Id of another trace, or 32 hex digits of a known one; by default the current span.

        Returns:
            The trace; or a failure: ``invalid_trace``, and those of the storage.
        """
        return self.tracing.start_trace(operation_name, service_name, context, parent_trace_id)

    @never_raises
    def create_alert(
        self,
        name: str,
        severity: str,
        message: str,
        source: str = "",
        details: Mapping[str, object] | None = None,
    ) -> FlextResult[FlextAlert]:
        """Make an alert, raise it and store it; failures ``invalid_alert`` and those of the storage."""
        return self.alerts.create(name, severity, message, source, details)

    @never_raises
    def create_health_check(
        self, name: str, status: str = "healthy", message: str = "", details: Mapping[str, object] | None = None
    ) -> FlextResult[FlextHealthCheck]:
        """Make the outcome of a health check, report it and store it; failures ``invalid_health_check`` and those of the storage."""
        return self.health.create(name, status, message, details)

    @never_raises
    def create_log_entry(
        self, level: str, message: str, context: Mapping[str, object] | None = None
    ) -> FlextResult[FlextLogEntry]:
        """Make a log entry, write it and store it; failures ``invalid_log`` and those of the storage."""
        return self.logs.create(level, message, context)

    # The short words of the original design.
    metric = create_metric
    trace = create_trace
    alert = create_alert
    health_check = create_health_check

    @never_raises
    def record_metric(self, metric: FlextMetric) -> FlextResult[FlextMetric]:
        """Record a metric and store it; failures as of ``create_metric``."""
        return self.metrics.record_metric(metric)

    @never_raises
    def start_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """Start a trace and store it; failures as of ``create_trace``."""
        return self.tracing.start_trace(trace)

    @never_raises
    def complete_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """End a trace well and bring what is stored up to date.

        Returns:
            The trace; or a failure: ``invalid_trace``, ``trace_not_started``, ``trace_ended``, and those of the storage.
        """
        return self.tracing.complete_trace(trace)

    @never_raises
    def error_trace(self, trace: FlextTrace, message: str | BaseException = "") -> FlextResult[FlextTrace]:
        """End a trace as failed and bring what is stored up to date; failures as of ``complete_trace``."""
        return self.tracing.error_trace(trace, message)

    @never_raises
    def process_alert(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Raise an alert and store it; failures ``invalid_alert`` and those of the storage."""
        return self.alerts.process_alert(alert)

    @never_raises
    def escalate_alert(
        self, alert: FlextAlert | str, escalation: Mapping[str, object] | None = None
    ) -> FlextResult[FlextAlert]:
        """Take an active alert a level higher and store it as escalated.

        Args:
            alert: The alert, or its id.
            escalation: ``level``, ``reason`` and ``severity``, each of them optional.

        Returns:
            A changed copy; or a failure: ``invalid_alert``, ``not_active``, and those of the storage.
        """
        return self.alerts.escalate_alert(alert, escalation)

    @never_raises
    def resolve_alert(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """End an active alert, by itself or its id, and store it as resolved; failures as of the service, and those of the storage."""
        return self.alerts.resolve_alert(alert)

    @never_raises
    def check_health(self, check: FlextHealthCheck | str) -> FlextResult[FlextHealthCheck]:
        """Run a registered check by its name, or report an outcome, and store it.

        Returns:
            The outcome; or a failure: ``invalid_health_check``, ``unknown_check``, and those of the storage. Inside an event loop running
            a check gives a ``PendingResult``: await it.
        """
        return self.health.execute_health_check(check)

    @never_raises
    def log(
        self,
        level: FlextLogEntry | str,
        message: str | None = None,
        attributes: Mapping[str, object] | None = None,
        /,
        **context: object,
    ) -> FlextResult[FlextLogEntry]:
        """Write a log entry, or a level and a message, and store it; failures ``invalid_log`` and those of the storage."""
        return self.logs.log(level, message, attributes, **context)

    @never_raises
    def close(self, timeout_seconds: float = CLOSE_SECONDS) -> FlextResult[None]:
        """End what runs in the background, and close the repository unless it is the container's; storing is a failure from then on.

        Args:
            timeout_seconds: How long notifiers may take to hear of what waits for them, in seconds.

        Returns:
            Success; storing then gives the failure ``storage_closed``.
        """
        self.health.disconnect()
        self.alerts.disconnect(monotonic() + timeout_seconds)
        return self.repository.close() if self._closes_repository else FlextResult.ok(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _parts(container: Container | None, repository: FlextObservabilityRepository) -> FlextContainer:
    """Return what the services look up: the platform's own repository, and what the container holds now."""
    parts = FlextContainer()
    parts.register("repository", repository)
    for name in ("clock", "id_generator", "notifiers"):
        parts.register(
            name, lookup(container, name)
        )  # None too: a name that is not there costs a message at each look-up
    return parts
