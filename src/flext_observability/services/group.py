"""Nothing → the five services of a process, each made on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast, final

from flext_observability.domain.locks import ForkSafeLock
from flext_observability.services.trace_registry import TRACES

if TYPE_CHECKING:
    from flext_observability.services.alerts import FlextAlertService
    from flext_observability.services.health import FlextHealthService
    from flext_observability.services.logs import FlextLoggingService
    from flext_observability.services.metrics import FlextMetricsService
    from flext_observability.services.tracing import FlextTracingService
    from flext_observability.settings.config import FlextObservabilityConfig

STORE_SIZE = 1000
ServiceT = TypeVar("ServiceT")


@final
class ServiceGroup:
    """The services of a process, made on first use and kept through later starts, so that what they remember stays."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._made: dict[str, object] = {}
        self._store_size = STORE_SIZE

    def apply(self, config: FlextObservabilityConfig) -> None:
        """Take the limits of a configuration that starts."""
        TRACES.max_traces = config.trace_registry_size
        TRACES.max_age_seconds = config.trace_registry_age_seconds
        with self._lock:
            self._store_size = config.metrics_store_size
            if "metrics" in self._made:
                self.metrics.resize_store(self._store_size)

    @property
    def tracing(self) -> FlextTracingService:
        """The tracing service."""
        from flext_observability.services.tracing import FlextTracingService

        return self._only("tracing", FlextTracingService)

    @property
    def metrics(self) -> FlextMetricsService:
        """The metrics service."""
        from flext_observability.services.metrics import FlextMetricsService

        return self._only("metrics", lambda: FlextMetricsService(store_size=self._store_size))

    @property
    def alerts(self) -> FlextAlertService:
        """The alert service."""
        from flext_observability.services.alerts import FlextAlertService

        return self._only("alerts", FlextAlertService)

    @property
    def health(self) -> FlextHealthService:
        """The health service."""
        from flext_observability.services.health import FlextHealthService

        return self._only("health", FlextHealthService)

    @property
    def logs(self) -> FlextLoggingService:
        """The logging service."""
        from flext_observability.services.logs import FlextLoggingService

        return self._only("logs", FlextLoggingService)

    def _only(self, name: str, make: Callable[[], ServiceT]) -> ServiceT:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return cast("ServiceT", self._made[name])
