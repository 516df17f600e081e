"""Alert service: raise, escalate, acknowledge and resolve alerts, by calls and by rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.container import lookup
from flext_observability.domain.guard import contained, never_raises, nothing
from flext_observability.domain.result import FlextResult
from flext_observability.domain.setup_result import log_failed_setup
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.alerts.escalation import acknowledged, parse_escalation
from flext_observability.services.alerts.lifecycle import AlertLifecycle
from flext_observability.services.alerts.rule_evaluator import RuleEvaluator
from flext_observability.services.dependencies import entity_factory, find_clock, new_identity
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.settings.config import FlextObservabilityConfig, with_defaults
from flext_observability.values.foreign import is_a, plain_number, plain_text, type_name

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.alert_rule import FlextAlertRule
    from flext_observability.domain.container import Container
    from flext_observability.extensions.ports import FlextNotifier, MetricSource
    from flext_observability.services.alerts.notification_queue import NotifierStatus
    from flext_observability.services.alerts.rule_evaluator import RuleState

JOB: Final = "flext-alerts"


@final
class FlextAlertService:
    """Raise, escalate, acknowledge and resolve alerts. Thread-safe; never waits for a notifier.

    Operations return a result and never raise: an unexpected exception is the failure ``internal``.
    Alerts of one name, source and ``details["labels"]`` are one problem. While it is active, a further alert is counted
    and updates it. Notifiers receive it again when severity or status change, or after the repeat interval. The latest
    10 000 active alerts are kept.
    """

    def __init__(self, container: Container | None = None) -> None:
        """Create a service.

        Args:
            container: Source of optional parts: ``clock``, ``id_generator`` (for alerts of rules), ``notifiers`` (a
                mapping of names, a sequence, or one notifier), and ``repository``, which stores each state of an alert.
        """
        self._container = container
        self._persist: Persist[FlextAlert] = repository_writer(container, "store_alert")
        self._clock = find_clock(container)
        self._lifecycle = AlertLifecycle(self._clock, lookup(container, "notifiers"))
        self._notifiers = self._lifecycle.notifiers
        self._evaluator = RuleEvaluator(self._raise_for_rule, self._resolve_for_rule, self._clock)
        self._interval_seconds = with_defaults({}).alert_rules_interval_seconds
        self._metrics: MetricSource | None = None
        self._lock = ForkSafeLock()
        self._job = f"{JOB}-{id(self)}"  # one process may have several alert services
        register_fork_aware(self)

    @never_raises
    def create(
        self, name: str, severity: str, message: str, source: str = "", details: Mapping[str, object] | None = None
    ) -> FlextResult[FlextAlert]:
        """Create an alert and raise it. Arguments: see ``flext_create_alert``. Failures: see ``process_alert``."""
        created = entity_factory(self._container).create_alert(name, severity, message, source, details)
        return created.map(self._raise).flat_map(self._persist)

    @never_raises
    def process_alert(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Raise an alert: emit it, add it to the active alerts and notify.

        A resolved alert does not become active again. An alert with the status ``resolved`` resolves the active one.

        Returns:
            The current state of the alert, with the id of the active alert of its fingerprint; or a failure:
            ``invalid_alert``, or a failure of the container's repository, in which case the alert has been raised.
        """
        return _validate(alert).map(self._raise).flat_map(self._persist)

    @never_raises
    def escalate_alert(
        self, alert: FlextAlert | str, escalation: Mapping[str, object] | None = None
    ) -> FlextResult[FlextAlert]:
        """Escalate an active alert and notify.

        Args:
            alert: The alert, or its id.
            escalation: ``level`` (1 to 100; default: one more), ``reason`` (text) and ``severity``, all optional.

        Returns:
            A copy with the status ``escalated``; or a failure: ``invalid_alert``, ``not_active``, or a failure of the
            container's repository, in which case the alert has been escalated.
        """
        parsed = parse_escalation(escalation)
        return parsed.flat_map(lambda valid: self._change(alert, valid.apply))

    @never_raises
    def acknowledge_alert(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """Acknowledge an active alert: it stops escalating by time and repeating.

        Returns:
            A copy with the status ``acknowledged``; or a failure as of ``escalate_alert``.
        """
        return self._change(alert, acknowledged)

    @never_raises
    def resolve_alert(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """Resolve an active alert and notify.

        Args:
            alert: The alert, or its id.

        Returns:
            A copy with the status ``resolved``; or a failure as of ``escalate_alert``.
        """
        return self._resolve(alert).flat_map(self._persist)

    @never_raises
    def active_alerts(self) -> FlextResult[tuple[FlextAlert, ...]]:
        """Return the alerts that are not resolved, oldest first."""
        return FlextResult.ok(self._lifecycle.alerts())

    @never_raises
    def add_notifier(
        self,
        name: str,
        notifier: FlextNotifier | Callable[[FlextAlert], object],
        *,
        severities: Collection[str] | None = None,
    ) -> FlextResult[None]:
        """Send alerts to a notifier from now on. A notifier of the same name is replaced.

        Args:
            name: Name in the status and in the log.
            notifier: Object with ``notify(alert, timeout_seconds)``, or a function that takes an alert, sync or async.
            severities: Severities to send; None for all.

        Returns:
            Success, or a failure (``invalid_notifier``), which is logged, too.
        """
        added = self._notifiers.add(name, notifier, severities).tap(lambda _: self._update_schedule())
        return log_failed_setup("add_notifier", added)

    @never_raises
    def remove_notifier(self, name: str) -> FlextResult[None]:
        """Remove a notifier and drop its pending notifications. Failure ``unknown_notifier``."""
        return self._notifiers.remove(name)

    @never_raises
    def notifiers(self) -> FlextResult[tuple[NotifierStatus, ...]]:
        """Return the status of each notifier: its counts, its last error and the fix."""
        self._notifiers.check_hung()
        return FlextResult.ok(self._notifiers.statuses())

    @never_raises
    def add_rule(self, rule: FlextAlertRule) -> FlextResult[FlextAlertRule]:
        """Add a rule over a metric, or replace the rule of that name. A failure (``invalid_alert_rule``) is logged."""
        return log_failed_setup("add_rule", self._evaluator.add(rule).tap(lambda _: self._update_schedule()))

    @never_raises
    def remove_rule(self, name: str) -> FlextResult[None]:
        """Remove a rule and resolve its alerts. Failure ``unknown_alert_rule``."""
        return self._evaluator.remove(name).tap(lambda _: self._update_schedule())

    @never_raises
    def rules(self) -> FlextResult[tuple[FlextAlertRule, ...]]:
        """Return the rules, oldest first."""
        return FlextResult.ok(self._evaluator.rules())

    @never_raises
    def rule_states(self) -> FlextResult[tuple[RuleState, ...]]:
        """Return the state of every series of every rule."""
        return FlextResult.ok(self._evaluator.states())

    @contained(nothing)
    def configure(self, config: FlextObservabilityConfig) -> None:
        """Apply the intervals and notifiers of a configuration that starts."""
        if not is_a(cast("object", config), FlextObservabilityConfig):
            raise TypeError(f"{type_name(config)} is not a FlextObservabilityConfig")
        self._interval_seconds = plain_number(config.alert_rules_interval_seconds) or self._interval_seconds
        self._lifecycle.configure(config)

    @contained(nothing)
    def connect(self, metrics: MetricSource) -> None:
        """Start the periodic evaluation of rules, escalations and repetitions, at the configured interval."""
        self._metrics = metrics
        self._update_schedule()

    @contained(nothing)
    def begin_drain(self, deadline: float) -> None:
        """Skip back-off and send pending notifications immediately. Call ``disconnect`` afterwards."""
        self._notifiers.begin_drain(deadline)

    @contained(bool)
    def flush(self, deadline: float) -> bool:
        """Send pending notifications, and return whether all were sent before ``deadline`` (monotonic seconds)."""
        return self._notifiers.flush(deadline)

    @contained(nothing)
    def disconnect(self, deadline: float) -> None:
        """Stop the periodic work, flush, and drop the remaining notifications. Active alerts stay active."""
        self._metrics = None
        self._update_schedule()
        self._notifiers.close(deadline)

    def reinit_after_fork(self) -> None:
        """Remove the parent's alerts in a forked child. Notifiers and rules stay."""
        self._lifecycle.reinit_after_fork()
        self._evaluator.reinit_after_fork()

    @contained(nothing)
    def run_pending(self) -> None:
        """Evaluate rules, run due escalations and repetitions, and check for hung notifiers, once."""
        if self._metrics is not None and self._evaluator.rules():
            self._evaluator.evaluate(self._metrics(), self._clock.monotonic())
        self._notifiers.check_hung()
        self._lifecycle.run_due()
        self._update_schedule()

    def _change(self, alert: FlextAlert | str, change: Callable[[FlextAlert], FlextAlert]) -> FlextResult[FlextAlert]:
        valid = _validate_reference(alert)
        return valid.flat_map(lambda known: self._lifecycle.change(known, change)).flat_map(self._persist)

    def _raise(self, alert: FlextAlert) -> FlextAlert:
        """Raise a valid alert and return its current state."""
        raised = self._lifecycle.process(alert)
        self._update_schedule()
        return raised

    def _resolve(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        return _validate_reference(alert).flat_map(self._lifecycle.resolve).tap(lambda _: self._update_schedule())

    @never_raises
    def _raise_for_rule(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Raise an alert of a rule. A failure of the repository does not raise it again at the next evaluation."""
        identified = alert.model_copy(update=new_identity(self._container, type(alert)))
        return _validate(identified).map(self._raise).tap(self._persist)

    @never_raises
    def _resolve_for_rule(self, alert_id: str) -> FlextResult[FlextAlert]:
        return self._resolve(alert_id).tap(self._persist)

    def _update_schedule(self) -> None:
        """Schedule ``run_pending`` while there are rules or active alerts; cancel it otherwise."""
        with self._lock:
            connected, active = self._metrics is not None, self._lifecycle.count > 0
            if connected and (active or self._evaluator.rules()):
                scheduler().schedule(self._job, self._interval_seconds, self.run_pending)
            else:
                scheduler().cancel(self._job)
            self._notifiers.schedule_resend(on=connected and active)


def _validate(alert: object) -> FlextResult[FlextAlert]:
    from flext_observability.domain.alert import FlextAlert

    if not is_a(alert, FlextAlert):
        message = f"Invalid alert: {type_name(alert)}"
        return FlextResult[FlextAlert].fail(message, code="invalid_alert", fix="Pass a FlextAlert")
    return alert.validate_business_rules().map(lambda _: alert)


def _validate_reference(alert: FlextAlert | str) -> FlextResult[FlextAlert | str]:
    alert_id = plain_text(alert)
    return _validate(alert) if alert_id is None else FlextResult["FlextAlert | str"].ok(alert_id)
