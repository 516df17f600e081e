"""Measure two or more implementations alternately in one run. Only their ratios have goals."""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BYTECODE = ROOT / ".cache" / "benchmarks" / "bytecode"
PROGRAM_SECONDS = 300
_KEPT = ("FLEXT_OBSERVABILITY_ENGINE", "FLEXT_STACK_")  # the stack has the collector

Work = Callable[[int], object]
Outputs = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One side divided by the other.

    Attributes:
        best: Ratio of the minima of both sides, which the goals mean.
        median: Median of the ratios of single rounds.
    """

    best: float
    median: float


@dataclass(frozen=True, slots=True)
class Rounds:
    """Costs of one operation by side, one for each round."""

    costs: Mapping[str, Sequence[float]]

    def best(self, side: str) -> float:
        """Return the smallest cost of a side."""
        return min(self.costs[side])

    def ratio(self, over: str, under: str) -> Ratio:
        """Return the costs of one side divided by those of another one."""
        pairs = zip(self.costs[over], self.costs[under], strict=True)
        return Ratio(
            self.best(over) / self.best(under), statistics.median(theirs / ours for theirs, ours in pairs if ours)
        )

    def minus(self, side: str) -> Rounds:
        """Return the costs of the other sides without that of one side. A cost is at least a nanosecond."""
        base = self.costs[side]
        return Rounds(
            {
                name: [max(cost - empty, 0.001) for cost, empty in zip(costs, base, strict=True)]
                for name, costs in self.costs.items()
                if name != side
            }
        )


def interleave(
    sides: Mapping[str, Work],
    operations: int,
    rounds: int,
    *,
    before: Callable[[str], object] | None = None,
    clock: Callable[[], int] = time.thread_time_ns,
) -> Rounds:
    """Run all sides alternately, forward and in reverse order.

    Args:
        sides: Functions that do an operation as often as their argument demands.
        operations: Number of operations of a round.
        rounds: Number of rounds. One more round, which is not counted, comes first.
        before: Called with the name of a side before each of its rounds, outside the measurement.
        clock: Clock in nanoseconds. The CPU time of the thread does not depend on what else the machine runs.

    Returns:
        Microseconds of one operation.
    """
    costs: dict[str, list[float]] = {name: [] for name in sides}
    for name, work in _alternate(sides, rounds + 1):
        if before is not None:
            before(name)
        gc.collect()
        started = clock()
        work(operations)
        costs[name].append((clock() - started) / operations / 1000)
    return Rounds({name: found[1:] for name, found in costs.items()})


def interleave_programs(programs: Mapping[str, Sequence[str]], rounds: int) -> tuple[Rounds, Outputs]:
    """Run Python programs alternately, each in a fresh process, after a round that is not counted.

    Args:
        programs: Arguments of the interpreter by side. The last line that a program prints is JSON with its ``cost``.
        rounds: Number of rounds.

    Returns:
        The costs, and the outputs of each program.
    """
    outputs: Outputs = {name: [] for name in programs}
    for name, arguments in _alternate(programs, rounds + 1):
        outputs[name].append(run_program(arguments))
    counted = {name: found[1:] for name, found in outputs.items()}
    return Rounds({name: [float(each["cost"]) for each in found] for name, found in counted.items()}), counted


def _alternate(sides: Mapping[str, Any], rounds: int) -> Iterable[tuple[str, Any]]:
    for number in range(rounds):
        yield from sides.items() if number % 2 == 0 else reversed(list(sides.items()))


def run_program(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, *, python: str = sys.executable
) -> dict[str, Any]:
    """Run a Python program of the checkout, and return the JSON object of its last line.

    Raises:
        RuntimeError: The program failed. The message has its output.
    """
    command = [python, *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment() | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PROGRAM_SECONDS,
    )
    if done.returncode != 0:
        shown = " ".join(arguments)[:200]
        raise RuntimeError(f"{shown}: exit code {done.returncode}\n{done.stdout[-1000:]}\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def clean_environment() -> dict[str, str]:
    """Return the environment of programs: no setting of telemetry but the engine, and compiled bytecode."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "FLEXT_", "PYTHON", "DD_", "LOGFIRE_", "SENTRY_", "COVERAGE_"))
    }
    kept |= {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    return kept | {"PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONPATH": str(ROOT)}
