"""Recording from racing threads: exact totals for both readers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.unit.engine.metrics.parts import Metrics

PER_THREAD = 20_000
THREADS = 4


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def race(work: Callable[[int], object], meanwhile: Callable[[], object]) -> int:
    """Run the work in threads; return how often ``meanwhile`` was called until they ended."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    calls = 0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        meanwhile()
        calls += 1
    for thread in threads:
        thread.join()
    return calls


@pytest.mark.parametrize("bound", [True, False])
def test_totals_of_racing_threads_are_exact_for_both_readers(bound: bool) -> None:
    metrics = Metrics()
    counter, histogram = metrics.meter.create_counter("c"), metrics.meter.create_histogram("h")
    attributes = {"k": "v"}
    deltas: list[int] = []

    def work(_: int) -> None:
        add = counter.bind(attributes).add if bound else lambda value: counter.add(value, attributes)
        record = histogram.bind(attributes).record if bound else lambda value: histogram.record(value, attributes)
        for value in range(PER_THREAD):
            add(1)
            record(value % 7)

    def collect() -> None:
        metrics.cumulative.collect()
        deltas.extend(point.value for point in metrics.deltas() if hasattr(point, "value"))

    assert race(work, collect) > 0
    collect()
    summed, distributed = metrics.points()
    assert summed.value == sum(deltas) == THREADS * PER_THREAD
    assert distributed.count == sum(distributed.bucket_counts) == THREADS * PER_THREAD
    assert distributed.sum == THREADS * sum(value % 7 for value in range(PER_THREAD))


def test_new_series_of_racing_threads_are_exact() -> None:
    metrics = Metrics(limit=100)
    counter = metrics.meter.create_counter("c")

    def work(_: int) -> None:
        for number in range(2000):
            counter.add(1, {"k": number % 150})

    race(work, metrics.points)
    values = metrics.values()
    assert sum(values.values()) == THREADS * 2000
    assert len(values) == 101
    assert "{'otel.metric.overflow': True}" in values
