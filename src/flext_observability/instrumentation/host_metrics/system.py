"""The machine, by psutil → metrics named as the semantic conventions name them (`system.*`).

Source: https://opentelemetry.io/docs/specs/semconv/system/system-metrics/
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flext_observability.instrumentation.host_metrics.source_cache import Observable, Points, SourceCache

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
_DIRECTIONS: Final = {"receive": "recv", "transmit": "sent"}
_ERROR_DIRECTIONS: Final = {"receive": "in", "transmit": "out"}
_MS: Final = 0.001
CpuSeconds = dict[tuple[int, str], float]
"""Seconds by number of the CPU (-1: all together) and mode."""


def _cpu_seconds(readings: SourceCache) -> CpuSeconds:
    from psutil import cpu_times

    all_times = list(enumerate(cpu_times(percpu=True))) if readings.per_cpu else [(-1, cpu_times())]
    return {
        (cpu, mode): sum(getattr(times, field, 0.0) for field in fields)
        for cpu, times in all_times
        for mode, fields in _CPU_MODES.items()
        if any(hasattr(times, field) for field in fields)
    }


def _cpu_attributes(cpu: int, mode: str) -> Mapping[str, str | int]:
    return {"cpu.mode": mode} if cpu < 0 else {"cpu.mode": mode, "cpu.logical_number": cpu}


def _cpu_time(readings: SourceCache) -> Points:
    times = readings.ask("system.cpu", lambda: _cpu_seconds(readings))
    return [(seconds, _cpu_attributes(*key)) for key, seconds in times.items()]


def _cpu_utilization(readings: SourceCache) -> Points:
    """Give each mode's share of the time that the kernel counted; with all CPUs together that is their mean."""
    window = readings.since_before("system.cpu", lambda: _cpu_seconds(readings))
    if window is None:
        return []
    _, before, now = window
    spent = {key: max(0.0, seconds - before.get(key, seconds)) for key, seconds in now.items()}
    elapsed = {cpu: sum(value for (other, _), value in spent.items() if other == cpu) for cpu, _ in spent}
    return [(value / elapsed[key[0]], _cpu_attributes(*key)) for key, value in spent.items() if elapsed[key[0]]]


def _cpu_count(_: SourceCache) -> Points:
    from psutil import cpu_count

    return [(cpu_count() or 1, {})]


def _memory(readings: SourceCache) -> Points:
    from psutil import virtual_memory

    memory = readings.ask("system.memory", virtual_memory)
    return [
        (getattr(memory, state), {"system.memory.state": state}) for state in _MEMORY_STATES if hasattr(memory, state)
    ]


def _memory_share(readings: SourceCache) -> Points:
    ((total, _),) = _memory_field("total", readings)
    return [(value / total, attributes) for value, attributes in _memory(readings)]


def _memory_field(field: str, readings: SourceCache) -> Points:
    from psutil import virtual_memory

    return [(getattr(readings.ask("system.memory", virtual_memory), field), {})]


def _swap(readings: SourceCache) -> Points:
    from psutil import swap_memory

    swap = readings.ask("system.paging", swap_memory)
    return [(getattr(swap, state), {"system.paging.state": state}) for state in ("used", "free")]


def _swap_share(readings: SourceCache) -> Points:
    points = list(_swap(readings))
    total = sum(value for value, _ in points)
    return [(value / total, attributes) for value, attributes in points if total]


def _disks(readings: SourceCache) -> Iterator[tuple[str, object]]:
    """Give the whole disks that were ever used; their partitions would count everything twice."""
    from psutil import disk_io_counters

    whole = Path("/sys/block")
    for name, counters in readings.ask("system.disk", lambda: disk_io_counters(perdisk=True)).items():
        if any(counters) and ((whole / name).exists() or not whole.exists()):
            yield name, counters


def _disk(field: str, scale: float, readings: SourceCache) -> Points:
    return [
        (getattr(counters, f"{direction}_{field}") * scale, {"system.device": name, "disk.io.direction": direction})
        for name, counters in _disks(readings)
        for direction in ("read", "write")
    ]


def _disk_io_time(readings: SourceCache) -> Points:
    return [(counters.busy_time * _MS, {"system.device": name}) for name, counters in _disks(readings)]  # type: ignore[attr-defined]


def _filesystem_attributes() -> list[dict[str, str]]:
    """Describe each local file system once, by its shortest mount point: containers mount one device many times."""
    from psutil import disk_partitions

    once: dict[str, dict[str, str]] = {}
    for partition in sorted(disk_partitions(), key=lambda each: len(each.mountpoint)):
        attributes = {
            "system.device": partition.device,
            "system.filesystem.mode": partition.opts.partition(",")[0],
            "system.filesystem.mountpoint": partition.mountpoint,
            "system.filesystem.type": partition.fstype,
        }
        once.setdefault(partition.device, attributes)
    return list(once.values())


