"""Two or more ways to do one thing → their times side by side in one run, as ratios (only those are goals)."""

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
        name: What was measured.
        ours_microseconds: Our best round, for one operation.
        theirs_microseconds: The other side's best round, for one operation.
        against: Who the other side is.
        goal: What the ratio should be; empty where there is no goal yet.
    """

    name: str
    ours_microseconds: float
    theirs_microseconds: float
    against: str
    goal: str = ""

    @property
    def ratio(self) -> float:
        """How much of the other side's time we need."""
        return self.ours_microseconds / self.theirs_microseconds


def interleave(ways: Mapping[str, Callable[[int], None]], operations: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Run every way in turn, forwards and backwards, and return each one's best round in microseconds an operation."""
    best = dict.fromkeys(ways, float("inf"))
    names = list(ways)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            gc.collect()
            began = time.perf_counter_ns()
            ways[name](operations)
            best[name] = min(best[name], (time.perf_counter_ns() - began) / operations / 1000)
    return best


def interleave_programs(programs: Mapping[str, str], rounds: int = ROUNDS) -> dict[str, float]:
    """Run Python programs that print a number of seconds, in turn; return each one's smallest, in microseconds.

    Bytecode is kept in a folder of its own, and the first run of each program fills it.
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
