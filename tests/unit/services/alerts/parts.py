"""Parts of tests of alerts: a clock that is set, a notifier that answers as told, alerts."""

from __future__ import annotations

import threading
import time
from typing import Any

from flext_observability import FlextAlert, FlextAlertService, FlextContainer, FlextResult

START_NS = 1_700_000_000_000_000_000
BUSY: FlextResult[None] = FlextResult[None].fail("the server is busy; wait", code="unavailable")
REFUSED: FlextResult[None] = FlextResult[None].fail("no such room; correct the room", code="rejected")


class SetClock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time_ns(self) -> int:
        return START_NS + int(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now


class ScriptedNotifier:
    """Gives the answers of a script in turn, then success; remembers what it was told."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.told: list[FlextAlert] = []
        self.seconds: list[float] = []
        self.hold = threading.Event()
        self.hold.set()
        self.began = threading.Event()

    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        self.told.append(alert)
        self.seconds.append(timeout_seconds)
        self.began.set()
        self.hold.wait(10)
        step = self.script.pop(0) if self.script else FlextResult[None].ok(None)
        if isinstance(step, BaseException):
            raise step
        answer: FlextResult[None] = step
        return answer

    def heard(self) -> list[tuple[str, str, str]]:
        """Return name, severity and status of what it was told."""
        return [(alert.name, alert.severity, alert.status) for alert in self.told]


def make(**fields: Any) -> FlextAlert:
    return FlextAlert.model_validate({"name": "disk", "severity": "error", "message": "full", **fields})


def service_with(notifier: object, clock: SetClock | None = None) -> FlextAlertService:
    """Return a service with one notifier, named ``n``."""
    container = FlextContainer()
    container.register("notifiers", {"n": notifier})
    if clock is not None:
        container.register("clock", clock)
    return FlextAlertService(container)


def flush(service: FlextAlertService, seconds: float = 5.0) -> bool:
    return service.flush(time.monotonic() + seconds)
