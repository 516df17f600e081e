"""Measurements: bound and unbound instruments, and the extra cost of a Prometheus page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram

from benchmarks.cases.sides import ATTRIBUTES, engine, start, started, stock_meter
from benchmarks.measure import Rounds, Work, interleave
from benchmarks.readings import Reading, Settings, reading
from flext_observability import Observability

MEASUREMENTS = 5000
LABELS = ("method", "route", "status")
VALUES = ("GET", "/items/{id}", "200")


class _Add(Protocol):
    def __call__(self, value: int, attributes: Mapping[str, str | int], /) -> None: ...


def bound(settings: Settings) -> list[Reading]:
    """G8: a bound counter and a bound histogram, against bound children of prometheus_client."""
    registry = CollectorRegistry()
    counted = Counter("bench_calls", "Calls.", LABELS, registry=registry).labels(*VALUES)
    timed = Histogram("bench_seconds", "Durations.", LABELS, registry=registry).labels(*VALUES)
    with started() as handle:
        counter = handle.metrics.counter("bench.calls").bind(ATTRIBUTES)
        histogram = handle.metrics.histogram("bench.seconds", "s").bind(ATTRIBUTES)

        def add(count: int) -> None:
            for _ in range(count):
                counter.add(1)

        def inc(count: int) -> None:
            for _ in range(count):
                counted.inc(1)

        def record(count: int) -> None:
            for number in range(count):
                histogram.record(number / count)

        def observe(count: int) -> None:
            for number in range(count):
                timed.observe(number / count)

        return [
            *_measure(settings, "G8 counter", add, inc),
            *_measure(settings, "G8 histogram", record, observe),
        ]


def unbound(settings: Settings) -> list[Reading]:
    """G9: a counter and a histogram with three attributes at each measurement, against the SDK's."""
    meter = stock_meter()
    with started() as handle:
        ours, theirs = handle.metrics.counter("bench.calls"), meter.create_counter("bench.calls")
        histogram, stock = handle.metrics.histogram("bench.seconds", "s"), meter.create_histogram("bench.seconds", "s")

        def record(count: int) -> None:
            for number in range(count):
                histogram.record(number / count, ATTRIBUTES)

        def record_stock(count: int) -> None:
            for number in range(count):
                stock.record(number / count, ATTRIBUTES)

        return [
            *_measure(settings, "G9 counter", partial(_add, ours.add), partial(_add, theirs.add)),
            *_measure(settings, "G9 histogram", record, record_stock),
        ]


def page_cost(settings: Settings) -> list[Reading]:
    """G10: a measurement with and without a Prometheus page beside OTLP. Each round starts telemetry again."""
    handles: dict[str, Observability] = {}
    work: dict[str, Work] = {}
    exporters = {"push": "gate", "both": "gate,prometheus"}

    def restart(side: str) -> None:
        handles[side] = handle = started_with(exporters[side])
        work["now"] = partial(_add, handle.metrics.counter("bench.calls").add)
        work["now"](100)

    def measured(count: int) -> None:
        work["now"](count)

    rounds = interleave(
        dict.fromkeys(exporters, measured), settings.operations(MEASUREMENTS), settings.rounds, before=restart
    )
    for handle in handles.values():
        handle.shutdown()
    extra = rounds.ratio("both", "push")
    note = f"a stock program with two readers pays about half again; engine {engine()}"
    percent = (extra.best - 1) * 100, (extra.median - 1) * 100
    return [Reading("G10", *percent, rounds.best("both"), rounds.best("push"), note=note)]


def started_with(exporters: str) -> Observability:
    """Replace the running configuration by one with these exporters."""
    return start(exporters=exporters, prometheus_port=0)


def _add(add: _Add, count: int) -> None:
    for _ in range(count):
        add(1, ATTRIBUTES)


def _measure(settings: Settings, key: str, ours: Work, theirs: Work) -> list[Reading]:
    sides: Mapping[str, Work] = {"ours": ours, "theirs": theirs}
    rounds: Rounds = interleave(sides, settings.operations(MEASUREMENTS), settings.rounds)
    return [reading(key, rounds.ratio("theirs", "ours"), rounds.best("ours"), rounds.best("theirs"))]
