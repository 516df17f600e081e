"""Real programs for tests: Python source → a finished process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OURS = ("OTEL_", "FLEXT_", "OBSERVABILITY_", "PROMETHEUS_", "JAEGER_", "ALERTMANAGER_", "GRAFANA_")

UNMEASURED = {
    "COVERAGE_PROCESS_CONFIG": ""
}  # a setting for programs that the measuring of lines would slow down or hang


@dataclass(frozen=True)
class Finished:
    """A finished program.

    Attributes:
        code: Exit code.
        out: What it printed.
        err: What it printed on stderr.
        seconds: How long it took from outside.
    """

    code: int
    out: str
    err: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        """Lines printed."""
        return self.out.splitlines()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without settings of ours, with these added."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**plain, **settings}


def run(source: str, timeout: float = 60, /, **settings: str) -> Finished:
    """Run a program to its end with these environment variables."""
    return _run(["-c", textwrap.dedent(source)], timeout, settings)


def run_file(folder: Path, source: str, timeout: float = 60, /, **settings: str) -> Finished:
    """Do the same with a file in the folder, which child processes can import again."""
    file = folder / "program.py"
    file.write_text(textwrap.dedent(source), encoding="utf-8")
    return _run([str(file)], timeout, settings)


def _run(arguments: Sequence[str], timeout: float, settings: Mapping[str, str]) -> Finished:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment(settings),
    )
    return Finished(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
