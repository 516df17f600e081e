"""Recording from signal handlers, finalisers and garbage collections: nothing is lost, and nothing waits."""

from __future__ import annotations

import gc
import signal
import time
from types import FrameType
from typing import Any

from flext_observability.engine.metrics.series import MAX_VALUES
from tests.unit.engine.metrics.parts import Metrics


def test_a_signal_handler_records_on_the_instrument_that_it_interrupts() -> None:
    metrics = Metrics()
    counter, histogram = metrics.meter.create_counter("c"), metrics.meter.create_histogram("h")
    bound = counter.bind()
    handled = recorded = 0

    def handle(_: int, __: FrameType | None) -> None:
        nonlocal handled
        handled += 1
        bound.add(1)
        counter.add(1)
        histogram.record(1)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            bound.add(1)
            counter.add(1)
            histogram.record(1)
            recorded += 1
            if recorded % 1000 == 0:
                metrics.points()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handled > 10
    summed, distributed = metrics.points()
    assert summed.value == 2 * (handled + recorded)
    assert distributed.count == handled + recorded


def test_finalisers_and_garbage_collections_record() -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    finalised = 0

    class Finalised:
        """Measures its end."""

        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            nonlocal finalised
            finalised += 1
            counter.add(1, {"k": "v"})

    def on_collection(phase: str, _: Any) -> None:
        nonlocal finalised
        finalised += phase == "start"
        counter.add(int(phase == "start"), {"k": "v"})

    threshold = gc.get_threshold()
    gc.callbacks.append(on_collection)
    gc.set_threshold(5, 2, 2)
    try:
        for number in range(3000):
            Finalised()
            counter.add(1, {"k": "v", "other": [number % 3]})
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(on_collection)
    gc.collect()
    assert finalised > 3000
    assert metrics.values()["{'k': 'v'}"] == finalised
    assert sum(metrics.values().values()) == finalised + 3000


def test_a_collection_during_an_interrupted_compaction_has_all_values_and_ends() -> None:
    metrics = Metrics()
    bound = metrics.meter.create_counter("c").bind()
    series = bound._series
    series._lock.acquire()  # as the interrupted frame does
    for _ in range(3 * MAX_VALUES):
        bound.add(1)
    assert [point.value for point in metrics.points()] == [3 * MAX_VALUES]
    assert metrics.deltas() == []
    series._lock.release()
    assert [point.value for point in metrics.deltas()] == [3 * MAX_VALUES]
    assert [point.value for point in metrics.points()] == [3 * MAX_VALUES]
    bound.add(1)
    assert [point.value for point in metrics.deltas()] == [1]
