"""Alerts → the active ones by fingerprint: counted, changed, ended (no lock and no clock of its own)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, final

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert

MAX_ACTIVE: Final = 10_000
"""Alerts that are active at one time; the oldest is given up for a further one."""
MAX_ENDED: Final = 20_000
"""Ids of ended alerts that are remembered, so that they do not become active again."""
MAX_IDS: Final = 16
"""Ids under which one active alert is found: its first, and the latest ones."""

Step = Literal["raised", "repeated", "changed", "ended", "none"]


@dataclass(slots=True)
class Entry:
    """One active alert.

    Attributes:
        alert: As it is now, with the id and the time of the first one.
        fingerprint: What it is found by.
        since: Since when it is active, monotonic seconds.
        escalates_from: When the time to its next escalation began, monotonic seconds.
        occurrences: How often it was raised.
        last_notified_at: When notifiers were told of it last, monotonic seconds; None: never.
        trace_id: Trace in which it was raised, 32 hex digits; empty outside one.
        quiet: Whether a notifier raised it: nobody is told, or telling would never end.
        ids: Ids of what was raised, the first one first.
        first: What the first one said, to know it again.
    """

    alert: FlextAlert
    fingerprint: str
    since: float
    escalates_from: float
    occurrences: int = 1
    last_notified_at: float | None = None
    trace_id: str = ""
    quiet: bool = False
    ids: list[str] = field(default_factory=list[str])
    first: tuple[str, str, str] = ("", "", "")


@final
class ActiveAlerts:
    """The active alerts, oldest first.

    Attributes:
        given_up: Active alerts that were given up because there were too many.
    """

    def __init__(self) -> None:
        self.given_up = 0
        self._entries: dict[str, Entry] = {}
        self._by_id: dict[str, Entry] = {}
        self._ended: dict[str, None] = {}

    def __iter__(self) -> Iterator[Entry]:
        """Go through the entries, oldest first."""
        return iter(self._entries.values())

    def __len__(self) -> int:
        """Return how many alerts are active."""
        return len(self._entries)

    def find(self, alert: FlextAlert | str) -> Entry | None:
        """Return the entry of an id, or of an alert by its id or fingerprint; None for what is not active."""
        if isinstance(alert, str):
            return self._by_id.get(alert)
        if alert.id in self._ended:
            return None
        return self._by_id.get(alert.id) or self._entries.get(alert.fingerprint)

    def has_ended(self, alert: FlextAlert) -> bool:
        """Whether this alert was active and is no more."""
        return alert.id in self._ended

    def add(self, alert: FlextAlert, now: float) -> Entry:
        """Take a new active alert, and return its entry; the oldest one gives way when there are too many."""
        entry = Entry(alert, alert.fingerprint, now, now, first=_said(alert))
        self._entries[entry.fingerprint] = entry
        self._know(entry, alert.id)
        if len(self) > MAX_ACTIVE:
            self.given_up += 1
            self._remove(next(iter(self)))
        return entry

    def take(self, entry: Entry, alert: FlextAlert) -> Step:
        """Bring an entry up to date with an alert of the same fingerprint, and say what that changed."""
        known = alert.id in self._by_id
        if known and _said(alert) in (entry.first, _said(entry.alert)):
            return "none"
        if not known:
            entry.occurrences += 1
            self._know(entry, alert.id)
        before = entry.alert
        update = _report(alert)
        update["escalation_level"] = max(alert.escalation_level, before.escalation_level)
        # An alert that is raised again is as it was: acknowledged or escalated.
        update["status"] = before.status if alert.status == "active" else alert.status
        entry.alert = before.model_copy(update=update)
        changed = (before.severity, before.status) != (entry.alert.severity, entry.alert.status)
        return "changed" if changed else "repeated"

    def end(self, entry: Entry, alert: FlextAlert | None = None) -> FlextAlert:
        """Take an entry away, and return its alert as resolved, with what a resolved ``alert`` says."""
        self._remove(entry)
        for each in entry.ids:
            self._ended[each] = None
        while len(self._ended) > MAX_ENDED:
            del self._ended[next(iter(self._ended))]
        update: dict[str, Any] = {"status": "resolved"}
        if alert is not None:
            update |= _report(alert)
        return entry.alert.model_copy(update=update)

    def clear(self) -> None:
        """Forget everything."""
        for each in (self._entries, self._by_id, self._ended):
            each.clear()
        self.given_up = 0

    def _know(self, entry: Entry, alert_id: str) -> None:
        entry.ids.append(alert_id)
        self._by_id[alert_id] = entry
        if len(entry.ids) > MAX_IDS:
            del self._by_id[entry.ids.pop(1)]

    def _remove(self, entry: Entry) -> None:
        del self._entries[entry.fingerprint]
        for each in entry.ids:
            del self._by_id[each]


def _report(alert: FlextAlert) -> dict[str, Any]:
    """Return what a further alert brings up to date in the first one."""
    return {name: getattr(alert, name) for name in ("severity", "message", "details")}


def _said(alert: FlextAlert) -> tuple[str, str, str]:
    return alert.severity, alert.status, alert.message
