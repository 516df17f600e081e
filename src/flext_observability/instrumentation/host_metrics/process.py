"""Metrics of this process from psutil and gc, with the names of the semantic conventions.

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


def _cpu_time(cache: SourceCache) -> Points:
    process = cache.process
    times = cache.get("process.cpu", lambda: _cpu_seconds(process))
    return [(seconds, {"cpu.mode": mode}) for mode, seconds in times.items()]


def _cpu_utilization(cache: SourceCache) -> Points:
    process = cache.process
    delta = cache.delta("process.cpu", lambda: _cpu_seconds(process))
    if delta is None:
        return []
    seconds, before, now = delta
    available = seconds * _available_cpus()
    return [(max(0.0, now[mode] - before[mode]) / available, {"cpu.mode": mode}) for mode in now]


def _available_cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _memory(field: str, cache: SourceCache) -> Points:
    memory = cache.get("process.memory", cache.process.memory_info)
    return [(getattr(memory, field), {})]


def _memory_utilization(cache: SourceCache) -> Points:
    from psutil import virtual_memory

    memory = cache.get("process.memory", cache.process.memory_info)
    return [(memory.rss / cache.get("system.memory", virtual_memory).total, {})]


def _disk(unit: str, cache: SourceCache) -> Points:
    counters = cache.get("process.disk", cache.process.io_counters)
    return [
        (getattr(counters, f"{direction}_{unit}"), {"disk.io.direction": direction}) for direction in ("read", "write")
    ]


def _context_switches(cache: SourceCache) -> Points:
    switches = cache.process.num_ctx_switches()
    return [(getattr(switches, kind), {"process.context_switch.type": kind}) for kind in ("voluntary", "involuntary")]


def _faults(_: SourceCache) -> Points:
    from resource import RUSAGE_SELF, getrusage

    usage = getrusage(RUSAGE_SELF)
    return [
        (usage.ru_majflt, {"system.paging.fault.type": "major"}),
        (usage.ru_minflt, {"system.paging.fault.type": "minor"}),
    ]


def _gc_stats(field: str, _: SourceCache) -> Points:
    return [(stats[field], {"cpython.gc.generation": number}) for number, stats in enumerate(gc.get_stats())]


PROCESS_METRICS: Final = (
    Observable("process.cpu.time", "counter", "s", "CPU seconds by mode", _cpu_time),
    Observable(
        "process.cpu.utilization",
        "gauge",
        "1",
        "CPU time since the last measurement, as a fraction of the time of all available CPUs",
        _cpu_utilization,
    ),
    Observable("process.memory.usage", "up_down_counter", "By", "Physical memory in use", lambda c: _memory("rss", c)),
    Observable(
        "process.memory.virtual", "up_down_counter", "By", "Committed virtual memory", lambda c: _memory("vms", c)
    ),
    Observable(
        "process.memory.utilization", "gauge", "1", "Fraction of the physical memory in use", _memory_utilization
    ),
    Observable("process.disk.io", "counter", "By", "Bytes read from and written to disks", lambda c: _disk("bytes", c)),
    Observable("process.disk.operations", "counter", "{operation}", "Reads and writes", lambda c: _disk("count", c)),
    Observable(
        "process.thread.count", "up_down_counter", "{thread}", "Threads", lambda c: [(c.process.num_threads(), {})]
    ),
    Observable(
        "process.unix.file_descriptor.count",
        "up_down_counter",
        "{file_descriptor}",
        "Open file descriptors",
        lambda c: [(c.process.num_fds(), {})],
    ),
    Observable(
        "process.context_switches", "counter", "{context_switch}", "Context switches by type", _context_switches
    ),
    Observable("process.paging.faults", "counter", "{fault}", "Page faults by type", _faults),
    Observable(
        "process.uptime",
        "gauge",
        "s",
        "Time since the process started",
        lambda c: [(max(0.0, time.time() - c.process.create_time()), {})],
    ),
    Observable(
        "cpython.gc.collections",
        "counter",
        "{collection}",
        "Runs of the garbage collector by generation",
        lambda c: _gc_stats("collections", c),
    ),
    Observable(
        "cpython.gc.collected_objects",
        "counter",
        "{object}",
        "Objects that the garbage collector freed, by generation",
        lambda c: _gc_stats("collected", c),
    ),
    Observable(
        "cpython.gc.uncollectable_objects",
        "counter",
        "{object}",
        "Objects that the garbage collector could not free, by generation",
        lambda c: _gc_stats("uncollectable", c),
    ),
)
