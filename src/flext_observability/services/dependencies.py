"""Container and name → what the container holds under that name (FlextContainer, or anything with `get` and `register`)."""

from __future__ import annotations

from time import monotonic, time_ns
from typing import TYPE_CHECKING, cast

from flext_observability.domain.result import FlextResult
from flext_observability.ports import Clock

if TYPE_CHECKING:
    from flext_observability.domain.container import Container


class SystemClock:
    """The machine's clocks."""

    def time_ns(self) -> int:
        """Return wall time in nanoseconds since the Unix epoch."""
        return time_ns()

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return monotonic()


def find(container: Container | None, name: str) -> object | None:
    """Return what the container holds under a name; None when there is no container or nothing in it."""
    if container is None:
        return None
    try:
        found = cast("object", container.get(name))
    except Exception:  # noqa: BLE001 - a container of somebody else may raise for a missing name
        return None
    return cast("FlextResult[object]", found).data if isinstance(found, FlextResult) else found


def find_clock(container: Container | None) -> Clock:
    """Return the container's clock, or the system's."""
    clock = find(container, "clock")
    return SystemClock() if clock is None else cast("Clock", clock)
