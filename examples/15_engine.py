"""Record the same spans and measurements with the engine and with OpenTelemetry's SDK, and compare data and cost."""

from __future__ import annotations

import time

from flext_observability import init_observability, memory_store, traced

CUPS = 2000


def pour(engine: str) -> tuple[list[object], float]:
    """Return the recorded data of one engine, and the CPU seconds of the recording."""
    observability = init_observability(service_name="kitchen", exporters="memory", engine=engine).unwrap()
    poured = observability.metrics.counter("kitchen.cups", unit="{cup}")
    started = time.thread_time()
    for _ in range(CUPS):
        with traced("pour", tea="green", sugar=2):
            poured.add(1, {"tea": "green"})
    seconds = time.thread_time() - started
    observability.shutdown()

    last, total = memory_store().spans[-1], memory_store().metric("kitchen.cups")
    points = total.data.data_points if total else ()
    return [
        (last.name, dict(last.attributes or {}), last.kind.name, last.status.status_code.name),
        *((getattr(point, "value", None), dict(point.attributes or {})) for point in points),
    ], seconds


data, seconds = pour("lean")
sdk_data, sdk_seconds = pour("sdk")
for item in data:
    print(item)
print("the same data from the SDK:", data == sdk_data)
print(f"cost: {seconds / sdk_seconds:.2f} of the SDK's")
