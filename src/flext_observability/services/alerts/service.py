"""Alert entities → the active ones, telemetry, and notifiers that are told (OTel API only)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.container import lookup
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.alerts.escalation import acknowledged, escalation_of
from flext_observability.services.alerts.lifecycle import AlertLifecycle
from flext_observability.services.alerts.rule_evaluator import RuleEvaluator
from flext_observability.services.dependencies import entity_factory, find_clock, never_raises, new_identity
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.settings.config import with_defaults

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.alert_rule import FlextAlertRule
    from flext_observability.domain.container import Container
    from flext_observability.extensions.ports import FlextNotifier, MetricSource
    from flext_observability.services.alerts.notification_queue import NotifierStatus
    from flext_observability.services.alerts.rule_evaluator import RuleState
    from flext_observability.settings.config import FlextObservabilityConfig

JOB: Final = "flext-alerts"


@final
class FlextAlertService:
    """Raise, escalate, acknowledge and resolve alerts, and tell notifiers of them; safe from threads, and never waits for a notifier.

    Alerts of one name, source and ``details["labels"]`` are one problem: while it is active, a further one is counted, updates it, and is told
    again only when severity or status change, or after the repeat interval. The newest 10 000 active alerts are kept.
    """

    def __init__(self, container: Container | None = None) -> None:
        """Make a service.

        Args:
            container: Where to look up ``clock``, ``id_generator`` for alerts of rules, ``notifiers`` (a mapping of names, a sequence, or
                one), and ``repository``, which keeps each alert as it becomes; optional.
        """
        self._container = container
        self._persist: Persist[FlextAlert] = repository_writer(container, "store_alert")
        self._clock = find_clock(container)
        self._desk = AlertLifecycle(self._clock, lookup(container, "notifiers"))
        self._notifiers = self._desk.notifiers
        self._engine = self._make_engine()
        self._interval_seconds = with_defaults({}).alert_rules_interval_seconds
        self._snapshot: MetricSource | None = None
        self._lock = ForkSafeLock()
        self._ticking = False
        self._job = f"{JOB}-{id(self)}"  # a platform has an alert service of its own beside the process's
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
        """Raise an alert: emit it, keep it among the active ones, and tell the notifiers.

        An alert that was resolved before does not become active again; one with the status ``resolved`` ends the active one.

        Returns:
            The alert as it is now, with the id of the first one of its kind that is active; or a failure: ``invalid_alert``, and those
            of the container's repository, though the alert has been raised.
        """
        return self._take(alert).flat_map(self._persist)

    @never_raises
    def escalate_alert(
        self, alert: FlextAlert | str, escalation: Mapping[str, object] | None = None
    ) -> FlextResult[FlextAlert]:
        """Take an active alert a level higher, and tell of it.

        Args:
            alert: The alert, or its id.
            escalation: ``level`` (1 to 100; default: one more), ``reason`` (text) and ``severity``, each of them optional.

        Returns:
            A copy with the status ``escalated``; or a failure: ``invalid_alert``, ``not_active``, and those of the container's
            repository, though the alert has been escalated.
        """
        escalated = escalation_of(escalation).flat_map(
            lambda step: _named(alert).flat_map(lambda known: self._desk.change(known, step.apply))
        )
        return escalated.flat_map(self._persist)

    @never_raises
    def acknowledge_alert(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """Say that somebody has taken an active alert on: it neither escalates by time nor repeats.

        Returns:
            A copy with the status ``acknowledged``; or a failure as of ``escalate_alert``.
        """
        return _named(alert).flat_map(lambda known: self._desk.change(known, acknowledged)).flat_map(self._persist)

    @never_raises
    def resolve_alert(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """End an active alert, and tell of it.

        Args:
            alert: The alert, or its id.

        Returns:
            A copy with the status ``resolved``; or a failure as of ``escalate_alert``.
        """
        return self._end(alert).flat_map(self._persist)

    @never_raises
    def active_alerts(self) -> FlextResult[tuple[FlextAlert, ...]]:
        """Return the alerts that are not resolved, oldest first."""
        return FlextResult.ok(self._desk.active())

    @never_raises
    def add_notifier(
        self,
        name: str,
        notifier: FlextNotifier | Callable[[FlextAlert], object],
        *,
        severities: Collection[str] | None = None,
    ) -> FlextResult[None]:
        """Have a notifier told of alerts from now on; it takes the place of one of that name.

        Args:
            name: For the status and the log.
            notifier: Object with ``notify(alert, timeout_seconds)``, or a function that takes an alert, sync or async.
            severities: Those that it is told of; None for all.

        Returns:
            Success, or a failure (``invalid_notifier``).
        """
        return self._notifiers.add(name, notifier, severities).tap(lambda _: self._keep_time())

    @never_raises
    def remove_notifier(self, name: str) -> FlextResult[None]:
        """Tell a notifier of nothing more; what waits for it is given up. Failure ``unknown_notifier``."""
        return self._notifiers.remove(name)

    @never_raises
    def notifiers(self) -> FlextResult[tuple[NotifierStatus, ...]]:
        """Return what became of the alerts for each notifier: delivered, failed, dropped, queued, last error and fix."""
        self._notifiers.look_after()
        return FlextResult.ok(self._notifiers.statuses())

    @never_raises
    def add_rule(self, rule: FlextAlertRule) -> FlextResult[FlextAlertRule]:
        """Raise and resolve alerts by a rule over a metric; one of the same name is replaced. Failure ``invalid_alert_rule``."""
        return self._engine.add(rule).tap(lambda _: self._keep_time())

    @never_raises
    def remove_rule(self, name: str) -> FlextResult[None]:
        """Look at a rule no more; its alerts are resolved. Failure ``unknown_alert_rule``."""
        return self._engine.remove(name).tap(lambda _: self._keep_time())

    @never_raises
    def rules(self) -> FlextResult[tuple[FlextAlertRule, ...]]:
        """Return the rules, oldest first."""
        return FlextResult.ok(self._engine.rules())

    @never_raises
    def rule_states(self) -> FlextResult[tuple[RuleState, ...]]:
        """Return where every series of every rule stands."""
        return FlextResult.ok(self._engine.states())

    def configure(self, config: FlextObservabilityConfig) -> None:
        """Take intervals and notifiers of a configuration that starts."""
        self._interval_seconds = config.alert_rules_interval_seconds
        self._desk.configure(config)

    def connect(self, snapshot: MetricSource) -> None:
        """Look at rules, escalations and repetitions from now on, as often as the configuration says."""
        self._snapshot = None
        self._keep_time()  # the interval may be another one now
        self._snapshot = snapshot
        self._keep_time()

    def hurry(self, deadline: float) -> None:
        """Have notifiers wait for nothing any more, while others are still being waited for; ``disconnect`` is to follow."""
        self._notifiers.hurry(deadline)

    def flush(self, deadline: float) -> bool:
        """Have notifiers told of whatever waits; whether that was done before ``deadline`` (monotonic seconds)."""
        return self._notifiers.flush(deadline)

    def disconnect(self, deadline: float) -> None:
        """End the work in the background: flush, give up what is left, count it and say so. Active alerts stay active."""
        self._snapshot = None
        self._keep_time()
        self._notifiers.close(deadline)

    def reinit_after_fork(self) -> None:
        """Begin without alerts in a forked child: those that are active are the parent's. Notifiers and rules stay."""
        self._desk.reinit_after_fork()
        rules, self._engine = self._engine.rules(), self._make_engine()
        for rule in rules:
            self._engine.add(rule)

    def tick(self) -> None:
        """Look at rules, escalations, repetitions and notifiers that hang, once."""
        if self._snapshot is not None and self._engine.rules():
            self._engine.evaluate(self._snapshot(), self._clock.monotonic())
        self._notifiers.look_after()
        self._desk.run_due()
        self._keep_time()

    def _make_engine(self) -> RuleEvaluator:
        return RuleEvaluator(self._take_from_rule, self._end_for_rule, self._clock)

    def _take(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        return _checked(alert).map(self._raise)

    def _raise(self, alert: FlextAlert) -> FlextAlert:
        """Raise an alert whose rules were checked, and return it as it is now."""
        raised = self._desk.take(alert)
        self._keep_time()
        return raised

    @never_raises
    def _take_from_rule(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Raise an alert of a rule; where it cannot be kept it is raised all the same, and not again and again."""
        return self._take(alert.model_copy(update=new_identity(self._container, type(alert)))).tap(self._persist)

    @never_raises
    def _end_for_rule(self, alert_id: str) -> FlextResult[FlextAlert]:
        return self._end(alert_id).tap(self._persist)

    def _end(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        return _named(alert).flat_map(self._desk.resolve).tap(lambda _: self._keep_time())

    def _keep_time(self) -> None:
        """Have the clock call ``tick`` while there is something to look at, and not otherwise."""
        with self._lock:
            connected = self._snapshot is not None
            needed = connected and bool(self._desk.count or self._engine.rules())
            if needed and not self._ticking:
                scheduler().schedule(self._job, self._interval_seconds, self.tick)
            elif self._ticking and not needed:
                scheduler().cancel(self._job)
            self._ticking = needed
            self._notifiers.schedule_resend(on=connected and self._desk.count > 0)


def _checked(alert: object) -> FlextResult[FlextAlert]:
    from flext_observability.domain.alert import FlextAlert

    if not isinstance(alert, FlextAlert):
        message = f"Invalid alert: pass a FlextAlert, not {type(alert).__name__}"
        return FlextResult[FlextAlert].fail(message, code="invalid_alert")
    return alert.validate_business_rules().map(lambda _: alert)


def _named(alert: FlextAlert | str) -> FlextResult[FlextAlert | str]:
    return FlextResult["FlextAlert | str"].ok(alert) if isinstance(alert, str) else _checked(alert)
