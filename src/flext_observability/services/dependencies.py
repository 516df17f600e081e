"""Parts that services share: clock, entity factory and identity from a container."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from flext_observability.domain.container import Container, lookup
from flext_observability.extensions.ports import Clock
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.foreign import is_a
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.factory import FlextObservabilityMasterFactory

Attributes = Mapping[str, object] | None
"""Values of any type by name."""


def find_clock(container: Container | None) -> Clock:
    """Return the ``clock`` of the container, or the module ``time``, which has the methods of a clock."""
    clock = lookup(container, "clock")
    return time if clock is None else cast("Clock", clock)


def entity_factory(container: Container | None) -> FlextObservabilityMasterFactory:
    """Return a factory with ``clock`` and ``id_generator`` of the container, the shared factory without a container."""
    from flext_observability.domain.factory import FlextObservabilityMasterFactory, get_global_factory

    return get_global_factory() if container is None else FlextObservabilityMasterFactory(container)


def new_identity(container: Container | None, entity: type[Entity]) -> dict[str, Any]:
    """Return id and time of a new entity from ``id_generator`` and ``clock`` of the container, if registered.

    A part that fails is logged once, and the entity gets its default id and time.
    """
    from flext_observability.domain.factory import identity

    problem: BaseException
    try:
        fields = identity(container, entity)
        if is_a(fields.get("id", ""), str):
            return fields
        problem = TypeError("the id is not text")
    except BaseException as error:  # noqa: BLE001 - a failing clock must not lose an entity
        reraise_interrupt(error)
        problem = error
    report_once("Getting id and time from the container", problem)
    return {}
