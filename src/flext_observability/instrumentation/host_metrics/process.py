"""Metrics of this process from psutil and gc, with the names of the semantic conventions.

Source: https://opentelemetry.io/docs/specs/semconv/system/process-metrics/
Source: https://opentelemetry.io/docs/specs/semconv/runtime/cpython-metrics/
"""

from __future__ import annotations

import gc
import os
import time
from functools import partial
from typing import Final

from flext_observability.instrumentation.host_metrics.source_cache import (
    Points,
    SourceCache,
    counter,
    gauge,
    up_down_counter,
)

_CPU_MODES: Final = ("user", "system")


def _cpu_time(cache: SourceCache) -> Points:
    times = cache.get("process.cpu", cache.process.cpu_times)
    return [(getattr(times, mode), {"cpu.mode": mode}) for mode in _CPU_MODES]


def _cpu_utilization(cache: SourceCache) -> Points:
    delta = cache.delta("process.cpu", cache.process.cpu_times)
    if delta is None:
        return []
    elapsed, before, now = delta
    used = {mode: max(0.0, getattr(now, mode) - getattr(before, mode)) for mode in _CPU_MODES}
    return [(seconds / elapsed / _available_cpus(), {"cpu.mode": mode}) for mode, seconds in used.items()]


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


def _threads(cache: SourceCache) -> Points:
    return [(cache.process.num_threads(), {})]


def _file_descriptors(cache: SourceCache) -> Points:
    return [(cache.process.num_fds(), {})]


def _uptime(cache: SourceCache) -> Points:
    return [(max(0.0, time.time() - cache.process.create_time()), {})]


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
    counter("process.cpu.time", "s", "CPU seconds by mode", _cpu_time),
    gauge(
        "process.cpu.utilization",
        "1",
        "CPU time since the last measurement, as a fraction of the time of all available CPUs",
        _cpu_utilization,
    ),
    up_down_counter("process.memory.usage", "By", "Physical memory in use", partial(_memory, "rss")),
    up_down_counter("process.memory.virtual", "By", "Committed virtual memory", partial(_memory, "vms")),
    gauge("process.memory.utilization", "1", "Fraction of the physical memory in use", _memory_utilization),
    counter("process.disk.io", "By", "Bytes read from and written to disks", partial(_disk, "bytes")),
    counter("process.disk.operations", "{operation}", "Reads and writes", partial(_disk, "count")),
    up_down_counter("process.thread.count", "{thread}", "Threads", _threads),
    up_down_counter(
        "process.unix.file_descriptor.count", "{file_descriptor}", "Open file descriptors", _file_descriptors
    ),
    counter("process.context_switches", "{context_switch}", "Context switches by type", _context_switches),
    counter("process.paging.faults", "{fault}", "Page faults by type", _faults),
    gauge("process.uptime", "s", "Time since the process started", _uptime),
    counter(
        "cpython.gc.collections",
        "{collection}",
        "Runs of the garbage collector by generation",
        partial(_gc_stats, "collections"),
    ),
    counter(
        "cpython.gc.collected_objects",
        "{object}",
        "Objects that the garbage collector freed, by generation",
        partial(_gc_stats, "collected"),
    ),
    counter(
        "cpython.gc.uncollectable_objects",
        "{object}",
        "Objects that the garbage collector could not free, by generation",
        partial(_gc_stats, "uncollectable"),
    ),
)
