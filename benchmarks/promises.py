"""What the original design promised → what it costs here, in microseconds and bytes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.hot_path import NowhereFactory
from benchmarks.measure import interleave
from flext_observability import (
    FlextMetric,
    FlextMetricsService,
    flext_create_metric,
    flext_monitor_function,
    init_observability,
    register_exporter,
    shutdown_observability,
)

OPERATIONS = 2000
STORED = 1000
TAGS = {"region": "eu", "shop": "north"}


@dataclass(frozen=True, slots=True)
class Promise:
    """One line of the results.

    Attributes:
        name: What was measured.
        measured: What it costs.
        goal: What it should cost; empty where the promise alone counts.
        promised: What the original design promised.
    """

    name: str
    measured: str
    goal: str
    promised: str


def promises() -> list[Promise]:
    """Measure everything that was promised, with an exporter that costs nothing."""
    register_exporter("nowhere", NowhereFactory())
    init_observability(service_name="bench", exporters="nowhere", console=False).unwrap()
    try:
        best, stored = _times(), _stored_bytes()
    finally:
        shutdown_observability()
    overhead = best["monitored"] - best["plain"]
    return [
        Promise("entity: FlextMetric(…)", _micro(best["entity"]), "about 20 µs", "1 ms"),
        Promise("flext_create_metric: validate, emit, store", _micro(best["create"]), "about 40 µs", "5 ms"),
        Promise("service operation: record_metric(name, value, …)", _micro(best["service"]), "", "5 ms"),
        Promise("@flext_monitor_function, beyond the function", _micro(overhead), "", "2 ms"),
        Promise(f"{STORED} stored metrics", f"{stored / 1e6:.2f} MB", "≤ 1.5 MB", "about 1 KB each"),
    ]


def _times() -> dict[str, float]:
    service = FlextMetricsService()

    def plain() -> None: ...

    monitored = flext_monitor_function("promised")(plain)
    return interleave(
        {
            "entity": _repeat(lambda: FlextMetric(name="made", value=1.0, unit="ms", tags=TAGS)),
            "create": _repeat(lambda: flext_create_metric("promised.created", 1.0, "ms", TAGS)),
            "service": _repeat(lambda: service.record_metric("promised.recorded", 1.0, "ms", TAGS)),
            "plain": _repeat(plain),
            "monitored": _repeat(monitored),
        },
        OPERATIONS,
    )


def _repeat(operation: Callable[[], object]) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            operation()

    return work


def _stored_bytes() -> int:
    """Return what a service with ``STORED`` metrics of a few series holds."""
    service = FlextMetricsService(store_size=STORED)
    service.record_metric("promised.stored", 0.5, "ms", TAGS)  # instruments and modules are made by now
    gc.collect()
    tracemalloc.start()
    for number in range(STORED):
        service.record_metric("promised.stored", number + 0.5, "ms", {**TAGS, "shelf": number % 10})
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def _micro(microseconds: float) -> str:
    return f"{microseconds:.1f} µs"
