"""Active alerts and the time → those to escalate and those to tell again; options → a checked escalation (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from flext_observability.domain.result import FlextResult
from flext_observability.values.encoding import preview
from flext_observability.values.names import ALERT_SEVERITIES

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.services.alerts.active_alerts import Entry
    from flext_observability.settings.config import FlextObservabilityConfig

MAX_LEVEL: Final = 3
"""Level at which escalation by time ends."""
MAX_GIVEN_LEVEL: Final = 100
_OPTIONS: Final = ("level", "reason", "severity")


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """When what is active is told again, and when it escalates.

    Attributes:
        repeat_seconds: Time between two times of telling.
        escalate_seconds: Time to each escalation, by severity; what is missing or 0 never escalates.
    """

    repeat_seconds: float
    escalate_seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step up.

    Attributes:
        level: The new level; None: one more than before.
        reason: Why, for a person; may be empty.
        severity: The new severity; None: as before.
    """

    level: int | None = None
    reason: str = ""
    severity: str | None = None

    def apply(self, alert: FlextAlert) -> FlextAlert:
        """Return the alert, escalated."""
        level = alert.escalation_level + 1 if self.level is None else self.level
        update: dict[str, Any] = {"status": "escalated", "escalation_level": level}
        if self.severity is not None:
            update["severity"] = self.severity
        if self.reason:
            update["details"] = {**alert.details, "escalation_reason": self.reason}
        return alert.model_copy(update=update)


def acknowledged(alert: FlextAlert) -> FlextAlert:
    """Return the alert, acknowledged."""
    return alert.model_copy(update={"status": "acknowledged"})


def policy_from(config: FlextObservabilityConfig) -> EscalationPolicy:
    """Return the pace that the settings ask for."""
    return EscalationPolicy(
        config.alert_repeat_interval_seconds,
        {
            "warning": config.alert_escalate_warning_seconds,
            "error": config.alert_escalate_error_seconds,
            "critical": config.alert_escalate_critical_seconds,
        },
    )


def due(
    entries: Iterable[Entry], now: float, pace: EscalationPolicy
) -> tuple[list[tuple[Entry, Escalation]], list[Entry]]:
    """Return what is due at a moment: alerts to escalate, and alerts to tell again.

    An acknowledged alert is neither. One that escalates is told of anyway.

    Args:
        entries: The active alerts.
        now: Monotonic seconds.
        pace: The times.
    """
    escalate: list[tuple[Entry, Escalation]] = []
    tell: list[Entry] = []
    for entry in entries:
        alert = entry.alert
        wait = pace.escalate_seconds.get(alert.severity, 0.0)
        if alert.status == "acknowledged":
            continue
        if wait and alert.escalation_level < MAX_LEVEL and now - entry.escalates_from >= wait:
            escalate.append((entry, Escalation(reason=f"active for {_words(now - entry.since)} and not acknowledged")))
        elif entry.last_notified_at is not None and now - entry.last_notified_at >= pace.repeat_seconds:
            tell.append(entry)
    return escalate, tell


def escalation_of(options: object) -> FlextResult[Escalation]:
    """Check the options of an escalation.

    Args:
        options: ``level`` (1 to 100), ``reason`` (text) and ``severity``, each of them optional; None for none of them.

    Returns:
        The escalation, or a failure (``invalid_alert``).
    """
    if options is not None and not isinstance(options, Mapping):
        return _failure(f"escalation: {preview(options)}; use a mapping with {', '.join(_OPTIONS)}")
    given = dict(cast("Mapping[object, object]", options or {}))
    level, reason, severity = (given.pop(name, None) for name in _OPTIONS)
    if given:
        return _failure(f"escalation: {preview(next(iter(given)))} is not known; use {', '.join(_OPTIONS)}")
    if level is not None and (type(level) is not int or not 1 <= level <= MAX_GIVEN_LEVEL):
        return _failure(f"escalation level: {preview(level)}; use a whole number from 1 to {MAX_GIVEN_LEVEL}")
    if reason is not None and not isinstance(reason, str):
        return _failure(f"escalation reason: {preview(reason)}; use text")
    return _with_severity(level, reason or "", severity)


def _with_severity(level: int | None, reason: str, severity: object) -> FlextResult[Escalation]:
    if severity is not None and (not isinstance(severity, str) or severity not in ALERT_SEVERITIES):
        return _failure(f"severity: {preview(severity)}; use one of {', '.join(ALERT_SEVERITIES)}")
    return FlextResult[Escalation].ok(Escalation(level, reason, severity))


def _failure(wrong: str) -> FlextResult[Escalation]:
    return FlextResult[Escalation].fail(f"Invalid alert {wrong}", code="invalid_alert")


def _words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
