"""Measure two or more implementations alternately in one run. Only their ratios have goals."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ROUNDS = 11


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the results.

    Attributes:
        name: Name of the benchmark.
        ours_microseconds: Time of one operation in our best round.
        theirs_microseconds: Time of one operation in the best round of the other side.
        against: Name of the other side.
        goal: Goal of the ratio, or empty.
    """

    name: str
    ours_microseconds: float
    theirs_microseconds: float
    against: str
    goal: str = ""

    @property
    def ratio(self) -> float:
        """Our time divided by that of the other side."""
        return self.ours_microseconds / self.theirs_microseconds


def interleave(
    functions: Mapping[str, Callable[[int], None]], operations: int, rounds: int = ROUNDS
) -> dict[str, float]:
    """Run all functions alternately. Return the best round of each, in microseconds per operation."""
    best = dict.fromkeys(functions, float("inf"))
    names = list(functions)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            gc.collect()
            started = time.perf_counter_ns()
            functions[name](operations)
            best[name] = min(best[name], (time.perf_counter_ns() - started) / operations / 1000)
    return best


def interleave_programs(programs: Mapping[str, str], rounds: int = ROUNDS) -> dict[str, float]:
    """Run Python programs alternately that print a time in seconds. Return the minimum of each, in microseconds.

    Bytecode is cached in a separate folder, which the first run of each program fills.
    """
    best = dict.fromkeys(programs, float("inf"))
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith(("OTEL_", "FLEXT_"))
        }
        environment["PYTHONPYCACHEPREFIX"] = cache
        names = list(programs)
        for name in names:
            _seconds(programs[name], environment)
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                best[name] = min(best[name], _seconds(programs[name], environment) * 1e6)
    return best


def _seconds(program: str, environment: Mapping[str, str]) -> float:
    command: Sequence[str] = (sys.executable, "-c", program)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(environment), timeout=60)
    return float(done.stdout.split()[-1])
