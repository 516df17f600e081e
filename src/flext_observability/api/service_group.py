"""The five services of a process, each created on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar, cast, final

from flext_observability.domain.report import Notice
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.extensions.registry import notifier_registry
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.trace_registry import started_traces

if TYPE_CHECKING:
    from flext_observability.extensions.ports import MetricSource, StatusSource
    from flext_observability.services.alerts.service import FlextAlertService
    from flext_observability.services.health.service import FlextHealthService
    from flext_observability.services.logs import FlextLoggingService
    from flext_observability.services.metrics import FlextMetricsService
    from flext_observability.services.tracing import FlextTracingService
    from flext_observability.settings.config import FlextObservabilityConfig

ServiceT = TypeVar("ServiceT")


@final
class ServiceGroup:
    """The services, with the settings of the active configuration. They are kept through later starts."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._created: dict[str, object] = {}
        self._ready: dict[str, object] = {}  # created and configured: read without the lock
        self._config: FlextObservabilityConfig | None = None
        self._sources: tuple[StatusSource, MetricSource] | None = None

    def apply(self, config: FlextObservabilityConfig) -> tuple[Notice, ...]:
        """Apply the settings; return notices about plug-ins and notifiers that cannot be used."""
        traces = started_traces()
        traces.max_traces, traces.max_age_seconds = config.trace_registry_size, config.trace_registry_age_seconds
        with self._lock:
            self._config = config
        self._configure()
        return (*plugin_hooks().set_configured(config.plugins), *_missing_notifiers(config))

    def connect(self, status: StatusSource, metrics: MetricSource) -> None:
        """Give services the state of telemetry and the metric points, until ``disconnect``."""
        with self._lock:
            self._sources = (status, metrics)
            self._connect()

    def flush(self, deadline: float) -> bool:
        """Wait for notifications and plug-in calls; return whether all ended by ``deadline`` (monotonic seconds)."""
        notified = "alerts" not in self._created or self.alerts.flush(deadline)
        return plugin_hooks().flush(deadline) and notified

    def begin_drain(self, deadline: float) -> None:
        """Send pending notifications immediately, before others use the time until ``deadline`` (monotonic seconds)."""
        if "alerts" in self._created:
            self.alerts.begin_drain(deadline)

    def disconnect(self, deadline: float) -> None:
        """End all background work by ``deadline`` (monotonic seconds)."""
        with self._lock:
            self._sources = None
            if "health" in self._created:
                self.health.disconnect()
        if "alerts" in self._created:  # without the lock: notifiers may use services meanwhile
            self.alerts.disconnect(deadline)
        plugin_hooks().close(deadline)

    @property
    def tracing(self) -> FlextTracingService:
        """The tracing service."""
        found = self._ready.get("tracing")
        if found is not None:
            return cast("FlextTracingService", found)
        from flext_observability.services.tracing import FlextTracingService

        return self._get_or_create("tracing", FlextTracingService)

    @property
    def metrics(self) -> FlextMetricsService:
        """The metrics service."""
        found = self._ready.get("metrics")
        if found is not None:
            return cast("FlextMetricsService", found)
        from flext_observability.services.metrics import FlextMetricsService

        return self._get_or_create("metrics", FlextMetricsService)

    @property
    def alerts(self) -> FlextAlertService:
        """The alert service."""
        from flext_observability.services.alerts.service import FlextAlertService

        return self._get_or_create("alerts", FlextAlertService)

    @property
    def health(self) -> FlextHealthService:
        """The health service."""
        from flext_observability.services.health.service import FlextHealthService

        return self._get_or_create("health", FlextHealthService)

    @property
    def existing_health(self) -> FlextHealthService | None:
        """The health service if it has been used. Never waits."""
        return cast("FlextHealthService | None", self._created.get("health"))

    @property
    def logs(self) -> FlextLoggingService:
        """The logging service."""
        found = self._ready.get("logs")
        if found is not None:
            return cast("FlextLoggingService", found)
        from flext_observability.services.logs import FlextLoggingService

        return self._get_or_create("logs", FlextLoggingService)

    def _get_or_create(self, name: str, make: Callable[[], ServiceT]) -> ServiceT:
        with self._lock:
            if name not in self._created:
                self._created[name] = make()
                self._configure(name)
                self._connect(name)
            self._ready[name] = self._created[name]
            return cast("ServiceT", self._created[name])

    def _configure(self, *only: str) -> None:
        """Apply the settings to the services that exist, or to those of these names."""
        config = self._config
        if config is None:
            return
        names = only or self._created
        if "metrics" in names:
            self.metrics.resize_store(config.metrics_store_size)
        if "health" in names:
            self.health.configure(config)
        # Not after a shutdown: it has no notifiers then.
        if "alerts" in names and (self._sources is not None or not only):
            self.alerts.configure(config)

    def _connect(self, *only: str) -> None:
        if self._sources is None:
            return
        status, metrics = self._sources
        names = only or self._created
        if "health" in names:
            self.health.connect(status)
        if "alerts" in names:
            self.alerts.connect(metrics)


def _missing_notifiers(config: FlextObservabilityConfig) -> Iterator[Notice]:
    """Yield a notice for each configured notifier that cannot be used, before the alert service is created."""
    for name in config.alert_notifiers:
        found = notifier_registry().find(name)
        if found.is_failure:
            yield Notice("all", f"Alerts are not sent to {name}: {found.message}", found.fix)
