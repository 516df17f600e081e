"""Notices of one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from flext_observability.domain.report import Notice, SignalOrAll
from flext_observability.runtime.bounded_call import call_at_start
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

LOAD_SECONDS = 5.0
"""Limit of loading and creating one object of another package."""
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
        from importlib.metadata import entry_points  # a tenth of the start-up time, which most starts do not need

        for entry in entry_points(group=f"opentelemetry_{kind.replace(' ', '_')}", name=name):
            call = call_at_start(f"the {kind} {name}", partial(_load, entry, create), LOAD_SECONDS)
            if call.error is not None or not call.done:
                reason = f"failed: {describe_error(call.error)}" if call.error is not None else "does not return"
                self.degrade(signal, f"The {kind} '{name}' {reason}", f"Remove it from the {kind}s")
            return call.value
        self.degrade(signal, f"The {kind} '{name}' is not installed", install_fix)
        return None

    def all(self) -> tuple[Notice, ...]:
        """Return all notices, in order."""
        return tuple(self._notices)


def _load(entry: EntryPoint, create: Callable[[Any], T]) -> T:
    return create(entry.load())
