"""Notices of one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from typing import Any, TypeVar

from flext_observability.domain.report import Notice, SignalOrAll
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")


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

    def load(
        self, signal: SignalOrAll, kind: str, name: str, create: Callable[[Any], T], *, install_fix: str
    ) -> T | None:
        """Load an entry point of OpenTelemetry and return the result of ``create``. A failure is None and a notice.

        Args:
            signal: Signal that a failure degrades.
            kind: Word in messages, and the name of the entry-point group: ``propagator``, ``resource detector``.
            name: Name of the entry point.
            create: Called with the loaded object of another package.
            install_fix: The fix of a missing package.
        """
        for entry in entry_points(group=f"opentelemetry_{kind.replace(' ', '_')}", name=name):
            try:
                return create(entry.load())
            except BaseException as error:  # noqa: BLE001 - code of another package
                reraise_interrupt(error)
                self.degrade(
                    signal, f"The {kind} '{name}' failed: {describe_error(error)}", f"Remove it from the {kind}s"
                )
                return None
        self.degrade(signal, f"The {kind} '{name}' is not installed", install_fix)
        return None

    def all(self) -> tuple[Notice, ...]:
        """Return all notices, in order."""
        return tuple(self._notices)
