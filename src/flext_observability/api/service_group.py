"""Settings, and what services may see of start-up → the five services of a process, each made on first use."""

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
    """The services of a process, made on first use and kept through later starts, so that what they remember stays."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._made: dict[str, object] = {}
        self._config: FlextObservabilityConfig | None = None
        self._views: tuple[StatusSource, MetricSource] | None = None

    def apply(self, config: FlextObservabilityConfig) -> tuple[Notice, ...]:
        """Take the settings of a configuration that starts.

        Returns:
            What a person should know, such as a plug-in that is not there.
        """
        started_traces().max_traces = config.trace_registry_size
        started_traces().max_age_seconds = config.trace_registry_age_seconds
        with self._lock:
            self._config = config
            if "metrics" in self._made:
                self.metrics.resize_store(config.metrics_store_size)
            if "health" in self._made:
                self.health.configure(config)
            if "alerts" in self._made:
                self.alerts.configure(config)
        return (*plugin_hooks().set_configured(config.plugins), *_missing_notifiers(config))

    def connect(self, ledger: StatusSource, snapshot: MetricSource) -> None:
        """Let services see the state of telemetry and the metric points, from the start to the end of a configuration."""
        with self._lock:
            self._views = (ledger, snapshot)
            if "health" in self._made:
                self.health.connect(ledger)
            if "alerts" in self._made:
                self.alerts.connect(snapshot)

    def flush(self, deadline: float) -> bool:
        """Wait until notifiers and plug-ins have been told of everything so far; whether that was so in time."""
        told = "alerts" not in self._made or self.alerts.flush(deadline)
        return plugin_hooks().flush(deadline) and told

    def begin_drain(self, deadline: float) -> None:
        """Send pending notifications immediately, before others use the time until ``deadline`` (monotonic seconds)."""
        if "alerts" in self._made:
            self.alerts.begin_drain(deadline)

    def disconnect(self, deadline: float) -> None:
        """End all work in the background; ``deadline`` is in monotonic seconds."""
        with self._lock:
            self._views = None
            if "health" in self._made:
                self.health.disconnect()
        if "alerts" in self._made:  # not under the lock: notifiers may use services while they are waited for
            self.alerts.disconnect(deadline)
        plugin_hooks().close(deadline)

    @property
    def tracing(self) -> FlextTracingService:
        """The tracing service."""
        from flext_observability.services.tracing import FlextTracingService

        return self._get_or_create("tracing", FlextTracingService)

    @property
    def metrics(self) -> FlextMetricsService:
        """The metrics service."""
        return self._get_or_create("metrics", self._make_metrics)

    @property
    def alerts(self) -> FlextAlertService:
        """The alert service."""
        return self._get_or_create("alerts", self._make_alerts)

    @property
    def health(self) -> FlextHealthService:
        """The health service."""
        return self._get_or_create("health", self._make_health)

    @property
    def logs(self) -> FlextLoggingService:
        """The logging service."""
        from flext_observability.services.logs import FlextLoggingService

        return self._get_or_create("logs", FlextLoggingService)

    def _make_metrics(self) -> FlextMetricsService:
        from flext_observability.services.metrics import FlextMetricsService

        metrics = FlextMetricsService()
        if self._config is not None:
            metrics.resize_store(self._config.metrics_store_size)
        return metrics

    def _make_alerts(self) -> FlextAlertService:
        from flext_observability.services.alerts.service import FlextAlertService

        alerts = FlextAlertService()
        if self._config is not None and self._views is not None:
            alerts.configure(self._config)
            alerts.connect(self._views[1])
        return alerts

    def _make_health(self) -> FlextHealthService:
        from flext_observability.services.health.service import FlextHealthService

        health = FlextHealthService()
        if self._config is not None:
            health.configure(self._config)
        if self._views is not None:
            health.connect(self._views[0])
        return health

    def _get_or_create(self, name: str, make: Callable[[], ServiceT]) -> ServiceT:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return cast("ServiceT", self._made[name])


def _missing_notifiers(config: FlextObservabilityConfig) -> Iterator[Notice]:
    """Yield a notice for each notifier of the settings that cannot be used; the alert service itself is made when it is used."""
    for name in config.alert_notifiers:
        found = notifier_registry().find(name)
        if found.is_failure:
            yield Notice("all", f"Alerts are not sent to {name}: {found.message}", found.fix)
