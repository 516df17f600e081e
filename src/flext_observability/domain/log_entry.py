"""Level, message and context → FlextLogEntry, one structured log line."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Details, Entity, now
from flext_observability.values.encoding import preview

LOG_LEVELS: Final = ("trace", "debug", "info", "warning", "error", "critical")
_ALIASES: Final = {"warn": "warning", "fatal": "critical"}


class FlextLogEntry(Entity):
    """One log line.

    Rules: the level is a known word in any case, the message is not blank.

    Attributes:
        level: ``trace``, ``debug``, ``info``, ``warning`` (``warn``), ``error`` or ``critical`` (``fatal``), kept as given.
        message: The text of the line.
        context: Attributes of the line.
        correlation_id: Id that ties the lines of one request together; None for the current one.
        timestamp: When it was written, timezone-aware.
    """

    kind: ClassVar[str] = "log"

    level: str
    message: str
    context: Details = Field(default_factory=dict)
    correlation_id: str | None = None
    timestamp: AwareDatetime = Field(default_factory=now)

    @property
    def severity(self) -> str:
        """The level as one of ``LOG_LEVELS``; an unknown one in lower case."""
        level = self.level.lower()
        return _ALIASES.get(level, level)

    def _broken_rule(self) -> str:
        if self.severity not in LOG_LEVELS:
            return f"Invalid log level: {preview(self.level)}; use one of {', '.join(LOG_LEVELS)}"
        if not self.message.strip():
            return "Invalid log message: it is blank; say what happened"
        return ""
