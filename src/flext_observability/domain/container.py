"""Name → instance, registered by hand or made on first use (FlextContainer)."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, final

from flext_observability.domain.result import FlextResult

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class FlextContainer:
    """Registry of what services look up by name: ``repository``, ``notifiers``, ``clock``, ``id_generator``.

    Safe from threads. A name is registered once; a factory runs once, at the first ``get``, and again only when it failed.
    """

    __slots__ = ("_factories", "_instances", "_lock")

    def __init__(self) -> None:
        self._instances: dict[str, object] = {}
        self._factories: dict[str, Callable[[], object]] = {}
        self._lock = RLock()

    def register(self, name: str, instance: object) -> FlextResult[None]:
        """Keep ``instance`` under ``name``.

        Returns:
            Success, or a failure: ``invalid_argument`` (empty name), ``already_registered``.
        """
        with self._lock:
            return self._free(name).tap(lambda _: self._instances.__setitem__(name, instance))

    def register_factory(self, name: str, fn: Callable[[], object]) -> FlextResult[None]:
        """Keep ``fn``, which makes the instance at the first ``get``.

        Returns:
            Success, or a failure: ``invalid_argument`` (empty name, not callable), ``already_registered``.
        """
        if not callable(fn):
            return FlextResult[None].fail(f"The factory of {name!r} is not callable: pass a function without arguments", code="invalid_argument")
        with self._lock:
            return self._free(name).tap(lambda _: self._factories.__setitem__(name, fn))

    def get(self, name: str) -> FlextResult[object]:
        """Return what is registered under ``name``.

        Returns:
            The instance, or a failure: ``not_found``, ``factory_failed``.
        """
        with self._lock:
            if name in self._instances:
                return FlextResult[object].ok(self._instances[name])
            if name in self._factories:
                return self._make(name)
            known = ", ".join(sorted({*self._instances, *self._factories})) or "nothing"
        return FlextResult[object].fail(f"Nothing is registered under {name!r}: register it first (registered: {known})", code="not_found")

    def _make(self, name: str) -> FlextResult[object]:
        try:
            made = self._factories[name]()
        except Exception as error:  # noqa: BLE001 - a user's factory must not break the host
            reason = f"The factory of {name!r} raised {type(error).__name__}: {error}"
            return FlextResult[object].fail(reason, code="factory_failed")
        return FlextResult[object].ok(self._instances.setdefault(name, made))

    def _free(self, name: object) -> FlextResult[None]:
        if not isinstance(name, str) or not name:
            return FlextResult[None].fail(f"A name must be a text that is not empty, not {name!r}", code="invalid_argument")
        if name in self._instances or name in self._factories:
            return FlextResult[None].fail(f"{name!r} is registered already: use another name or a new container", code="already_registered")
        return FlextResult[None].ok(None)
