"""Report on the cost of the telemetry, and on its budget (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from flext_observability.values.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """State of the budget for the cost of the telemetry.

    Attributes:
        percent: The setting ``overhead_budget_percent``.
        window_percent: Share of the telemetry in the CPU time of the process, in the latest window; 0 while the
            process is idle.
        level: 0 while everything is recorded; each further level leaves out more.
        since: Start of the level, ISO 8601 in UTC; empty if it never changed.
        shed: What is left out, in words.
        not_shed: What cannot be left out in this configuration, and why.
        counts: Number of items left out since the start: ``events``, ``attributes``, ``spans``.
    """

    percent: float
    window_percent: float = 0.0
    level: int = 0
    since: str = ""
    shed: tuple[str, ...] = ()
    not_shed: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Overhead:
    """Measured cost of the telemetry since the start of the configuration.

    Attributes:
        cpu_percent: Share of the telemetry in the CPU time of the process, in percent: threads and recording.
        threads_percent: Share of the threads of this library in the CPU time of the process, in percent.
        threads_core_percent: CPU time of these threads, in percent of one core.
        threads_cpu_seconds: CPU time of these threads.
        recording_cpu_seconds: CPU time for recording spans and log records, in the threads of the program.
        microseconds_per_span: CPU time for a span as the program records them.
        microseconds_per_unsampled_span: CPU time for a span that the sampler drops.
        microseconds_per_record: CPU time for a log record with three attributes, without the library ``logging``.
        budget: State of the budget; None without one.
    """

    cpu_percent: float
    threads_percent: float
    threads_core_percent: float
    threads_cpu_seconds: float
    recording_cpu_seconds: float
    microseconds_per_span: float
    microseconds_per_unsampled_span: float
    microseconds_per_record: float
    budget: BudgetReport | None = None
