from __future__ import annotations

from typing import Any

from flext_observability import FlextContainer
from flext_observability.services.dependencies import SystemClock, find, find_clock


class PlainContainer:
    """A container of somebody else: bare values, and an exception for what is missing."""

    def __init__(self, **values: object) -> None:
        self._values = values

    def get(self, name: str) -> Any:
        return self._values[name]

    def register(self, name: str, instance: object) -> Any:
        self._values[name] = instance


def test_without_a_container_there_is_nothing() -> None:
    assert find(None, "clock") is None
    assert isinstance(find_clock(None), SystemClock)


def test_own_container() -> None:
    container, clock = FlextContainer(), SystemClock()
    assert find(container, "clock") is None
    container.register("clock", clock)
    assert find_clock(container) is clock


def test_container_of_somebody_else() -> None:
    clock = SystemClock()
    assert find_clock(PlainContainer(clock=clock)) is clock
    assert find(PlainContainer(), "clock") is None


def test_system_clock() -> None:
    clock = SystemClock()
    assert clock.time_ns() > 1_700_000_000_000_000_000
    assert clock.monotonic() <= clock.monotonic()
