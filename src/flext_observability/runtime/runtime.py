"""``Runtime``: the objects that live as long as the process, each created on first use (standard library only)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeVar, cast, final, runtime_checkable

from flext_observability.runtime.locks import ForkSafeLock

T = TypeVar("T")


@runtime_checkable
class RuntimeAware(Protocol):
    """An object with work in the background."""

    def end_with_runtime(self) -> None:
        """Stop working. Never blocks."""
        ...


@final
class Runtime:
    """Objects that live as long as the process, each created on first use.

    Thread-safe. Loading a module creates no object. A forked child keeps the objects, which are reinitialised
    (``runtime.fork``).
    """

    __slots__ = ("_lock", "_objects")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._objects: dict[Callable[[], object], object] = {}

    def get(self, make: Callable[[], T]) -> T:
        """Return the object that ``make`` returned on its first use in this runtime.

        Args:
            make: A class, or a module-level function, without arguments. It is the key of the object.
        """
        try:
            return cast("T", self._objects[make])
        except KeyError:
            with self._lock:
                if make not in self._objects:
                    self._objects[make] = make()
                return cast("T", self._objects[make])

    def end(self) -> None:
        """Stop the background work of all objects."""
        for each in list(self._objects.values()):
            if isinstance(each, RuntimeAware):
                each.end_with_runtime()


_current: Final[dict[str, Runtime]] = {}


def current_runtime() -> Runtime:
    """Return the runtime of the process, which is created on first use."""
    try:
        return _current["runtime"]
    except KeyError:
        return _current.setdefault("runtime", Runtime())


def replace_runtime() -> None:
    """End the runtime and start with a fresh one, as a new process would; for tests, after ``shutdown_observability``.

    References to objects of the former runtime stay usable. OpenTelemetry's globals can be set only once: they keep our
    providers, and the next start uses them again.
    """
    former = _current.pop("runtime", None)
    if former is not None:
        former.end()
