"""Active alerts by fingerprint, and ids of resolved ones (not synchronised: the owner holds a lock)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, final

from flext_observability.runtime.internal_log import log_warning

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert

MAX_ACTIVE: Final = 10_000
"""Maximum number of active alerts; one more evicts the oldest."""
MAX_RESOLVED_IDS: Final = 20_000
"""Maximum number of ids of resolved alerts, kept so that those alerts do not become active again."""
MAX_IDS: Final = 16
"""Maximum number of ids of one active alert: its first one and the latest ones."""

_logger: Final = logging.getLogger("flext_observability.alerts")
Change = Literal["none", "repeated", "changed"]
State = tuple[str, str, str]


@dataclass(slots=True)
class ActiveAlert:
    """One active alert.

    Attributes:
        alert: Current state, with the id and time of the first occurrence.
        fingerprint: Key of the alert.
        since: Time of the first occurrence, monotonic seconds.
        escalates_from: Start of the time to the next escalation, monotonic seconds.
        first_state: State of the first occurrence, to recognise it when it is processed again.
        ids: Ids of its occurrences, the first one first.
        occurrences: Number of occurrences.
        last_notified_at: Time of the last notification, monotonic seconds; None before the first one.
        trace_id: Trace of the first occurrence, 32 hex digits; empty outside a trace.
        muted: Whether a notifier raised the alert. It is not sent to notifiers, which could raise it endlessly.
    """

    alert: FlextAlert
    fingerprint: str
    since: float
    escalates_from: float
    first_state: State
    ids: list[str] = field(default_factory=list[str])
    occurrences: int = 1
    last_notified_at: float | None = None
    trace_id: str = ""
    muted: bool = False


@final
class ActiveAlerts:
    """The active alerts, oldest first."""

    def __init__(self) -> None:
        self._has_evicted = False
        self._by_fingerprint: dict[str, ActiveAlert] = {}
        self._by_id: dict[str, ActiveAlert] = {}
        self._resolved_ids: dict[str, None] = {}

    def __iter__(self) -> Iterator[ActiveAlert]:
        return iter(self._by_fingerprint.values())

    def __len__(self) -> int:
        return len(self._by_fingerprint)

    def find(self, alert: FlextAlert | str) -> ActiveAlert | None:
        """Return the active alert with this id, or with the id or fingerprint of this alert; None without one."""
        if isinstance(alert, str):
            return self._by_id.get(alert)
        if self.is_resolved(alert):
            return None
        return self._by_id.get(alert.id) or self._by_fingerprint.get(alert.fingerprint)

    def is_resolved(self, alert: FlextAlert) -> bool:
        """Return whether the alert was active and has been resolved."""
        return alert.id in self._resolved_ids

    def add(self, alert: FlextAlert, now: float) -> ActiveAlert:
        """Add an alert. If there are too many, evict the oldest one, which is logged once."""
        active = ActiveAlert(alert, alert.fingerprint, now, now, _state(alert))
        self._by_fingerprint[active.fingerprint] = active
        self._index(active, alert.id)
        if len(self) > MAX_ACTIVE:
            self._remove(next(iter(self)))
            if not self._has_evicted:
                self._has_evicted = True
                message = f"Over {MAX_ACTIVE} alerts are active: the oldest are evicted. Resolve alerts that are over."
                log_warning(_logger, message)
        return active

    def update(self, active: ActiveAlert, alert: FlextAlert) -> Change:
        """Update an active alert with another occurrence, or with a changed copy, and return the kind of change."""
        known = alert.id in self._by_id
        if known and _state(alert) in (active.first_state, _state(active.alert)):
            return "none"
        if not known:
            active.occurrences += 1
            self._index(active, alert.id)
        before = active.alert
        update = _mutable_fields(alert)
        update["escalation_level"] = max(alert.escalation_level, before.escalation_level)
        # Another occurrence does not undo an acknowledgement or an escalation.
        update["status"] = before.status if alert.status == "active" else alert.status
        active.alert = before.model_copy(update=update)
        changed = (before.severity, before.status) != (active.alert.severity, active.alert.status)
        return "changed" if changed else "repeated"

    def resolve(self, active: ActiveAlert, alert: FlextAlert | None = None) -> FlextAlert:
        """Remove an active alert and return it as resolved, updated with ``alert`` if given."""
        self._remove(active)
        self._resolved_ids.update(dict.fromkeys(active.ids))
        while len(self._resolved_ids) > MAX_RESOLVED_IDS:
            del self._resolved_ids[next(iter(self._resolved_ids))]
        update = {} if alert is None else _mutable_fields(alert)
        return active.alert.model_copy(update={**update, "status": "resolved"})

    def _index(self, active: ActiveAlert, alert_id: str) -> None:
        active.ids.append(alert_id)
        self._by_id[alert_id] = active
        if len(active.ids) > MAX_IDS:
            del self._by_id[active.ids.pop(1)]

    def _remove(self, active: ActiveAlert) -> None:
        del self._by_fingerprint[active.fingerprint]
        for each in active.ids:
            del self._by_id[each]


def _mutable_fields(alert: FlextAlert) -> dict[str, Any]:
    """Return the fields of a further occurrence that replace those of the first one."""
    return {"severity": alert.severity, "message": alert.message, "details": alert.details}


def _state(alert: FlextAlert) -> State:
    return alert.severity, alert.status, alert.message
