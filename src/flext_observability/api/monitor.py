"""Process and host metrics, and alert rules, started and stopped together (FlextObservabilityMonitor)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.api.handle import Observability
from flext_observability.api.start import get_observability, init_observability
from flext_observability.domain.guard import contained, never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.domain.setup_result import log_failed_setup
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import scheduler
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import plain_number, read_all
from flext_observability.values.interrupts import reraise_interrupt

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
_MIN_INTERVAL: Final = 0.01
_MAX_INTERVAL: Final = 86_400


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """State of a monitor.

    Attributes:
        active: Whether it is started, and telemetry too.
        uptime_seconds: Time since the start, in seconds; 0 when it is not active.
        rules: State of each series of each rule.
        unavailable: Metrics that the platform does not provide, with the reason.
    """

    active: bool
    uptime_seconds: float
    rules: tuple[RuleState, ...]
    unavailable: Mapping[str, str]


@final
class FlextObservabilityMonitor:
    """Starts and stops the collector of process and host metrics, and alert rules over any metric.

    Thread-safe; a context manager. It needs the telemetry that ``init_observability`` starts: it pauses at a shutdown,
    and continues with the next start.

    Args:
        container: Receives the services of the active telemetry when the monitor starts, as ``flext_metrics_service``,
            ``flext_tracing_service``, ``flext_alert_service``, ``flext_health_service`` and ``flext_logging_service``.
        rules: Alert rules that are evaluated while the monitor is active.
        collector: Collector of metrics; default: process and host.
        interval_seconds: Time between evaluations, in seconds, 0.01 to 86400; default: the setting
            ``alert_rules_interval_seconds``.
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
        self._invalid: FlextResult[None] = FlextResult.ok(None)
        self.rules = self._read_rules(rules)
        self.collector = FlextMetricsCollector() if collector is None else collector
        self.interval_seconds = interval_seconds
        self._lock = ForkSafeLock()
        self._alerts: FlextAlertService | None = None  # while it is started
        self._started_at = 0.0

    @property
    def active(self) -> bool:
        """Whether the monitor is started, and telemetry too."""
        return self._alerts is not None and get_observability().success

    @never_raises
    def start(self) -> FlextResult[None]:
        """Start collecting metrics and evaluating the rules. Idempotent.

        Returns:
            None on success. Failures, which change nothing and are logged: ``not_started`` (call
            ``init_observability`` first), ``invalid_interval``, ``invalid_alert_rule``, ``internal``.
        """
        with self._lock:
            valid = self._invalid.flat_map(lambda _: self._validate_interval())
            started = valid.flat_map(lambda _: get_observability()).flat_map(self._start)
        if started.code == "invalid_alert_rule":  # logged by add_rule
            return started
        return log_failed_setup("FlextObservabilityMonitor.start", started)

    @never_raises
    def stop(self) -> FlextResult[None]:
        """Stop, and resolve the alerts of the rules. Idempotent."""
        with self._lock:
            alerts, self._alerts = self._alerts, None
            if alerts is not None:  # the service keeps its rules through a shutdown
                scheduler().cancel(self._job)
                self.collector.stop()
                self._remove_rules(alerts)
            return FlextResult.ok(None)

    @never_raises
    def evaluate_now(self) -> FlextResult[tuple[RuleState, ...]]:
        """Evaluate the rules now, in the calling thread.

        Returns:
            State of each series of each rule. Failure: ``not_started``.
        """
        return get_observability().map(self._evaluate)

    @contained(lambda: MonitorStatus(active=False, uptime_seconds=0.0, rules=(), unavailable={}))
    def status(self) -> MonitorStatus:
        """Return the state of the monitor."""
        active = self.active
        uptime = monotonic() - self._started_at if active else 0.0
        states = get_observability().map(self._states).unwrap_or(())
        return MonitorStatus(active, uptime, states, self.collector.unavailable)

    @never_raises
    def flext_initialize_observability(self) -> FlextResult[None]:
        """Start telemetry with the settings of the environment, unless it is started; see ``init_observability``."""
        active = get_observability()
        return (active if active.success else init_observability()).map(lambda _: None)

    def flext_is_initialized(self) -> bool:
        """Whether telemetry is started."""
        return get_observability().success

    def flext_start_monitoring(self) -> FlextResult[None]:
        """Call ``start``."""
        return self.start()

    def flext_stop_monitoring(self) -> FlextResult[None]:
        """Call ``stop``."""
        return self.stop()

    def flext_is_monitoring_active(self) -> bool:
        """Return ``active``."""
        return self.active

    @never_raises
    def flext_record_metric(self, name: str, value: float, metric_type: str = "gauge") -> FlextResult[None]:
        """Record a value; see ``FlextMetricsService.record_metric``. Failure before the start: ``not_started``."""
        recorded = get_observability().flat_map(
            lambda active: active.metrics.record_metric(name, value, metric_type=metric_type)
        )
        return recorded.map(lambda _: None)

    @never_raises
    def flext_get_metrics_summary(self) -> FlextResult[dict[str, object]]:
        """Return the current process and host metrics: name to a list of ``value``, ``unit`` and ``tags``."""
        return self.collector.collect().map(_by_name)

    @never_raises
    def flext_get_health_status(self, *, blocking: bool = False) -> FlextResult[dict[str, object]]:
        """Return ``status``, ``reasons`` and ``checks`` of ``FlextHealthService.overall``, and ``monitor_metrics``.

        Args:
            blocking: See ``FlextHealthService.overall``.

        Returns:
            The mapping. Inside an event loop a ``PendingResult``: await it. Failure before the start: ``not_started``.
        """
        report = get_observability().flat_map(lambda active: active.health.overall(blocking=blocking))
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

    def _read_rules(self, rules: Iterable[FlextAlertRule]) -> tuple[FlextAlertRule, ...]:
        """Return the rules; with an iterable that raises or does not end, none, and ``start`` fails."""
        try:
            return tuple(read_all(rules))
        except BaseException as error:  # noqa: BLE001 - a foreign iterable
            reraise_interrupt(error)
            fix = "Pass a sequence of FlextAlertRule"
            message = f"Invalid alert rules: {describe_error(error)}"
            self._invalid = FlextResult[None].fail(message, code="invalid_alert_rule", fix=fix)
            return ()

    def _validate_interval(self) -> FlextResult[None]:
        given = cast("object", self.interval_seconds)
        seconds = plain_number(given)
        if given is None or (seconds is not None and _MIN_INTERVAL <= seconds <= _MAX_INTERVAL):
            return FlextResult.ok(None)
        message = f"Invalid monitor interval: {preview(given)} is out of range"
        fix = f"Use {_MIN_INTERVAL} to {_MAX_INTERVAL} seconds"
        return FlextResult[None].fail(message, code="invalid_interval", fix=fix)

    def _start(self, observability: Observability) -> FlextResult[None]:
        for rule in self.rules:
            added = observability.alerts.add_rule(rule)
            if not added.success:
                self._remove_rules(observability.alerts)
                return added.map(lambda _: None)
        measuring = self.collector.start()
        if not measuring.success:
            self._remove_rules(observability.alerts)
            return measuring
        interval = plain_number(self.interval_seconds)
        if interval is not None:
            scheduler().schedule(self._job, interval, self.evaluate_now)
        if self._alerts is None:
            self._alerts, self._started_at = observability.alerts, monotonic()
        self._register_services(observability)
        return measuring

    def _register_services(self, observability: Observability) -> None:
        """Register the services in the container."""
        if self.container is None:
            return
        for service in _SERVICES:
            name = {"alerts": "alert", "logs": "logging"}.get(service, service)
            self.container.register(f"flext_{name}_service", getattr(observability, service))

    def _remove_rules(self, alerts: FlextAlertService) -> None:
        for rule in self._own_rules(alerts):
            alerts.remove_rule(rule.name)

    def _own_rules(self, alerts: FlextAlertService) -> list[FlextAlertRule]:
        return [rule for rule in alerts.rules().unwrap_or(()) if rule in self.rules]

    def _evaluate(self, observability: Observability) -> tuple[RuleState, ...]:
        observability.alerts.run_pending()
        return self._states(observability)

    def _states(self, observability: Observability) -> tuple[RuleState, ...]:
        names = {rule.name for rule in self._own_rules(observability.alerts)}
        return tuple(state for state in observability.alerts.rule_states().unwrap_or(()) if state.rule in names)

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
