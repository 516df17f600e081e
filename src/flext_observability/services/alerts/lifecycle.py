"""Alerts and changes of alerts → active alerts, telemetry and notifications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from flext_observability.adapters import alert as adapter
from flext_observability.adapters.trace import current_trace_id
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.alerts.active_alerts import ActiveAlert, ActiveAlerts
from flext_observability.services.alerts.escalation import policy_from
from flext_observability.services.alerts.notification_queue import inside_a_notifier
from flext_observability.services.alerts.notifier_set import NotifierSet
from flext_observability.settings.config import with_defaults
from flext_observability.values.timestamps import to_unix_nanos
from flext_observability.views.links import grafana_link

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import Clock
    from flext_observability.settings.config import FlextObservabilityConfig


@dataclass(frozen=True, slots=True)
class _Transition:
    """One change of an alert.

    Attributes:
        alert: The alert after the change.
        occurrences: Number of its occurrences.
        time_ns: Time of the change; None for the alert's own time.
        emit: Whether telemetry records the change.
        raised: Whether the alert was raised, rather than changed or resolved.
    """

    alert: FlextAlert
    occurrences: int = 1
    time_ns: int | None = None
    emit: bool = True
    raised: bool = False


@final
class AlertLifecycle:
    """Raises, changes, repeats and resolves the alerts of one service. Thread-safe."""

    def __init__(self, clock: Clock, notifiers: object) -> None:
        """Create the life cycle, without alerts.

        Args:
            clock: Source of durations and of the times of changes.
            notifiers: Initial notifiers; see ``NotifierSet``.
        """
        self._clock = clock
        self._lock = ForkSafeLock()
        self._active = ActiveAlerts()
        self._policy = policy_from(with_defaults({}))
        self._grafana_url = ""
        self.notifiers = NotifierSet(self._notified_alerts, notifiers)

    @property
    def count(self) -> int:
        """Number of active alerts."""
        return len(self._active)

    def configure(self, config: FlextObservabilityConfig) -> None:
        """Apply the settings of a configuration that starts."""
        self._policy, self._grafana_url = policy_from(config), config.grafana_url
        self.notifiers.configure(config)

    def reinit_after_fork(self) -> None:
        """Remove the parent's alerts in a forked child."""
        self._active = ActiveAlerts()
        self.notifiers.reinit_after_fork()

    def alerts(self) -> tuple[FlextAlert, ...]:
        """Return the active alerts, oldest first."""
        with self._lock:
            return tuple(active.alert for active in self._active)

    def process(self, alert: FlextAlert) -> FlextAlert:
        """Raise, update or resolve a valid alert, and return its current state."""
        first_time = alert.mark_emitted()
        with self._lock:
            active = self._active.find(alert)
            if self._active.is_resolved(alert):
                transition = _Transition(alert.model_copy(update={"status": "resolved"}), emit=False)
            elif alert.status == "resolved":
                transition = _Transition(alert, emit=first_time) if active is None else self._resolve(active, alert)
            elif active is None:
                self._raise(alert)
                transition = _Transition(alert, emit=first_time, raised=True)
            else:
                transition = self._merge(active, alert, first_time=first_time)
        return self._emit(transition)

    def change(self, alert: FlextAlert | str, change: Callable[[FlextAlert], FlextAlert]) -> FlextResult[FlextAlert]:
        """Apply a change to an active alert. Failure ``not_active``."""
        return self._apply(alert, lambda active: self._change(active, change))

    def resolve(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """Resolve an active alert. Failure ``not_active``."""
        return self._apply(alert, self._resolve)

    def run_due(self) -> None:
        """Escalate due alerts, and repeat due notifications."""
        now = self._clock.monotonic()
        transitions: list[_Transition] = []
        with self._lock:
            for active in self._active:
                escalation = self._policy.due_escalation(active, now)
                if escalation is not None:
                    transitions.append(self._change(active, escalation.apply))
                elif self._policy.is_repeat_due(active, now):
                    self._notify(active)
        for transition in transitions:
            self._emit(transition)

    def _apply(
        self, alert: FlextAlert | str, operation: Callable[[ActiveAlert], _Transition]
    ) -> FlextResult[FlextAlert]:
        with self._lock:
            active = self._active.find(alert)
            if active is None:
                fix = "Process it first; an alert can be resolved once"
                return FlextResult["FlextAlert"].fail("The alert is not active", code="not_active", fix=fix)
            transition = operation(active)
        return FlextResult.ok(self._emit(transition))

    def _raise(self, alert: FlextAlert) -> None:
        active = self._active.add(alert, self._clock.monotonic())
        active.muted = inside_a_notifier()
        active.trace_id = current_trace_id()
        self._notify(active)

    def _merge(self, active: ActiveAlert, alert: FlextAlert, *, first_time: bool) -> _Transition:
        """Update an active alert with a further occurrence or a changed copy."""
        same_entity = alert.id in active.ids
        change = self._active.update(active, alert)
        repeat_due = change == "repeated" and self._policy.is_repeat_due(active, self._clock.monotonic())
        if change == "changed" or repeat_due:
            self._notify(active)
        time_ns = self._clock.time_ns() if same_entity else to_unix_nanos(alert.timestamp)
        emit = change == "changed" or (first_time and not same_entity)
        return _Transition(active.alert, active.occurrences, time_ns, emit=emit, raised=emit)

    def _change(self, active: ActiveAlert, change: Callable[[FlextAlert], FlextAlert]) -> _Transition:
        before, active.alert = active.alert, change(active.alert)
        if active.alert == before:
            return _Transition(before, emit=False)
        active.escalates_from = self._clock.monotonic()
        self._notify(active)
        return _Transition(active.alert, active.occurrences, self._clock.time_ns())

    def _resolve(self, active: ActiveAlert, alert: FlextAlert | None = None) -> _Transition:
        active.alert = self._active.resolve(active, alert)
        if active.last_notified_at is not None:
            self.notifiers.notify(active.fingerprint, self._with_trace_link(active))
        return _Transition(active.alert, active.occurrences, self._clock.time_ns())

    def _notify(self, active: ActiveAlert) -> None:
        if not active.muted:
            active.last_notified_at = self._clock.monotonic()
            self.notifiers.notify(active.fingerprint, self._with_trace_link(active))

    def _notified_alerts(self) -> list[FlextAlert]:
        """Return the active alerts that notifiers have received."""
        with self._lock:
            return [self._with_trace_link(active) for active in self._active if active.last_notified_at is not None]

    def _with_trace_link(self, active: ActiveAlert) -> FlextAlert:
        """Return the alert with id and link of the trace in which it was raised, as notifiers receive it."""
        if not active.trace_id:
            return active.alert
        raised_ns = to_unix_nanos(active.alert.timestamp)
        link = grafana_link(self._grafana_url, active.trace_id, raised_ns, raised_ns)
        trace = {"trace_id": active.trace_id, **({"trace_url": link} if link else {})}
        return active.alert.model_copy(update={"details": {**trace, **active.alert.details}})

    def _emit(self, transition: _Transition) -> FlextAlert:
        if transition.emit:
            adapter.emit(transition.alert, timestamp_ns=transition.time_ns, occurrences=transition.occurrences)
            if transition.raised:
                plugin_hooks().dispatch("on_alert_raised", transition.alert)
        return transition.alert
