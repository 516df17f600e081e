"""Container → what services need from it: clock, factory of entities, repository (FlextContainer, or anything with `get` and `register`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from flext_observability.domain.container import lookup
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.ports import Clock
from flext_observability.runtime.internal_log import report_once

if TYPE_CHECKING:
    from flext_observability.domain.container import Container
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.factory import FlextObservabilityMasterFactory

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


class SystemClock:
    """The machine's clocks."""

    def time_ns(self) -> int:
        """Return wall time in nanoseconds since the Unix epoch."""
        return time_ns()

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return monotonic()


def find_clock(container: Container | None) -> Clock:
    """Return the container's ``clock``, or the system's."""
    clock = lookup(container, "clock")
    return SystemClock() if clock is None else cast("Clock", clock)


def entity_factory(container: Container | None) -> FlextObservabilityMasterFactory:
    """Return a factory that takes ``clock`` and ``id_generator`` from the container; without one, the shared factory."""
    from flext_observability.domain.factory import FlextObservabilityMasterFactory, get_global_factory

    return get_global_factory() if container is None else FlextObservabilityMasterFactory(container)


def new_identity(container: Container | None, entity: type[Entity]) -> dict[str, Any]:
    """Return id and time of a new entity as the container's ``id_generator`` and ``clock`` give them; what they do not give is left out."""
    from flext_observability.domain.factory import identity

    problem: Exception
    try:
        fields = identity(container, entity)
        if isinstance(fields.get("id", ""), str):
            return fields
        problem = TypeError("an id is text")
    except Exception as error:  # noqa: BLE001 - an entity of ours must not be lost because somebody's clock fails
        problem = error
    report_once("Asking the container for id and time", problem)
    return {}


def never_raises(operation: Callable[Concatenate[S, P], FlextResult[T]]) -> Callable[Concatenate[S, P], FlextResult[T]]:
    """Decorate a method that returns a result: an exception becomes a failure with the code ``internal``, logged once."""

    @wraps(operation)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> FlextResult[T]:
        try:
            return operation(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the border: nothing that telemetry does may break the program
            return FlextResult[T].fail(report_once(operation.__name__.lstrip("_"), error), code="internal")

    return guarded
