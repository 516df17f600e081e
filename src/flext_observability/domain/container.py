"""FlextContainer: registry of the objects that services look up by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, cast, final

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.encoding import encode_tag, preview
from flext_observability.values.foreign import is_a
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")

_MAX_LIST_BYTES = 400


class Container(Protocol):
    """Registry of objects by name."""

    def register(self, name: str, instance: object) -> FlextResult[None]:
        """Register ``instance`` as ``name``."""
        ...

    def get(self, name: str) -> FlextResult[object]:
        """Return the instance registered as ``name``, or a failure."""
        ...


@final
class FlextContainer:
    """Registry of objects by name. Services look up ``repository``, ``notifiers``, ``clock`` and ``id_generator``.

    Thread-safe. A name is registered once. A factory runs on the first ``get``, and again only after a failure.
    """

    __slots__ = ("_factories", "_instances", "_lock")

    def __init__(self) -> None:
        self._instances: dict[str, object] = {}
        self._factories: dict[str, Callable[[], object]] = {}
        self._lock = ForkSafeLock()

    def register(self, name: str, instance: object) -> FlextResult[None]:
        """Register ``instance`` as ``name``.

        Returns:
            Success, or a failure: ``invalid_argument`` (empty name), ``already_registered``.
        """
        return self._add(self._instances, name, instance)

    def register_factory(self, name: str, fn: Callable[[], object]) -> FlextResult[None]:
        """Register ``fn``, which creates the instance on the first ``get``.

        Returns:
            Success, or a failure: ``invalid_argument`` (empty name, or not a function), ``already_registered``.
        """
        if not callable(cast("object", fn)):
            message = f"Invalid factory: {preview(fn)} is not callable"
            fix = "Pass a function without arguments, or register the instance"
            return FlextResult[None].fail(message, code="invalid_argument", fix=fix)
        return self._add(self._factories, name, fn)

    def get(self, name: str) -> FlextResult[object]:
        """Return the instance registered as ``name``.

        Returns:
            The instance, or a failure: ``not_found``, ``factory_failed``.
        """
        with self._lock:
            names = self._names()
            if type(name) is not str or name not in names:
                known = encode_tag(", ".join(names) or "nothing", max_bytes=_MAX_LIST_BYTES)
                message = f"Unknown name: {preview(name)} is not registered (registered: {known})"
                return FlextResult[object].fail(message, code="not_found", fix="Register it first")
            if name not in self._instances:
                try:
                    self._instances[name] = self._factories[name]()
                except BaseException as error:  # noqa: BLE001 - a user's factory must not break the host
                    reraise_interrupt(error)
                    from flext_observability.values.exceptions import describe_error

                    message = f"The factory of {preview(name)} failed: {describe_error(error)}"
                    fix = "Correct the cause. The next get calls the factory again"
                    return FlextResult[object].fail(message, code="factory_failed", fix=fix)
            return FlextResult.ok(self._instances[name])

    def _names(self) -> list[str]:
        return sorted({*self._instances, *self._factories})

    def _add(self, target: dict[str, T], name: str, value: T) -> FlextResult[None]:
        with self._lock:
            if type(name) is not str or not name:
                message = f"Invalid name: {preview(name)}"
                return FlextResult[None].fail(message, code="invalid_argument", fix="Use text that is not empty")
            if name in self._names():
                message = f"Name already registered: {preview(name)}"
                fix = "Use another name or a new container"
                return FlextResult[None].fail(message, code="already_registered", fix=fix)
            target[name] = value
            return FlextResult.ok(None)


def lookup(container: Container | None, name: str) -> object | None:
    """Return the object registered as ``name``; None without a container or without such an object.

    Args:
        container: A ``FlextContainer``, or an object with a ``get`` that returns the value or a result. It may raise
            for an unknown name.
        name: Name to look up.
    """
    if container is None:
        return None
    try:
        found = cast("object", container.get(name))
    except BaseException as error:  # noqa: BLE001 - a foreign container may raise for an unknown name
        reraise_interrupt(error)
        return None
    return cast("FlextResult[object]", found).data if is_a(found, FlextResult) else found
