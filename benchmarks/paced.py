"""Paced programs of both sides, one after the other on equal terms: made, received, lost, CPU time and memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.destination import Destination
from benchmarks.measure import run_program

SideName = Literal["ours", "stock", "none"]


@dataclass(frozen=True, slots=True)
class Load:
    """Load of a program.

    Attributes:
        rate: Items a second; 0 for a tight loop.
        seconds: Duration.
        count: Items of a tight loop.
        max_queue_size: Size of the queue, the default of both sides if not given.
        signal: ``traces`` or ``logs``.
    """

    rate: int = 0
    seconds: float = 0.0
    count: int = 0
    max_queue_size: int = 2048
    signal: str = "traces"

    def arguments(self, side: SideName) -> list[str]:
        """Return the command line of the program."""
        given = {name: value for name, value in asdict(self).items() if value}
        options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        return ["-m", "benchmarks.paced_program", f"--side={side}", *options]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one program.

    Attributes:
        side: ``ours``, ``stock``, or ``none`` for the same program without telemetry.
        rate: Items a second that the program was asked for; 0 for a tight loop.
        asked: Items that the program was asked for.
        made: Items that it made in the time.
        received: Items that the destination received.
        seconds: Time of making them.
        cpu_seconds: CPU time from the first paced item to the end of the shutdown.
        cpu_other_threads: Its part outside the thread that makes the items.
        peak_mb: Peak of the resident memory of the process.
        lost: Lost items by reason, as the program itself counts them (the stock pipeline counts none).
    """

    side: str
    rate: int
    asked: int
    made: int
    received: int
    seconds: float
    cpu_seconds: float
    cpu_other_threads: float
    peak_mb: float
    lost: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def missing(self) -> int:
        """Items that were made and not received."""
        return self.made - self.received

    @property
    def achieved(self) -> float:
        """Items made a second."""
        return (self.made - 1) / self.seconds

    def without(self, cpu_seconds: float) -> float:
        """Return the CPU seconds of 100 000 received items, beyond those of the program itself."""
        return max(self.cpu_seconds - cpu_seconds, 0.0) / max(self.received, 1) * 100_000

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


def run_load(
    load: Load, side: SideName, target: Destination, *, engine: str = "", python: Path | None = None
) -> Outcome:
    """Run the program of one side, and count its items at the destination."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": target.address}
    if engine:
        environment["FLEXT_OBSERVABILITY_ENGINE"] = engine
    before = target.settled().get(load.signal, 0)
    result = run_program(load.arguments(side), environment, python=str(python or sys.executable))
    received = target.settled().get(load.signal, 0) - before
    result.pop("cost")
    return Outcome(side=side, rate=load.rate, received=received, **result)
