"""Notifications of Alertmanager in memory: a bounded list that readers can filter and wait for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Notification:
    """One request of Alertmanager, in its webhook format."""

    number: int
    """Position since the start of the sink, from 1."""
    received_at: float
    """Seconds since the epoch."""
    payload: Mapping[str, Any]

    @property
    def status(self) -> str:
        """Return `firing` or `resolved`, as Alertmanager sent it."""
        return str(self.payload.get("status", ""))

    @property
    def alerts(self) -> list[Mapping[str, Any]]:
        """Return the alerts of the group."""
        found = self.payload.get("alerts")
        rows = cast("list[object]", found) if isinstance(found, list) else []
        return [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]

    def has(self, wanted: Mapping[str, str]) -> bool:
        """Return whether an alert of the group has these labels."""
        return not wanted or any(texts(alert.get("labels")).items() >= wanted.items() for alert in self.alerts)

    def as_json(self) -> dict[str, Any]:
        """Return the notification with its number and time."""
        return {"number": self.number, "received_at": self.received_at, **self.payload}


@dataclass(frozen=True, slots=True)
class Selection:
    """Filter of a reader."""

    after: int = 0
    """Only notifications with a greater number."""
    status: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """Labels that one alert of the group must have."""

    def matches(self, one: Notification) -> bool:
        """Return whether the reader wants this notification."""
        return one.number > self.after and self.status in {"", one.status} and one.has(dict(self.labels))


class Notifications:
    """The last notifications. Thread-safe."""

    def __init__(self, keep: int) -> None:
        """Create an empty list of at most `keep` notifications."""
        self._kept: deque[Notification] = deque(maxlen=keep)
        self._count = 0
        self._changed = threading.Condition()

    def add(self, payload: Mapping[str, Any]) -> Notification:
        """Append a notification, and wake all waiting readers."""
        with self._changed:
            self._count += 1
            one = Notification(self._count, time.time(), payload)
            self._kept.append(one)
            self._changed.notify_all()
        return one

    def select(self, selection: Selection, wait_seconds: float = 0.0) -> list[Notification]:
        """Return the matching notifications, oldest first. Wait for the first one at most `wait_seconds`."""
        deadline = time.monotonic() + wait_seconds
        with self._changed:
            while not (found := [one for one in self._kept if selection.matches(one)]):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
        return found


def texts(value: object) -> dict[str, str]:
    """Return a mapping of JSON with its values as texts, empty for another value."""
    entries = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    return {name: str(one) for name, one in entries.items()}
