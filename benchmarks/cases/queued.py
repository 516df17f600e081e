"""Memory of queued spans, in fresh processes, and the cost of a span while the queue is full."""

from __future__ import annotations

import gc
import json
import os
import sys
import tracemalloc
from collections.abc import Callable

from opentelemetry import trace

from benchmarks.cases.sides import SPANS, Gate, StockGate, start, started
from benchmarks.cases.spans import with_traced, with_tracer
from benchmarks.measure import interleave, interleave_programs
from benchmarks.readings import Reading, Settings, reading

QUEUED = 4000
MAX_QUEUE_SIZE = 16384


def memory(settings: Settings) -> list[Reading]:
    """G16: bytes of a queued span, and objects that the garbage collector tracks."""
    programs = {side: ("-m", "benchmarks.cases.queued", side) for side in ("ours", "stock")}
    rounds, outputs = interleave_programs(programs, 1 if settings.quick else 3)
    objects = outputs["ours"][-1]["objects"]
    return [
        reading("G16 bytes", rounds.ratio("ours", "stock"), rounds.best("ours"), rounds.best("stock"), "bytes"),
        Reading("G16 objects", objects, objects, objects, outputs["stock"][-1]["objects"], "objects"),
    ]


def full(settings: Settings) -> list[Reading]:
    """G17: a span while the queue is full, against its cost while there is space."""
    gate = Gate()
    with started(gate) as handle:

        def prepare(side: str) -> None:
            gate.opened.set()
            handle.flush()
            if side == "full":
                gate.opened.clear()
                with_traced(3000)  # a batch in flight and a full queue

        operations = settings.operations(SPANS)
        rounds = interleave({"normal": with_traced, "full": with_traced}, operations, settings.rounds, before=prepare)
        gate.opened.set()
    return [reading("G17", rounds.ratio("full", "normal"), rounds.best("full"), rounds.best("normal"))]


def main(side: str) -> None:
    """Fill the queue of one side while its exporter holds the first batch. Print the memory of a queued span."""
    gate = Gate()
    gate.opened.clear()
    record = _ours(gate) if side == "ours" else _stock(gate)
    record(600)
    tracemalloc.start()
    before, objects = _held()
    record(QUEUED)
    after, more = _held()
    print(json.dumps({"cost": (after - before) / QUEUED, "objects": round((more - objects) / QUEUED, 2)}), flush=True)
    os._exit(0)


def _ours(gate: Gate) -> Callable[[int], object]:
    start(gate, traces_max_queue_size=MAX_QUEUE_SIZE)
    return with_traced


def _stock(gate: Gate) -> Callable[[int], object]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(StockGate(gate), max_queue_size=MAX_QUEUE_SIZE))
    trace.set_tracer_provider(provider)
    return with_tracer(provider.get_tracer("bench"))


def _held() -> tuple[int, int]:
    gc.collect()
    return tracemalloc.get_traced_memory()[0], len(gc.get_objects())


if __name__ == "__main__":
    main(sys.argv[1])
