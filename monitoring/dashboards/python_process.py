"""Dashboard: Python runtime and process, from the library's collector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.dashboards.definition import INSTANCE, PROGRAM, Definition
from monitoring.dashboards.panels import Frame, Panel, lines
from monitoring.dashboards.queries import PromQL

_OF: Final = '{service_name=~"$service",service_instance_id=~"$instance"}'
_BY: Final = "service_name, service_instance_id"
_NAME: Final = "{{service_name}} {{service_instance_id}}"


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "python-process",
        "Python processes",
        "CPU, memory, garbage collection and files of Python programs, and the machine that they run on. "
        "Needs `FlextMetricsCollector().start()` or `FlextObservabilityMonitor().start()` in the program.",
        (("Process", _process()), ("Python", _python()), ("Machine", _machine())),
        (PROGRAM, INSTANCE),
        alerts='alertstate="firing",service_name=~"$service|"',
    )


def _sum(metric: str, name: str = _BY) -> str:
    return f"sum by ({name}) ({metric}{_OF})"


def _rate(metric: str, name: str = _BY) -> str:
    return f"sum by ({name}) (rate({metric}{_OF}[$__rate_interval]))"


def _process() -> Iterator[Panel]:
    yield lines(
        Frame("CPU", "CPU time a second: 1 is one busy core. A thread of Python code uses at most one.", "cores"),
        PromQL(_rate("process_cpu_time_seconds_total"), _NAME),
    )
    yield lines(
        Frame("Memory", "Resident memory. A line that grows for days is a leak.", "bytes"),
        PromQL(_sum("process_memory_usage_bytes"), _NAME),
    )
    yield lines(
        Frame("Threads", "Threads of the process, those of libraries included.", "short", 8),
        PromQL(_sum("process_thread_count"), _NAME),
    )
    yield lines(
        Frame("Open files", "File descriptors, sockets included. The usual limit is 1024.", "short", 8, limits=(800,)),
        PromQL(_sum("process_unix_file_descriptor_count"), _NAME),
    )
    yield lines(
        Frame("Uptime", "Time since the start of the process. A sawtooth is a process that crashes.", "s", 8),
        PromQL(f"max by ({_BY}) (process_uptime_seconds{_OF})", _NAME),
    )
    yield lines(
        Frame("Context switches", "Voluntary ones wait for I/O; many involuntary ones mean too few cores.", "cps"),
        PromQL(
            _rate("process_context_switches_total", f"{_BY}, process_context_switch_type"),
            f"{_NAME} {{{{process_context_switch_type}}}}",
        ),
    )
    yield lines(
        Frame("Disk of the process", "Bytes a second that the process reads and writes.", "Bps"),
        PromQL(_rate("process_disk_io_bytes_total", f"{_BY}, disk_io_direction"), f"{_NAME} {{{{disk_io_direction}}}}"),
    )


def _python() -> Iterator[Panel]:
    yield lines(
        Frame("Garbage collections", "Collections a second. Those of generation 2 take longest.", "ops"),
        PromQL(
            _rate("cpython_gc_collections_total", "service_name, cpython_gc_generation"),
            "{{service_name}} generation {{cpython_gc_generation}}",
        ),
    )
    yield lines(
        Frame("Collected objects", "Objects a second that only reference cycles kept in memory.", "ops"),
        PromQL(_rate("cpython_gc_collected_objects_total"), _NAME),
    )
    yield lines(
        Frame("Monitored functions", "Calls a second of functions with `flext_monitor_function`.", "ops"),
        PromQL(
            _rate("flext_function_calls_total", "service_name, flext_operation, flext_outcome"),
            "{{service_name}} {{flext_operation}} {{flext_outcome}}",
        ),
    )
    yield lines(
        Frame("Duration of monitored functions", "95th percentile of functions with `flext_monitor_function`.", "s"),
        PromQL(
            f"histogram_quantile(0.95, {_rate('flext_function_duration_seconds_bucket', 'flext_operation, le')})",
            "{{flext_operation}}",
            has_exemplars=True,
        ),
    )


def _machine() -> Iterator[Panel]:
    yield lines(
        Frame("CPU of the machine", "Share of the time of all cores, by mode.", "percentunit", 8),
        PromQL(f"avg by (cpu_mode) (system_cpu_utilization_ratio{_OF})", "{{cpu_mode}}"),
        stacked=True,
    )
    yield lines(
        Frame("Memory of the machine", "Share of the memory, by state.", "percentunit", 8),
        PromQL(f"max by (system_memory_state) (system_memory_utilization_ratio{_OF})", "{{system_memory_state}}"),
        stacked=True,
    )
    yield lines(
        Frame("Disks", "Used share of each file system.", "percentunit", 8, limits=(0.8, 0.9)),
        PromQL(
            f"max by (system_filesystem_mountpoint) (system_filesystem_utilization_ratio{_OF})",
            "{{system_filesystem_mountpoint}}",
        ),
    )
