"""Name, status and message → FlextHealthCheck, the outcome of one check."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Details, Entity, Number, is_finite, now
from flext_observability.values.encoding import preview
from flext_observability.values.messages import describe_invalid_name

HEALTH_STATUSES: Final = ("healthy", "degraded", "unhealthy", "unknown")


class FlextHealthCheck(Entity):
    """One health check and what it found.

    Rules: the name is not blank and has at most 1024 characters, the status is a known word, the duration is finite and not negative.

    Attributes:
        name: What was checked, such as ``database``.
        status: ``healthy``, ``degraded``, ``unhealthy`` or ``unknown``.
        message: What was found, for a person; may be empty.
        details: Further facts.
        duration_seconds: How long the check took, in seconds.
        timestamp: When it was checked, timezone-aware.
    """

    kind: ClassVar[str] = "health_check"

    name: str
    status: str = "healthy"
    message: str = ""
    details: Details = Field(default_factory=dict)
    duration_seconds: Number = 0.0
    timestamp: AwareDatetime = Field(default_factory=now)

    def _broken_rule(self) -> str:
        if wrong := describe_invalid_name(self.name, "say what is checked, such as 'database'"):
            return f"Invalid health check name: {wrong}"
        if self.status not in HEALTH_STATUSES:
            return f"Invalid health check status: {preview(self.status)}; use one of {', '.join(HEALTH_STATUSES)}"
        if not is_finite(self.duration_seconds) or self.duration_seconds < 0:
            return f"Invalid health check duration: {preview(self.duration_seconds)}; use seconds, 0 or more"
        return ""