def _filesystem_states() -> list[tuple[dict[str, str], dict[str, int]]]:
    from psutil import disk_usage

    found: list[tuple[dict[str, str], dict[str, int]]] = []
    for attributes in _filesystem_attributes():
        with suppress(OSError):  # one that this user may not see hides no other
            usage = disk_usage(attributes["system.filesystem.mountpoint"])
            reserved = max(0, usage.total - usage.used - usage.free)
            found.append((attributes, {"used": usage.used, "free": usage.free, "reserved": reserved}))
    return found


def _filesystem(readings: SourceCache) -> Points:
    return [
        (value, {**attributes, "system.filesystem.state": state})
        for attributes, states in readings.ask("system.filesystem", _filesystem_states)
        for state, value in states.items()
    ]


def _filesystem_share(readings: SourceCache) -> Points:
    return [
        (value / total, {**attributes, "system.filesystem.state": state})
        for attributes, states in readings.ask("system.filesystem", _filesystem_states)
        if (total := sum(states.values()))
        for state, value in states.items()
    ]


def _filesystem_limit(readings: SourceCache) -> Points:
    return [
        (sum(states.values()), attributes)
        for attributes, states in readings.ask("system.filesystem", _filesystem_states)
    ]


def _network(prefix: str, directions: Mapping[str, str], interface: str, readings: SourceCache) -> Points:
    from psutil import net_io_counters

    counters = readings.ask("system.network", lambda: net_io_counters(pernic=True))
    return [
        (getattr(each, f"{prefix}{suffix}"), {interface: name, "network.io.direction": direction})
        for name, each in counters.items()
        for direction, suffix in directions.items()
    ]


def _uptime(_: SourceCache) -> Points:
    from psutil import boot_time

    return [(max(0.0, time.time() - boot_time()), {})]


_NIC: Final = "network.interface.name"

SYSTEM_METRICS: Final = (
    Observable("system.uptime", "gauge", "s", "Time since the machine began", _uptime),
    Observable("system.cpu.time", "counter", "s", "CPU seconds by mode", _cpu_time),
    Observable(
        "system.cpu.utilization",
        "gauge",
        "1",
        "Fraction of the CPU time since the last measurement, by mode",
        _cpu_utilization,
    ),
    Observable("system.cpu.logical.count", "up_down_counter", "{cpu}", "Logical CPUs", _cpu_count),
    Observable("system.memory.usage", "up_down_counter", "By", "Memory by state", _memory),
    Observable("system.memory.utilization", "gauge", "1", "Fraction of the memory, by state", _memory_share),
    Observable(
        "system.memory.limit", "up_down_counter", "By", "Memory of the machine", lambda r: _memory_field("total", r)
    ),
    Observable(
        "system.memory.linux.available",
        "up_down_counter",
        "By",
        "Memory that can be had without swapping",
        lambda r: _memory_field("available", r),
    ),
    Observable("system.paging.usage", "up_down_counter", "By", "Swap by state", _swap),
    Observable("system.paging.utilization", "gauge", "1", "Fraction of the swap, by state", _swap_share),
    Observable("system.disk.io", "counter", "By", "Bytes read and written", lambda r: _disk("bytes", 1, r)),
    Observable("system.disk.operations", "counter", "{operation}", "Reads and writes", lambda r: _disk("count", 1, r)),
    Observable(
        "system.disk.operation_time", "counter", "s", "Time that all operations took", lambda r: _disk("time", _MS, r)
    ),
    Observable("system.disk.io_time", "counter", "s", "Time that the disk was busy", _disk_io_time),
    Observable("system.filesystem.usage", "up_down_counter", "By", "Space by state", _filesystem),
    Observable("system.filesystem.utilization", "gauge", "1", "Fraction of the space, by state", _filesystem_share),
    Observable("system.filesystem.limit", "up_down_counter", "By", "Space of the file system", _filesystem_limit),
    Observable(
        "system.network.io",
        "counter",
        "By",
        "Bytes received and sent",
        lambda r: _network("bytes_", _DIRECTIONS, _NIC, r),
    ),
    Observable(
        "system.network.packet.count",
        "counter",
        "{packet}",
        "Packets received and sent",
        lambda r: _network("packets_", _DIRECTIONS, "system.device", r),
    ),
    Observable(
        "system.network.packet.dropped",
        "counter",
        "{packet}",
        "Packets dropped without an error",
        lambda r: _network("drop", _ERROR_DIRECTIONS, _NIC, r),
    ),
    Observable(
        "system.network.errors",
        "counter",
        "{error}",
        "Errors of the network",
        lambda r: _network("err", _ERROR_DIRECTIONS, _NIC, r),
    ),
)
