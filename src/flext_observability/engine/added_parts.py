"""Processors and readers that the program adds to the global providers: kept for later providers, ended at exit."""

from __future__ import annotations

from typing import Protocol, final

from flext_observability.domain.report import Signal
from flext_observability.runtime.bounded_call import BoundedCall
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime


class AddedPart(Protocol):
    """A span processor, log record processor or metric reader."""

    def shutdown(self) -> object:
        """Export what it holds, and end."""
        ...


@final
class AddedParts:
    """Parts that the program has added, by signal. The SDK's providers end theirs at exit, and so does this library."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._parts: dict[Signal, tuple[AddedPart, ...]] = {}

    def add(self, signal: Signal, part: AddedPart) -> None:
        """Keep a part that was added to the provider of a signal."""
        with self._lock:
            self._parts[signal] = (*self._parts.get(signal, ()), part)

    def remove(self, signal: Signal, part: AddedPart) -> None:
        """Remove a part that the provider has ended."""
        with self._lock:
            self._parts[signal] = tuple(each for each in self._parts.get(signal, ()) if each is not part)

    def of(self, signal: Signal) -> tuple[AddedPart, ...]:
        """Return the parts of a signal, in the order in which they were added."""
        return self._parts.get(signal, ())

    def begin_shutdown(self) -> list[BoundedCall[object]]:
        """Begin to shut all parts down, each on a thread of its own."""
        parts = [each for added in self._parts.values() for each in added]
        return [BoundedCall("shutting down a processor or reader of the program", each.shutdown) for each in parts]


def added_parts() -> AddedParts:
    """Return the added parts of the process."""
    return current_runtime().get(AddedParts)
