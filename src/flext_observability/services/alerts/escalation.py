"""Escalation of alerts: options and policy (pure: the caller provides the time)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flext_observability.domain.result import FlextResult
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import copy_mapping, is_a, is_mapping, is_one_of, plain_text
from flext_observability.values.names import ALERT_SEVERITIES

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.services.alerts.active_alerts import ActiveAlert
    from flext_observability.settings.config import FlextObservabilityConfig

MAX_LEVEL: Final = 3
"""Highest level that escalation by time reaches."""
MAX_EXPLICIT_LEVEL: Final = 100
"""Highest level that ``escalate_alert`` accepts."""
_OPTIONS: Final = ("level", "reason", "severity")


@dataclass(frozen=True, slots=True)
class Escalation:
    """One escalation of an alert.

    Attributes:
        level: New level; None for one more than before.
        reason: Reason, for a person; may be empty.
        severity: New severity; None for the same.
    """

    level: int | None = None
    reason: str = ""
    severity: str | None = None

    def apply(self, alert: FlextAlert) -> FlextAlert:
        """Return the escalated alert."""
        level = alert.escalation_level + 1 if self.level is None else self.level
        update: dict[str, Any] = {"status": "escalated", "escalation_level": level}
        if self.severity is not None:
            update["severity"] = self.severity
        if self.reason:
            update["details"] = {**alert.details, "escalation_reason": self.reason}
        return alert.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """Times after which active alerts are repeated and escalated.

    Attributes:
        repeat_seconds: Time between two notifications of an unchanged alert.
        escalate_seconds: Time to each escalation, by severity; a severity without a time, or with 0, never escalates.
    """

    repeat_seconds: float
    escalate_seconds: Mapping[str, float]

    def due_escalation(self, active: ActiveAlert, now: float) -> Escalation | None:
        """Return the escalation that is due now, or None. An acknowledged alert never escalates."""
        alert, seconds = active.alert, self.escalate_seconds.get(active.alert.severity, 0.0)
        if not seconds or alert.status == "acknowledged" or alert.escalation_level >= MAX_LEVEL:
            return None
        if now - active.escalates_from < seconds:
            return None
        return Escalation(reason=f"active for {_format_duration(now - active.since)} and not acknowledged")

    def is_repeat_due(self, active: ActiveAlert, now: float) -> bool:
        """Return whether the alert is sent to notifiers again. An acknowledged alert, or one never sent, is not."""
        if active.alert.status == "acknowledged" or active.last_notified_at is None:
            return False
        return now - active.last_notified_at >= self.repeat_seconds


def acknowledged(alert: FlextAlert) -> FlextAlert:
    """Return the alert as acknowledged."""
    return alert.model_copy(update={"status": "acknowledged"})


def policy_from(config: FlextObservabilityConfig) -> EscalationPolicy:
    """Return the policy of the settings."""
    return EscalationPolicy(
        config.alert_repeat_interval_seconds,
        {
            "warning": config.alert_escalate_warning_seconds,
            "error": config.alert_escalate_error_seconds,
            "critical": config.alert_escalate_critical_seconds,
        },
    )


def parse_escalation(options: object) -> FlextResult[Escalation]:
    """Validate the options of an escalation.

    Args:
        options: Mapping with ``level`` (1 to 100), ``reason`` (text) and ``severity``, all optional; or None.

    Returns:
        The escalation, or a failure (``invalid_alert``).
    """
    if options is not None and not is_mapping(options):
        return _invalid(f"escalation: {preview(options)}", f"Use a mapping with {', '.join(_OPTIONS)}")
    given = {} if options is None else copy_mapping(options)
    level, reason, severity = (given.pop(name, None) for name in _OPTIONS)
    if given:
        return _invalid(f"escalation: {preview(next(iter(given)))} is not known", f"Use {', '.join(_OPTIONS)}")
    if level is not None and (type(level) is not int or not 1 <= level <= MAX_EXPLICIT_LEVEL):
        return _invalid(f"escalation level: {preview(level)}", f"Use a whole number from 1 to {MAX_EXPLICIT_LEVEL}")
    if reason is not None and not is_a(reason, str):
        return _invalid(f"escalation reason: {preview(reason)}", "Use text")
    if severity is not None and not is_one_of(severity, ALERT_SEVERITIES):
        return _invalid(f"severity: {preview(severity)}", f"Use one of {', '.join(ALERT_SEVERITIES)}")
    return FlextResult[Escalation].ok(Escalation(level, plain_text(reason) or "", plain_text(severity)))


def _invalid(detail: str, fix: str) -> FlextResult[Escalation]:
    return FlextResult[Escalation].fail(f"Invalid alert {detail}", code="invalid_alert", fix=fix)


def _format_duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
