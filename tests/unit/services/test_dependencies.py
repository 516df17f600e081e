from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flext_observability import FlextContainer, FlextLoggingService, FlextMetricsService, FlextTracingService
from flext_observability.services.dependencies import SystemClock, find_clock

NOON_NS = 1_767_268_800_000_000_000


def stocked() -> FlextContainer:
    """Return a container with a clock that stands still and ids that count."""
    container, ids = FlextContainer(), iter(range(1, 100))
    container.register("clock", SimpleNamespace(time_ns=lambda: NOON_NS, monotonic=lambda: 1.0))
    container.register("id_generator", lambda: f"id-{next(ids)}")
    return container


def test_clock_of_the_container_or_the_systems() -> None:
    container, clock = FlextContainer(), SystemClock()
    assert isinstance(find_clock(None), SystemClock)
    assert isinstance(find_clock(container), SystemClock)
    container.register("clock", clock)
    assert find_clock(container) is clock


def test_new_entities_have_time_and_id_of_the_container() -> None:
    container = stocked()
    made: list[Any] = [
        FlextMetricsService(container).record_metric("dependencies.gauge", 1).unwrap(),
        *FlextMetricsService(container).collect_metrics("shop", {"dependencies.gauge": 2}).unwrap(),
        FlextLoggingService(container).log("info", "hello").unwrap(),
        FlextTracingService(container).start_trace("work").unwrap(),
    ]
    assert [entity.id for entity in made] == ["id-1", "id-2", "id-3", "id-4"]
    moments = [getattr(entity, entity.time_field).isoformat() for entity in made]
    assert moments == ["2026-01-01T12:00:00+00:00"] * 4


def test_system_clock() -> None:
    clock = SystemClock()
    assert clock.time_ns() > 1_700_000_000_000_000_000
    assert clock.monotonic() <= clock.monotonic()
