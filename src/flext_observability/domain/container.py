"""Name → instance, registered by hand or made on first use (FlextContainer)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, cast, final

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.encoding import encode_tag, preview

if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")

_MAX_LIST_BYTES = 400


class Container(Protocol):
    """Anything that services can look names up in."""

    def register(self, name: str, instance: object) -> FlextResult[None]:
        """Keep ``instance`` under ``name``."""
        ...

    def get(self, name: str) -> FlextResult[object]:
        """Return what is registered under ``name``, or a failure."""
        ...


@final
class FlextContainer:
    """Registry of what services look up by name: ``repository``, ``notifiers``, ``clock``, ``id_generator``.

    Safe from threads. A name is registered once; a factory runs once, at the first ``get``, and again only when it failed.
    """

    __slots__ = ("_factories", "_instances", "_lock")

    def __init__(self) -> None:
        self._instances: dict[str, object] = {}
        self._factories: dict[str, Callable[[], object]] = {}
        self._lock = ForkSafeLock()

    def register(self, name: str, instance: object) -> FlextResult[None]:
        """Keep ``instance`` under ``name``.

        Returns:
            Success, or a failure: ``invalid_argument`` (empty name), ``already_registered``.
        """
        return self._keep(self._instances, name, instance)

    def register_factory(self, name: str, fn: Callable[[], object]) -> FlextResult[None]:
        """Keep ``fn``, which makes the instance at the first ``get``.

        Returns:
            Success, or a failure: ``invalid_argument`` (empty name, or not a function), ``already_registered``.
        """
        if not callable(cast("object", fn)):
            message = (
                f"A factory is a function without arguments, not {preview(fn)}: pass one, or register the instance"
            )
            return FlextResult[None].fail(message, code="invalid_argument")
        return self._keep(self._factories, name, fn)

    def get(self, name: str) -> FlextResult[object]:
        """Return what is registered under ``name``.

        Returns:
            The instance, or a failure: ``not_found``, ``factory_failed``.
        """
        with self._lock:
            names = self._names()
            if type(name) is not str or name not in names:
                known = encode_tag(", ".join(names) or "nothing", max_bytes=_MAX_LIST_BYTES)
                message = f"Nothing is registered under {preview(name)}: register it first (registered: {known})"
                return FlextResult[object].fail(message, code="not_found")
            if name not in self._instances:
                try:
                    self._instances[name] = self._factories[name]()
                except Exception as error:  # noqa: BLE001 - a user's factory must not break the host
                    from flext_observability.values.exceptions import describe_error

                    raised = f"The factory of {preview(name)} raised {describe_error(error)}"
                    return FlextResult[object].fail(f"{raised}; register one that works here", code="factory_failed")
            return FlextResult.ok(self._instances[name])

    def _names(self) -> list[str]:
        return sorted({*self._instances, *self._factories})

    def _keep(self, place: dict[str, T], name: str, value: T) -> FlextResult[None]:
        with self._lock:
            if type(name) is not str or not name:
                message = f"A name is a text that is not empty, not {preview(name)}: give one"
                return FlextResult[None].fail(message, code="invalid_argument")
            if name in self._names():
                message = f"{preview(name)} is registered already: use another name or a new container"
                return FlextResult[None].fail(message, code="already_registered")
            place[name] = value
            return FlextResult.ok(None)


def lookup(container: Container | None, name: str) -> object | None:
    """Return what a container holds under a name; None when there is no container or nothing in it.

    Args:
        container: Ours, or anything with a ``get`` that returns the bare value or a result, or raises for a missing name.
        name: Name to look up.
    """
    if container is None:
        return None
    try:
        found = cast("object", container.get(name))
    except Exception:  # noqa: BLE001 - a container of somebody else may raise for a missing name
        return None
    return cast("FlextResult[object]", found).data if isinstance(found, FlextResult) else found
