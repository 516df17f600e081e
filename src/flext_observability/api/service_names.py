"""Nothing → the services under one name (FlextObservabilityServices)."""

from __future__ import annotations

from typing import final

from flext_observability.services.alerts.service import FlextAlertService
from flext_observability.services.health.service import FlextHealthService
from flext_observability.services.logs import FlextLoggingService
from flext_observability.services.metrics import FlextMetricsService
from flext_observability.services.tracing import FlextTracingService


@final
class FlextObservabilityServices:
    """The services by short names: ``FlextObservabilityServices.MetricsService()`` is a ``FlextMetricsService``.

    Attributes:
        MetricsService: Records metrics.
        TracingService: Starts and ends traces.
        AlertService: Raises, escalates and resolves alerts.
        HealthService: Runs and sums up health checks.
        LoggingService: Writes log entries.
    """

    MetricsService = FlextMetricsService
    TracingService = FlextTracingService
    AlertService = FlextAlertService
    HealthService = FlextHealthService
    LoggingService = FlextLoggingService
