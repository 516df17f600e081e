"""FlextHealthCheck: the result of one health check."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Details, Entity, Number, is_finite
from flext_observability.domain.rules import Violation, check_name, invalid_choice
from flext_observability.values.encoding import preview
from flext_observability.values.timestamps import now

HEALTH_STATUSES: Final = ("healthy", "degraded", "unhealthy", "unknown")


class FlextHealthCheck(Entity):
    """One health check and its result.

    Rules: the name is not blank and has at most 1024 characters. The status is a known word. The duration is finite and
    not negative.

    Attributes:
        name: The checked component, such as ``database``.
        status: ``healthy``, ``degraded``, ``unhealthy`` or ``unknown``.
        message: Description of the result for people; may be empty.
        details: Further information.
        duration_seconds: Duration of the check, in seconds.
        timestamp: Time of the check, timezone-aware.
    """

    kind: ClassVar[str] = "health_check"

    name: str
    status: str = "healthy"
    message: str = ""
    details: Details = Field(default_factory=dict)
    duration_seconds: Number = 0.0
    timestamp: AwareDatetime = Field(default_factory=now)

    def _find_violation(self) -> Violation | None:
        if violation := check_name("health check name", self.name, "Name the checked component, such as 'database'"):
            return violation
        if self.status not in HEALTH_STATUSES:
            return invalid_choice("health check status", self.status, HEALTH_STATUSES)
        if not is_finite(self.duration_seconds) or self.duration_seconds < 0:
            return Violation(
                "health check duration", preview(self.duration_seconds), "Use a finite number of seconds, 0 or more"
            )
        return None
