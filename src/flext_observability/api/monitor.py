"""Rules and an interval → the process and its machine measured, alerts raised and resolved (FlextObservabilityMonitor)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.api.handle import Observability
from flext_observability.api.start import get_observability, init_observability
from flext_observability.domain.alert_rule import is_number
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.dependencies import never_raises
from flext_observability.values.encoding import preview

if TYPE_CHECKING:
    from types import TracebackType

    from flext_observability.domain.alert_rule import FlextAlertRule
    from flext_observability.domain.container import Container
    from flext_observability.domain.health_report import FlextHealthReport
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.instrumentation.host_metrics.collector import FlextMetricsCollector
    from flext_observability.services.alerts.rule_evaluator import RuleState
    from flext_observability.services.alerts.service import FlextAlertService

_SERVICES: Final = ("metrics", "tracing", "alerts", "health", "logs")
_LEAST_INTERVAL: Final = 0.01
_MOST_INTERVAL: Final = 86_400


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """What a monitor does at this moment.

    Attributes:
        active: Whether it watches.
        uptime_seconds: Since when; 0 when it does not.
        rules: Where each series of each of its rules stands.
        unavailable: Metrics that the platform does not offer, with the reason.
    """

    active: bool
    uptime_seconds: float
    rules: tuple[RuleState, ...]
    unavailable: Mapping[str, str]


@final
class FlextObservabilityMonitor:
    """Starts and stops what watches a program: the collector of process and system metrics, and alert rules over any metric.

    Safe from threads; a context manager. It lives on the telemetry that ``init_observability`` started: it rests after a shutdown, and goes
    on with the next start.

    Args:
        container: Given the services of the running telemetry, as ``flext_metrics_service``, ``flext_tracing_service``,
            ``flext_alert_service``, ``flext_health_service`` and ``flext_logging_service``, when the monitor starts; optional.
        rules: Rules that are watched while the monitor is active.
        collector: What measures; by default the process and its machine.
        interval_seconds: Time between two looks of this monitor's own, 0.01 to 86400; by default it leaves them to
            ``alert_rules_interval_seconds`` of the settings.
    """

    def __init__(
        self,
        container: Container | None = None,
        *,
        rules: Iterable[FlextAlertRule] = (),
        collector: FlextMetricsCollector | None = None,
        interval_seconds: float | None = None,
    ) -> None:
        from flext_observability.instrumentation.host_metrics.collector import FlextMetricsCollector

        self.container = container
        self.rules: tuple[FlextAlertRule, ...] = tuple(rules)
        self.collector = FlextMetricsCollector() if collector is None else collector
        self.interval_seconds = interval_seconds
        self._lock = ForkSafeLock()
        self._alerts: FlextAlertService | None = None  # while it is started
        self._started_at = 0.0

    @property
    def active(self) -> bool:
        """Whether it is started, and telemetry with it."""
        return self._alerts is not None and get_observability().success

    @never_raises
    def start(self) -> FlextResult[None]:
        """Measure, and watch the rules, from now on; again changes nothing.

        Returns:
            Success, or a failure that changes nothing: ``not_started`` (call ``init_observability`` first), ``invalid_interval``,
            ``invalid_alert_rule``, ``internal``.
        """
        with self._lock:
            return self._interval().flat_map(lambda _: get_observability()).flat_map(self._start)

    @never_raises
    def stop(self) -> FlextResult[None]:
        """Measure and watch no more: the alerts of its rules are resolved; again changes nothing."""
        with self._lock:
            alerts, self._alerts = self._alerts, None
            if alerts is not None:  # the service outlives shutdowns, and so would its rules
                scheduler().cancel(self._job)
                self.collector.stop()
                self._remove_rules(alerts)
            return FlextResult.ok(None)

    @never_raises
    def evaluate_now(self) -> FlextResult[tuple[RuleState, ...]]:
        """Look at the rules now, in the calling thread.

        Returns:
            Where each series of each of its rules stands; or a failure: ``not_started``.
        """
        return get_observability().map(self._look)

    def status(self) -> MonitorStatus:
        """Return what the monitor does at this moment; never fails."""
        active = self.active
        uptime = monotonic() - self._started_at if active else 0.0
        states = get_observability().map(self._states).unwrap_or(())
        return MonitorStatus(active, uptime, states, self.collector.unavailable)

    def flext_initialize_observability(self) -> FlextResult[None]:
        """Start telemetry with the settings of the environment, unless it is started already; see ``init_observability``."""
        started = get_observability()
        return (started if started.success else init_observability()).map(lambda _: None)

    def flext_is_initialized(self) -> bool:
        """Whether telemetry is started."""
        return get_observability().success

    def flext_start_monitoring(self) -> FlextResult[None]:
        """Do what ``start`` does."""
        return self.start()

    def flext_stop_monitoring(self) -> FlextResult[None]:
        """Do what ``stop`` does."""
        return self.stop()

    def flext_is_monitoring_active(self) -> bool:
        """Do what ``active`` does."""
        return self.active

    def flext_record_metric(self, name: str, value: float, metric_type: str = "gauge") -> FlextResult[None]:
        """Record a value by name; see ``FlextMetricsService.record_metric``. Failure code before the start: ``not_started``."""
        recorded = get_observability().flat_map(
            lambda started: started.metrics.record_metric(name, value, metric_type=metric_type)
        )
        return recorded.map(lambda _: None)

    def flext_get_metrics_summary(self) -> FlextResult[dict[str, object]]:
        """Return what the collector measures now: name to a list of ``value``, ``unit`` and ``tags``."""
        return self.collector.collect().map(_by_name)

    def flext_get_health_status(self) -> FlextResult[dict[str, object]]:
        """Return ``status``, ``reasons`` and ``checks`` of ``FlextHealthService.overall``, and ``monitor_metrics``.

        Returns:
            The mapping; inside an event loop a ``PendingResult``: await it. Failure code before the start: ``not_started``.
        """
        report = get_observability().flat_map(lambda started: started.health.overall())
        return report.map(self._health)

    def __enter__(self) -> FlextObservabilityMonitor:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def _job(self) -> str:
        return f"monitor {id(self)}"

    def _interval(self) -> FlextResult[None]:
        given = cast("object", self.interval_seconds)
        if given is None or (is_number(given, minimum=_LEAST_INTERVAL) and given <= _MOST_INTERVAL):
            return FlextResult.ok(None)
        message = f"Invalid monitor interval: {preview(given)}; give seconds, {_LEAST_INTERVAL} to {_MOST_INTERVAL}"
        return FlextResult[None].fail(message, code="invalid_interval")

    def _start(self, started: Observability) -> FlextResult[None]:
        for rule in self.rules:
            added = started.alerts.add_rule(rule)
            if not added.success:
                self._remove_rules(started.alerts)
                return added.map(lambda _: None)
        measuring = self.collector.start()
        if not measuring.success:
            self._remove_rules(started.alerts)
            return measuring
        if self.interval_seconds is not None:
            scheduler().schedule(self._job, self.interval_seconds, self.evaluate_now)
        if self._alerts is None:
            self._alerts, self._started_at = started.alerts, monotonic()
        self._offer(started)
        return measuring

    def _offer(self, started: Observability) -> None:
        """Put the services into the container, under the names that the original project gave them."""
        if self.container is None:
            return
        for service in _SERVICES:
            name = {"alerts": "alert", "logs": "logging"}.get(service, service)
            self.container.register(f"flext_{name}_service", getattr(started, service))

    def _remove_rules(self, alerts: FlextAlertService) -> None:
        for rule in self._own_rules(alerts):
            alerts.remove_rule(rule.name)

    def _own_rules(self, alerts: FlextAlertService) -> list[FlextAlertRule]:
        return [rule for rule in alerts.rules().unwrap_or(()) if rule in self.rules]

    def _look(self, started: Observability) -> tuple[RuleState, ...]:
        started.alerts.run_pending()
        return self._states(started)

    def _states(self, started: Observability) -> tuple[RuleState, ...]:
        names = {rule.name for rule in self._own_rules(started.alerts)}
        return tuple(state for state in started.alerts.rule_states().unwrap_or(()) if state.rule in names)

    def _health(self, report: FlextHealthReport) -> dict[str, object]:
        status = self.status()
        return {
            "status": report.status,
            "reasons": list(report.reasons),
            "checks": {check.name: check.status for check in report.checks},
            "monitor_metrics": {
                "monitor_uptime_seconds": status.uptime_seconds,
                "services_initialized": self.flext_is_initialized(),
                "monitoring_active": status.active,
                "rules": [asdict(state) for state in status.rules],
            },
        }


def _by_name(metrics: list[FlextMetric]) -> dict[str, object]:
    found: dict[str, list[dict[str, object]]] = {}
    for metric in metrics:
        found.setdefault(metric.name, []).append({"value": metric.value, "unit": metric.unit, "tags": metric.tags})
    return dict(found)
