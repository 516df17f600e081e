"""FlextAlert: an event that requires attention."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import islice
from typing import ClassVar, Final, cast

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Details, Entity
from flext_observability.domain.rules import Violation, check_name, invalid_choice
from flext_observability.values.encoding import encode_tag, pairs_of, preview
from flext_observability.values.foreign import is_mapping
from flext_observability.values.names import ALERT_SEVERITIES
from flext_observability.values.timestamps import now

ALERT_STATUSES: Final = ("active", "acknowledged", "escalated", "resolved")
MAX_LABELS: Final = 64
"""Maximum number of labels of one alert. Further labels are ignored."""


class FlextAlert(Entity):
    """One alert. Services return changed copies.

    Rules: name and message are not blank. The name has at most 1024 characters. Severity and status are known words.
    The escalation level is not negative.

    Attributes:
        name: The problem. Alerts with the same name, source and labels are the same problem.
        severity: ``info``, ``warning``, ``error`` or ``critical``.
        message: Description for people.
        source: Component that raised the alert; may be empty.
        details: Further information. ``details["labels"]`` maps label names to text. Labels distinguish problems with
            the same name and source.
        status: ``active``, ``acknowledged``, ``escalated`` or ``resolved``.
        escalation_level: Number of escalations; 0 for a new alert.
        timestamp: Time of the event, timezone-aware.
    """

    kind: ClassVar[str] = "alert"

    name: str
    severity: str
    message: str
    source: str = ""
    details: Details = Field(default_factory=dict)
    status: str = "active"
    escalation_level: int = 0
    timestamp: AwareDatetime = Field(default_factory=now)

    @property
    def alert_id(self) -> str:
        """The alert's ``id``."""
        return self.id

    @property
    def labels(self) -> dict[str, str]:
        """``details["labels"]`` as text, sorted by name; empty without labels."""
        given = cast("object", self.details.get("labels"))
        if not is_mapping(given):
            return {}
        pairs = islice(pairs_of(given), MAX_LABELS)
        return dict(sorted((encode_tag(name), encode_tag(value)) for name, value in pairs))

    @property
    def fingerprint(self) -> str:
        """Hash of name, source and labels: 16 hex digits, the same in every process."""
        identity = json.dumps([self.name, self.source, self.labels], separators=(",", ":"))
        return sha256(identity.encode()).hexdigest()[:16]

    def _find_violation(self) -> Violation | None:
        if violation := check_name("alert name", self.name, "Name the problem, such as 'disk_full'"):
            return violation
        if self.severity not in ALERT_SEVERITIES:
            return invalid_choice("alert severity", self.severity, ALERT_SEVERITIES)
        if not self.message.strip():
            return Violation("alert message", "it is blank", "Describe what happened")
        if self.status not in ALERT_STATUSES:
            return invalid_choice("alert status", self.status, ALERT_STATUSES)
        if self.escalation_level < 0:
            return Violation("alert escalation level", preview(self.escalation_level), "Use 0 or more")
        return None
