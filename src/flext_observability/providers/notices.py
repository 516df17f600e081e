"""Findings of start-up → notices, collected by the steps that make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from flext_observability.domain.report import Notice, Signal


class Notices:
    """A list that steps write to; the status reads it."""

    __slots__ = ("_notices",)

    def __init__(self, notices: Iterable[Notice] = ()) -> None:
        self._notices = list(notices)

    def degrade(self, signal: Signal | Literal["all"], message: str, fix: str = "") -> None:
        """Note that a signal cannot do what the settings ask for."""
        self._notices.append(Notice(signal, message, fix, degrades=True))

    def warn(self, signal: Signal | Literal["all"], message: str, fix: str = "") -> None:
        """Note something worth reading that degrades nothing."""
        self._notices.append(Notice(signal, message, fix))

    def extend(self, notices: Iterable[Notice]) -> None:
        """Take over notices found elsewhere."""
        self._notices.extend(notices)

    def all(self) -> tuple[Notice, ...]:
        """Return everything found, in order."""
        return tuple(self._notices)
