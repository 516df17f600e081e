"""Notices of one configuration."""

from __future__ import annotations

from collections.abc import Iterable

from flext_observability.domain.report import Notice, SignalOrAll


class Notices:
    """Collects the notices of start-up for the status."""

    __slots__ = ("_notices",)

    def __init__(self, notices: Iterable[Notice] = ()) -> None:
        self._notices = list(notices)

    def degrade(self, signal: SignalOrAll, message: str, fix: str = "") -> None:
        """Add a notice that degrades a signal."""
        self._notices.append(Notice(signal, message, fix, degrades=True))

    def warn(self, signal: SignalOrAll, message: str, fix: str = "") -> None:
        """Add a notice that does not degrade a signal."""
        self._notices.append(Notice(signal, message, fix))

    def extend(self, notices: Iterable[Notice]) -> None:
        """Add notices."""
        self._notices.extend(notices)

    def all(self) -> tuple[Notice, ...]:
        """Return all notices, in order."""
        return tuple(self._notices)
