"""Checked alerts and changes of them → the book, telemetry, and what notifiers are told; every decision about it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from flext_observability.adapters import alert as adapter
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.alerts.active_alerts import MAX_ACTIVE, ActiveAlerts, Entry
from flext_observability.services.alerts.escalation import due, policy_from
from flext_observability.services.alerts.notification_queue import inside_a_notifier
from flext_observability.services.alerts.notifier_set import Notifiers
from flext_observability.settings.config import with_defaults
from flext_observability.values.timestamps import to_unix_nanos
from flext_observability.views.links import grafana_link

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import Clock
    from flext_observability.settings.config import FlextObservabilityConfig

_logger: Final = logging.getLogger("flext_observability.alerts")


@dataclass(frozen=True, slots=True)
class _Transition:
    """What happened to an alert: as it is now, how often it was raised, since when it is so, and whether telemetry is to have it."""

    alert: FlextAlert
    occurrences: int = 1
    time_ns: int | None = None
    emit: bool = True
    raised: bool = False


@final
class AlertLifecycle:
    """The active alerts of one service; safe from threads. Telemetry is emitted outside the lock."""

    def __init__(self, clock: Clock, notifiers: object) -> None:
        """Begin without alerts.

        Args:
            clock: For durations and for the times of changes.
            notifiers: The first ones; see ``Notifiers``.
        """
        self._clock = clock
        self._lock = ForkSafeLock()
        self._book = ActiveAlerts()
        self._pace = policy_from(with_defaults({}))
        self._grafana_url = ""
        self.notifiers = Notifiers(self._told, notifiers)

    @property
    def count(self) -> int:
        """How many alerts are active."""
        return len(self._book)

    def configure(self, config: FlextObservabilityConfig) -> None:
        """Take a configuration that starts."""
        self._pace, self._grafana_url = policy_from(config), config.grafana_url
        self.notifiers.configure(config)

    def reinit_after_fork(self) -> None:
        """Begin without alerts in a forked child."""
        self._book.clear()
        self.notifiers.reinit_after_fork()

    def active(self) -> tuple[FlextAlert, ...]:
        """Return the active alerts, oldest first."""
        with self._lock:
            return tuple(entry.alert for entry in self._book)

    def take(self, alert: FlextAlert) -> FlextAlert:
        """Take a checked alert, and return it as it is now."""
        fresh = alert.mark_emitted()
        with self._lock:
            entry = self._book.find(alert)
            if self._book.has_ended(alert):
                news = _Transition(alert.model_copy(update={"status": "resolved"}), emit=False)
            elif alert.status == "resolved":
                news = _Transition(alert, emit=fresh) if entry is None else self._end(entry, alert)
            elif entry is None:
                self._raise(alert)
                news = _Transition(alert, emit=fresh, raised=True)
            else:
                news = self._merge(entry, alert, fresh=fresh)
        return self._emit(news)

    def change(self, alert: FlextAlert | str, change: Callable[[FlextAlert], FlextAlert]) -> FlextResult[FlextAlert]:
        """Change an active alert and tell of it; failure ``not_active``."""
        with self._lock:
            entry = self._book.find(alert)
            if entry is None:
                return _not_active()
            news = self._change(entry, change)
        return FlextResult.ok(self._emit(news))

    def resolve(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """End an active alert and tell of it; failure ``not_active``."""
        with self._lock:
            entry = self._book.find(alert)
            if entry is None:
                return _not_active()
            news = self._end(entry)
        return FlextResult.ok(self._emit(news))

    def run_due(self) -> None:
        """Escalate and repeat whatever is due at this moment."""
        with self._lock:
            escalate, repeat = due(self._book, self._clock.monotonic(), self._pace)
            for entry in repeat:
                self._tell(entry)
            news = [self._change(entry, step.apply) for entry, step in escalate]
        for each in news:
            self._emit(each)

    def _raise(self, alert: FlextAlert) -> None:
        evicted_before = self._book.given_up
        entry = self._book.add(alert, self._clock.monotonic())
        entry.quiet = inside_a_notifier()
        entry.trace_id = adapter.current_trace_id()
        if evicted_before == 0 and self._book.given_up:
            log_warning(
                _logger, f"Over {MAX_ACTIVE} alerts are active: the oldest are given up; resolve those that are over"
            )
        self._tell(entry)

    def _merge(self, entry: Entry, alert: FlextAlert, *, fresh: bool) -> _Transition:
        same_entity = alert.id in entry.ids
        step = self._book.take(entry, alert)
        last_notified_at = entry.last_notified_at
        late = last_notified_at is not None and self._clock.monotonic() - last_notified_at >= self._pace.repeat_seconds
        repeat = step == "repeated" and late and entry.alert.status != "acknowledged"
        if step == "changed" or repeat:
            self._tell(entry)
        time_ns = self._clock.time_ns() if same_entity else to_unix_nanos(alert.timestamp)
        emit = step == "changed" or (fresh and not same_entity)
        return _Transition(entry.alert, entry.occurrences, time_ns, emit=emit, raised=emit)

    def _change(self, entry: Entry, change: Callable[[FlextAlert], FlextAlert]) -> _Transition:
        before, entry.alert = entry.alert, change(entry.alert)
        if entry.alert == before:
            return _Transition(before, emit=False)
        entry.escalates_from = self._clock.monotonic()
        self._tell(entry)
        return _Transition(entry.alert, entry.occurrences, self._clock.time_ns())

    def _end(self, entry: Entry, alert: FlextAlert | None = None) -> _Transition:
        entry.alert = self._book.end(entry, alert)
        if entry.last_notified_at is not None:
            self.notifiers.tell(entry.fingerprint, self._shown(entry))
        return _Transition(entry.alert, entry.occurrences, self._clock.time_ns())

    def _tell(self, entry: Entry) -> None:
        if entry.quiet:
            return
        entry.last_notified_at = self._clock.monotonic()
        self.notifiers.tell(entry.fingerprint, self._shown(entry))

    def _told(self) -> list[FlextAlert]:
        """Return what notifiers were told of and is active."""
        with self._lock:
            return [self._shown(entry) for entry in self._book if entry.last_notified_at is not None]

    def _shown(self, entry: Entry) -> FlextAlert:
        """Return the alert as notifiers see it: with the trace in which it was raised."""
        if not entry.trace_id:
            return entry.alert
        raised_ns = to_unix_nanos(entry.alert.timestamp)
        link = grafana_link(self._grafana_url, entry.trace_id, raised_ns, raised_ns)
        trace = {"trace_id": entry.trace_id, **({"trace_url": link} if link else {})}
        return entry.alert.model_copy(update={"details": {**trace, **entry.alert.details}})

    def _emit(self, news: _Transition) -> FlextAlert:
        if news.emit:
            adapter.emit(news.alert, timestamp_ns=news.time_ns, occurrences=news.occurrences)
            if news.raised:
                plugin_hooks().dispatch("on_alert_raised", news.alert)
        return news.alert


def _not_active() -> FlextResult[FlextAlert]:
    message = "The alert is not active: process it first; an alert is resolved once"
    return FlextResult["FlextAlert"].fail(message, code="not_active")
