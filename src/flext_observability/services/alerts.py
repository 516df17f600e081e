"""Alert entities → log records, a counter and the list of active alerts (OTel API only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from flext_observability.adapters import alert as adapter
from flext_observability.domain.locks import ForkSafeLock
from flext_observability.domain.result import FlextResult
from flext_observability.services.dependencies import find_clock
from flext_observability.services.guard import never_raises

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.container import Container

MAX_ACTIVE = 10_000


@final
class FlextAlertService:
    """Raise and resolve alerts; safe from threads. The newest 10 000 active alerts are kept."""

    def __init__(self, container: Container | None = None) -> None:
        """Make a service.

        Args:
            container: Where to look up ``clock``; optional.
        """
        self._clock = find_clock(container)
        self._lock = ForkSafeLock()
        self._active: dict[str, FlextAlert] = {}

    @never_raises
    def process_alert(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Emit an alert and keep it among the active ones until it is resolved; an alert is emitted once.

        Returns:
            The alert, or a failure (``invalid_alert``).
        """
        return _checked(alert).tap(self._process)

    @never_raises
    def resolve_alert(self, alert: FlextAlert | str) -> FlextResult[FlextAlert]:
        """End an active alert.

        Args:
            alert: The alert, or its id.

        Returns:
            A copy with the status ``resolved``; or a failure: ``invalid_alert``, ``not_active``.
        """
        if isinstance(alert, str):
            return self._resolve(alert)
        return _checked(alert).flat_map(lambda valid: self._resolve(valid.id))

    def active_alerts(self) -> tuple[FlextAlert, ...]:
        """Return the alerts that are not resolved, oldest first."""
        with self._lock:
            return tuple(self._active.values())

    def _process(self, alert: FlextAlert) -> None:
        if alert.mark_emitted():
            adapter.emit(alert)
        with self._lock:
            if alert.status == "resolved":
                self._active.pop(alert.id, None)
                return
            self._active[alert.id] = alert
            if len(self._active) > MAX_ACTIVE:
                del self._active[next(iter(self._active))]

    def _resolve(self, alert_id: str) -> FlextResult[FlextAlert]:
        with self._lock:
            active = self._active.pop(alert_id, None)
        if active is None:
            message = "The alert is not active: process it first; an alert is resolved once"
            return FlextResult["FlextAlert"].fail(message, code="not_active")
        resolved = active.model_copy(update={"status": "resolved"})
        adapter.emit(resolved, timestamp_ns=self._clock.time_ns())
        return FlextResult["FlextAlert"].ok(resolved)


def _checked(alert: object) -> FlextResult[FlextAlert]:
    from flext_observability.domain.alert import FlextAlert

    if not isinstance(alert, FlextAlert):
        message = f"Invalid alert: pass a FlextAlert, not {type(alert).__name__}"
        return FlextResult[FlextAlert].fail(message, code="invalid_alert")
    return alert.validate_business_rules().map(lambda _: alert)
