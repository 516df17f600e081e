"""Metrics of the machine from psutil, with the names of the semantic conventions.

Source: https://opentelemetry.io/docs/specs/semconv/system/system-metrics/
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flext_observability.instrumentation.host_metrics.source_cache import (
    Points,
    SourceCache,
    counter,
    gauge,
    up_down_counter,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CPU_MODES: Final = {
    "user": ("user",),
    "system": ("system",),
    "nice": ("nice",),
    "idle": ("idle",),
    "iowait": ("iowait",),
    "interrupt": ("irq", "softirq", "interrupt"),
    "steal": ("steal",),
}
_MEMORY_STATES: Final = ("used", "free", "buffers", "cached")
_MS: Final = 0.001
_NIC: Final = "network.interface.name"
CpuSeconds = dict[tuple[int, str], float]
"""Seconds by CPU number (-1: sum of all) and mode."""


def _cpu_seconds(cache: SourceCache) -> CpuSeconds:
    from psutil import cpu_times

    all_times = list(enumerate(cpu_times(percpu=True))) if cache.per_cpu else [(-1, cpu_times())]
    return {
        (cpu, mode): sum(getattr(times, field, 0.0) for field in fields)
        for cpu, times in all_times
        for mode, fields in _CPU_MODES.items()
        if any(hasattr(times, field) for field in fields)
    }


def _cpu_attributes(cpu: int, mode: str) -> Mapping[str, str | int]:
    return {"cpu.mode": mode} if cpu < 0 else {"cpu.mode": mode, "cpu.logical_number": cpu}


def _cpu_time(cache: SourceCache) -> Points:
    times = cache.get("system.cpu", lambda: _cpu_seconds(cache))
    return [(seconds, _cpu_attributes(*key)) for key, seconds in times.items()]


def _cpu_utilization(cache: SourceCache) -> Points:
    """Return the fraction of each mode in the time that the kernel counted; for all CPUs, the mean."""
    delta = cache.delta("system.cpu", lambda: _cpu_seconds(cache))
    if delta is None:
        return []
    _, before, now = delta
    seconds_since = {key: max(0.0, seconds - before.get(key, seconds)) for key, seconds in now.items()}
    elapsed = {
        cpu: sum(value for (other, _), value in seconds_since.items() if other == cpu) for cpu, _ in seconds_since
    }
    return [(value / elapsed[key[0]], _cpu_attributes(*key)) for key, value in seconds_since.items() if elapsed[key[0]]]


def _cpu_count(_: SourceCache) -> Points:
    from psutil import cpu_count

    return [(cpu_count() or 1, {})]


def _memory(cache: SourceCache) -> Points:
    from psutil import virtual_memory

    memory = cache.get("system.memory", virtual_memory)
    return [
        (getattr(memory, state), {"system.memory.state": state}) for state in _MEMORY_STATES if hasattr(memory, state)
    ]


def _memory_utilization(cache: SourceCache) -> Points:
    ((total, _),) = _memory_field("total", cache)
    return [(value / total, attributes) for value, attributes in _memory(cache)]


def _memory_field(field: str, cache: SourceCache) -> Points:
    from psutil import virtual_memory

    return [(getattr(cache.get("system.memory", virtual_memory), field), {})]


def _swap(cache: SourceCache) -> Points:
    from psutil import swap_memory

    swap = cache.get("system.paging", swap_memory)
    return [(getattr(swap, state), {"system.paging.state": state}) for state in ("used", "free")]


def _swap_utilization(cache: SourceCache) -> Points:
    points = list(_swap(cache))
    total = sum(value for value, _ in points)
    return [(value / total, attributes) for value, attributes in points if total]


def _disks(cache: SourceCache) -> Iterator[tuple[str, object]]:
    """Yield the whole disks that were used. Partitions would count everything twice."""
    from psutil import disk_io_counters

    whole = Path("/sys/block")
    for name, counters in cache.get("system.disk", lambda: disk_io_counters(perdisk=True)).items():
        if any(counters) and ((whole / name).exists() or not whole.exists()):
            yield name, counters


def _disk(field: str, cache: SourceCache, *, scale: float = 1) -> Points:
    return [
        (getattr(counters, f"{direction}_{field}") * scale, {"system.device": name, "disk.io.direction": direction})
        for name, counters in _disks(cache)
        for direction in ("read", "write")
    ]


def _disk_io_time(cache: SourceCache) -> Points:
    return [
        (counters.busy_time * _MS, {"system.device": name})  # type: ignore[attr-defined]
        for name, counters in _disks(cache)
    ]


def _filesystem_states() -> list[tuple[dict[str, str], dict[str, int]]]:
    """Return attributes and states of each device at its shortest mount point: containers mount one many times."""
    from psutil import disk_partitions, disk_usage

    found: list[tuple[dict[str, str], dict[str, int]]] = []
    by_mount_length = sorted(disk_partitions(), key=lambda each: len(each.mountpoint), reverse=True)
    for partition in {each.device: each for each in by_mount_length}.values():
        with suppress(OSError):  # a file system that this user cannot read
            usage = disk_usage(partition.mountpoint)
            attributes = {
                "system.device": partition.device,
                "system.filesystem.mode": partition.opts.partition(",")[0],
                "system.filesystem.mountpoint": partition.mountpoint,
                "system.filesystem.type": partition.fstype,
            }
            reserved = max(0, usage.total - usage.used - usage.free)
            found.append((attributes, {"used": usage.used, "free": usage.free, "reserved": reserved}))
    return found


def _filesystem(cache: SourceCache) -> Points:
    return [
        (value, {**attributes, "system.filesystem.state": state})
        for attributes, states in cache.get("system.filesystem", _filesystem_states)
        for state, value in states.items()
    ]


def _filesystem_utilization(cache: SourceCache) -> Points:
    return [
        (value / total, {**attributes, "system.filesystem.state": state})
        for attributes, states in cache.get("system.filesystem", _filesystem_states)
        if (total := sum(states.values()))
        for state, value in states.items()
    ]


def _filesystem_limit(cache: SourceCache) -> Points:
    return [
        (sum(states.values()), attributes) for attributes, states in cache.get("system.filesystem", _filesystem_states)
    ]


def _network(received: str, sent: str, cache: SourceCache, *, interface: str = _NIC) -> Points:
    from psutil import net_io_counters

    counters = cache.get("system.network", lambda: net_io_counters(pernic=True))
    return [
        (getattr(each, field), {interface: name, "network.io.direction": direction})
        for name, each in counters.items()
        for direction, field in (("receive", received), ("transmit", sent))
    ]


def _uptime(_: SourceCache) -> Points:
    from psutil import boot_time

    return [(max(0.0, time.time() - boot_time()), {})]


SYSTEM_METRICS: Final = (
    gauge("system.uptime", "s", "Time since the machine started", _uptime),
    counter("system.cpu.time", "s", "CPU seconds by mode", _cpu_time),
    gauge(
        "system.cpu.utilization", "1", "Fraction of the CPU time since the last measurement, by mode", _cpu_utilization
    ),
    up_down_counter("system.cpu.logical.count", "{cpu}", "Logical CPUs", _cpu_count),
    up_down_counter("system.memory.usage", "By", "Memory by state", _memory),
    gauge("system.memory.utilization", "1", "Fraction of the memory, by state", _memory_utilization),
    up_down_counter("system.memory.limit", "By", "Memory of the machine", partial(_memory_field, "total")),
    up_down_counter(
        "system.memory.linux.available", "By", "Memory available without swapping", partial(_memory_field, "available")
    ),
    up_down_counter("system.paging.usage", "By", "Swap by state", _swap),
    gauge("system.paging.utilization", "1", "Fraction of the swap, by state", _swap_utilization),
    counter("system.disk.io", "By", "Bytes read and written", partial(_disk, "bytes")),
    counter("system.disk.operations", "{operation}", "Reads and writes", partial(_disk, "count")),
    counter("system.disk.operation_time", "s", "Sum of the time of all operations", partial(_disk, "time", scale=_MS)),
    counter("system.disk.io_time", "s", "Time in which the disk was active", _disk_io_time),
    up_down_counter("system.filesystem.usage", "By", "Space by state", _filesystem),
    gauge("system.filesystem.utilization", "1", "Fraction of the space, by state", _filesystem_utilization),
    up_down_counter("system.filesystem.limit", "By", "Space of the file system", _filesystem_limit),
    counter("system.network.io", "By", "Bytes received and sent", partial(_network, "bytes_recv", "bytes_sent")),
    counter(
        "system.network.packet.count",
        "{packet}",
        "Packets received and sent",
        partial(_network, "packets_recv", "packets_sent", interface="system.device"),
    ),
    counter(
        "system.network.packet.dropped",
        "{packet}",
        "Packets dropped without an error",
        partial(_network, "dropin", "dropout"),
    ),
    counter("system.network.errors", "{error}", "Network errors", partial(_network, "errin", "errout")),
)
