"""``python -m benchmarks.promises``: costs promised by the original design, and the measured ones, as JSON."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from benchmarks.cases.sides import start
from benchmarks.measure import interleave
from flext_observability import (
    FlextMetric,
    FlextMetricsService,
    flext_create_metric,
    flext_monitor_function,
)

OPERATIONS = 2000
STORED = 1000
TAGS = {"region": "eu", "shop": "north"}


@dataclass(frozen=True, slots=True)
class Promise:
    """One line of the results.

    Attributes:
        name: Name of the benchmark.
        measured: Measured cost.
        goal: Goal of the cost, or empty if only the promise counts.
        promised: Cost promised by the original design.
    """

    name: str
    measured: str
    goal: str
    promised: str


def promises() -> list[Promise]:
    """Measure the promised costs with an exporter that discards all items."""
    with start():
        best, stored = _times(), _stored_bytes()
    overhead = best["monitored"] - best["plain"]
    return [
        Promise("entity: FlextMetric(…)", _micro(best["entity"]), "about 20 µs", "1 ms"),
        Promise("flext_create_metric: validate, emit, store", _micro(best["create"]), "about 40 µs", "5 ms"),
        Promise("service operation: record_metric(name, value, …)", _micro(best["service"]), "", "5 ms"),
        Promise("@flext_monitor_function, beyond the function", _micro(overhead), "", "2 ms"),
        Promise(f"{STORED} stored metrics", f"{stored / 1e6:.2f} MB", "≤ 1.5 MB", "about 1 KB each"),
    ]


def _times() -> Mapping[str, float]:
    service = FlextMetricsService()

    def plain() -> None: ...

    monitored = flext_monitor_function("promised")(plain)
    rounds = interleave(
        {
            "entity": _repeat(lambda: FlextMetric(name="made", value=1.0, unit="ms", tags=TAGS)),
            "create": _repeat(lambda: flext_create_metric("promised.created", 1.0, "ms", TAGS)),
            "service": _repeat(lambda: service.record_metric("promised.recorded", 1.0, "ms", TAGS)),
            "plain": _repeat(plain),
            "monitored": _repeat(monitored),
        },
        OPERATIONS,
        rounds=11,
    )
    return {side: rounds.best(side) for side in rounds.costs}


def _repeat(operation: Callable[[], object]) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            operation()

    return work


def _stored_bytes() -> int:
    """Return the memory of a service with ``STORED`` metrics of ten series, in bytes."""
    service = FlextMetricsService(store_size=STORED)
    service.record_metric(
        "promised.stored", 0.5, "ms", TAGS
    )  # creates instruments and imports modules before the measurement
    gc.collect()
    tracemalloc.start()
    for number in range(STORED):
        service.record_metric("promised.stored", number + 0.5, "ms", {**TAGS, "till": number % 10})
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def _micro(microseconds: float) -> str:
    return f"{microseconds:.1f} µs"


if __name__ == "__main__":
    print(json.dumps({"promises": [asdict(promise) for promise in promises()]}), flush=True)
