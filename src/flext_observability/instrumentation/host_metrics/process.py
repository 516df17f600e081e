"""This process, by psutil and gc → metrics named as the semantic conventions name them (`process.*`, `cpython.gc.*`).

Source: https://opentelemetry.io/docs/specs/semconv/system/process-metrics/
Source: https://opentelemetry.io/docs/specs/semconv/runtime/cpython-metrics/
"""

from __future__ import annotations

import gc
import os
import time
from typing import TYPE_CHECKING, Final

from flext_observability.instrumentation.host_metrics.source_cache import Observable, Points, SourceCache

if TYPE_CHECKING:
    from psutil import Process


def _cpu_seconds(process: Process) -> dict[str, float]:
    times = process.cpu_times()
    return {"user": times.user, "system": times.system}


def _cpu_time(readings: SourceCache) -> Points:
    process = readings.process
    times = readings.ask("process.cpu", lambda: _cpu_seconds(process))
    return [(seconds, {"cpu.mode": mode}) for mode, seconds in times.items()]


def _cpu_utilization(readings: SourceCache) -> Points:
    process = readings.process
    window = readings.since_before("process.cpu", lambda: _cpu_seconds(process))
    if window is None:
        return []
    seconds, before, now = window
    available = seconds * _available_cpus()
    return [(max(0.0, now[mode] - before[mode]) / available, {"cpu.mode": mode}) for mode in now]


def _available_cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _memory(field: str, readings: SourceCache) -> Points:
    memory = readings.ask("process.memory", readings.process.memory_info)
    return [(getattr(memory, field), {})]


def _memory_share(readings: SourceCache) -> Points:
    from psutil import virtual_memory

    memory = readings.ask("process.memory", readings.process.memory_info)
    return [(memory.rss / readings.ask("system.memory", virtual_memory).total, {})]


def _disk(unit: str, readings: SourceCache) -> Points:
    counters = readings.ask("process.disk", readings.process.io_counters)
    return [
        (getattr(counters, f"{direction}_{unit}"), {"disk.io.direction": direction}) for direction in ("read", "write")
    ]


def _context_switches(readings: SourceCache) -> Points:
    switches = readings.process.num_ctx_switches()
    return [(getattr(switches, kind), {"process.context_switch.type": kind}) for kind in ("voluntary", "involuntary")]


def _faults(_: SourceCache) -> Points:
    from resource import RUSAGE_SELF, getrusage

    usage = getrusage(RUSAGE_SELF)
    return [
        (usage.ru_majflt, {"system.paging.fault.type": "major"}),
        (usage.ru_minflt, {"system.paging.fault.type": "minor"}),
    ]


def _collections(field: str, _: SourceCache) -> Points:
    return [(stats[field], {"cpython.gc.generation": number}) for number, stats in enumerate(gc.get_stats())]


PROCESS_METRICS: Final = (
    Observable("process.cpu.time", "counter", "s", "CPU seconds by mode", _cpu_time),
    Observable(
        "process.cpu.utilization",
        "gauge",
        "1",
        "CPU time since the last measurement, as a fraction of what all CPUs available to the process could give",
        _cpu_utilization,
    ),
    Observable("process.memory.usage", "up_down_counter", "By", "Physical memory in use", lambda r: _memory("rss", r)),
    Observable(
        "process.memory.virtual", "up_down_counter", "By", "Committed virtual memory", lambda r: _memory("vms", r)
    ),
    Observable("process.memory.utilization", "gauge", "1", "Fraction of the physical memory in use", _memory_share),
    Observable("process.disk.io", "counter", "By", "Bytes read from and written to disks", lambda r: _disk("bytes", r)),
    Observable("process.disk.operations", "counter", "{operation}", "Reads and writes", lambda r: _disk("count", r)),
    Observable(
        "process.thread.count", "up_down_counter", "{thread}", "Threads", lambda r: [(r.process.num_threads(), {})]
    ),
    Observable(
        "process.unix.file_descriptor.count",
        "up_down_counter",
        "{file_descriptor}",
        "Open file descriptors",
        lambda r: [(r.process.num_fds(), {})],
    ),
    Observable(
        "process.context_switches", "counter", "{context_switch}", "Context switches by type", _context_switches
    ),
    Observable("process.paging.faults", "counter", "{fault}", "Page faults by type", _faults),
    Observable(
        "process.uptime",
        "gauge",
        "s",
        "Time since the process began",
        lambda r: [(max(0.0, time.time() - r.process.create_time()), {})],
    ),
    Observable(
        "cpython.gc.collections",
        "counter",
        "{collection}",
        "Runs of the garbage collector by generation",
        lambda r: _collections("collections", r),
    ),
    Observable(
        "cpython.gc.collected_objects",
        "counter",
        "{object}",
        "Objects that the garbage collector freed, by generation",
        lambda r: _collections("collected", r),
    ),
    Observable(
        "cpython.gc.uncollectable_objects",
        "counter",
        "{object}",
        "Objects that the garbage collector could not free, by generation",
        lambda r: _collections("uncollectable", r),
    ),
)
