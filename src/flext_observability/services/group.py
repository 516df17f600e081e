"""Nothing → the five services of a process, each made on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, final

from flext_observability.services.trace_registry import TRACES

if TYPE_CHECKING:
    from flext_observability.services.alerts import FlextAlertService
    from flext_observability.services.health import FlextHealthService
    from flext_observability.services.logs import FlextLoggingService
    from flext_observability.services.metrics import FlextMetricsService
    from flext_observability.services.tracing import FlextTracingService
    from flext_observability.settings.config import FlextObservabilityConfig

STORE_SIZE = 1000


@final
class ServiceGroup:
    """The services of a process, made on first use and kept through later starts, so that what they remember stays."""

    def __init__(self) -> None:
        self._store_size = STORE_SIZE

    def apply(self, config: FlextObservabilityConfig) -> None:
        """Take the limits of a configuration that starts."""
        TRACES.max_traces = config.trace_registry_size
        TRACES.max_age_seconds = config.trace_registry_age_seconds
        self._store_size = config.metrics_store_size
        if "metrics" in self.__dict__:
            self.metrics.resize_store(self._store_size)

    @cached_property
    def tracing(self) -> FlextTracingService:
        """The tracing service."""
        from flext_observability.services.tracing import FlextTracingService

        return FlextTracingService()

    @cached_property
    def metrics(self) -> FlextMetricsService:
        """The metrics service."""
        from flext_observability.services.metrics import FlextMetricsService

        return FlextMetricsService(store_size=self._store_size)

    @cached_property
    def alerts(self) -> FlextAlertService:
        """The alert service."""
        from flext_observability.services.alerts import FlextAlertService

        return FlextAlertService()

    @cached_property
    def health(self) -> FlextHealthService:
        """The health service."""
        from flext_observability.services.health import FlextHealthService

        return FlextHealthService()

    @cached_property
    def logs(self) -> FlextLoggingService:
        """The logging service."""
        from flext_observability.services.logs import FlextLoggingService

        return FlextLoggingService()
