"""Container → what services need from it: a clock, a factory of entities (FlextContainer, or anything with `get` and `register`)."""

from __future__ import annotations

from time import monotonic, time_ns
from typing import TYPE_CHECKING, cast

from flext_observability.domain.container import find
from flext_observability.ports import Clock

if TYPE_CHECKING:
    from flext_observability.domain.container import Container
    from flext_observability.domain.factory import FlextObservabilityMasterFactory


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
    clock = find(container, "clock")
    return SystemClock() if clock is None else cast("Clock", clock)


def entity_factory(container: Container | None) -> FlextObservabilityMasterFactory:
    """Return a factory that takes ``clock`` and ``id_generator`` from the container; without one, the shared factory."""
    from flext_observability.domain.factory import FlextObservabilityMasterFactory, get_global_factory

    return get_global_factory() if container is None else FlextObservabilityMasterFactory(container)
