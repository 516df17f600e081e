"""FlextLogEntry: one structured log record."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Details, Entity
from flext_observability.domain.rules import Violation, invalid_choice
from flext_observability.values.timestamps import now

LOG_LEVELS: Final = ("trace", "debug", "info", "warning", "error", "critical")
_ALIASES: Final = {"warn": "warning", "fatal": "critical"}


class FlextLogEntry(Entity):
    """One log record.

    Rules: the level is a known word, in any case. The message is not blank.

    Attributes:
        level: ``trace``, ``debug``, ``info``, ``warning`` (``warn``), ``error`` or ``critical`` (``fatal``). Kept as
            given.
        message: The text.
        context: Attributes of the record.
        correlation_id: Id that connects the records of one request; None for the current id.
        timestamp: Time of the record, timezone-aware.
    """

    kind: ClassVar[str] = "log"

    level: str
    message: str
    context: Details = Field(default_factory=dict)
    correlation_id: str | None = None
    timestamp: AwareDatetime = Field(default_factory=now)

    @property
    def severity(self) -> str:
        """The level as one of ``LOG_LEVELS``; an unknown level in lower case."""
        level = self.level.lower()
        return _ALIASES.get(level, level)

    def _find_violation(self) -> Violation | None:
        if self.severity not in LOG_LEVELS:
            return invalid_choice("log level", self.level, LOG_LEVELS)
        if not self.message.strip():
            return Violation("log message", "it is blank", "Describe what happened")
        return None
