"""Name, severity, message and source → FlextAlert, something that a person should know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from itertools import islice
from typing import ClassVar, Final, cast

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Details, Entity, now
from flext_observability.values.encoding import encode_tag, preview
from flext_observability.values.messages import describe_invalid_name
from flext_observability.values.names import ALERT_SEVERITIES

ALERT_STATUSES: Final = ("active", "acknowledged", "escalated", "resolved")
MAX_LABELS: Final = 64
"""Labels of one alert that count; further ones, in the order given, do not."""


class FlextAlert(Entity):
    """One alert; services return changed copies.

    Rules: name and message are not blank, the name has at most 1024 characters, severity and status are known words, the escalation level is not negative.

    Attributes:
        name: What the alert is about; alerts of one name, source and labels are one problem.
        severity: ``info``, ``warning``, ``error`` or ``critical``.
        message: What happened, for a person.
        source: What raised it; may be empty.
        details: Further facts. ``details["labels"]``, a mapping of names to text, tells this problem from others of its name and source.
        status: ``active``, ``acknowledged``, ``escalated`` or ``resolved``.
        escalation_level: 0 until it is escalated.
        timestamp: When it was raised, timezone-aware.
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
        """``details["labels"]`` as text, by sorted name; empty when there are none."""
        given = cast("object", self.details.get("labels"))
        if not isinstance(given, Mapping):
            return {}
        pairs = islice(cast("Mapping[object, object]", given).items(), MAX_LABELS)
        return dict(sorted((encode_tag(name), encode_tag(value)) for name, value in pairs))

    @property
    def fingerprint(self) -> str:
        """16 hex digits that are the same for all alerts of one name, source and labels, in every process."""
        identity = json.dumps([self.name, self.source, self.labels], separators=(",", ":"))
        return sha256(identity.encode()).hexdigest()[:16]

    def _broken_rule(self) -> str:
        if wrong := describe_invalid_name(self.name, "say what the alert is about"):
            return f"Invalid alert name: {wrong}"
        if self.severity not in ALERT_SEVERITIES:
            return f"Invalid alert severity: {preview(self.severity)}; use one of {', '.join(ALERT_SEVERITIES)}"
        if not self.message.strip():
            return "Invalid alert message: it is blank; say what happened"
        if self.status not in ALERT_STATUSES:
            return f"Invalid alert status: {preview(self.status)}; use one of {', '.join(ALERT_STATUSES)}"
        if self.escalation_level < 0:
            return f"Invalid alert escalation level: {preview(self.escalation_level)}; use 0 or more"
        return ""
