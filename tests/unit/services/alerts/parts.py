"""Helpers of alert tests: a manual clock, a scripted notifier, alerts."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from flext_observability import FlextAlert, FlextAlertService, FlextContainer, FlextResult

START_NS = 1_700_000_000_000_000_000
BUSY: FlextResult[None] = FlextResult[None].fail("the server is busy", code="unavailable", fix="Wait")
REJECTED: FlextResult[None] = FlextResult[None].fail("unknown room", code="rejected", fix="Correct the room")


class ManualClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time_ns(self) -> int:
        return START_NS + int(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now


class ScriptedNotifier:
    """Returns the results of a script in turn, then success; records what it received."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.received: list[FlextAlert] = []
        self.seconds: list[float] = []
        self.hold = threading.Event()
        self.hold.set()
        self.called = threading.Event()

    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        self.received.append(alert)
        self.seconds.append(timeout_seconds)
        self.called.set()
        self.hold.wait(10)
        return self.play()

    def play(self) -> FlextResult[None]:
        """Return or raise the next step of the script."""
        step = self.script.pop(0) if self.script else FlextResult[None].ok(None)
        if isinstance(step, BaseException):
            raise step
        answer: FlextResult[None] = step
        return answer

    def states(self) -> list[tuple[str, str, str]]:
        """Return name, severity and status of the received alerts."""
        return [(alert.name, alert.severity, alert.status) for alert in self.received]


class ResendingNotifier(ScriptedNotifier):
    """Needs active alerts to be sent again; records the names of each round."""

    refresh_seconds = 60.0

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.rounds: list[list[str]] = []

    def notify_all(self, alerts: Sequence[FlextAlert], timeout_seconds: float) -> FlextResult[None]:
        self.rounds.append([alert.name for alert in alerts])
        return self.play()


def make(**fields: Any) -> FlextAlert:
    return FlextAlert.model_validate({"name": "disk", "severity": "error", "message": "full", **fields})


def service_with(notifier: object, clock: ManualClock | None = None) -> FlextAlertService:
    """Return a service with one notifier, named ``n``."""
    container = FlextContainer()
    container.register("notifiers", {"n": notifier})
    if clock is not None:
        container.register("clock", clock)
    return FlextAlertService(container)


def flush(service: FlextAlertService, seconds: float = 5.0) -> bool:
    return service.flush(time.monotonic() + seconds)
