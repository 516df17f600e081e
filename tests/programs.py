"""Python source → a finished process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SETTING_PREFIXES = ("OTEL_", "FLEXT_", "OBSERVABILITY_", "PROMETHEUS_", "JAEGER_", "ALERTMANAGER_", "GRAFANA_")

# The engine of all tests and their programs: TEST_ENGINE=sdk is the run with the SDK's own (`make test-engine-sdk`).
ENGINE = {"FLEXT_OBSERVABILITY_ENGINE": os.environ["TEST_ENGINE"]} if os.environ.get("TEST_ENGINE") else {}

# Turns off coverage in programs that it would slow down or block.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}


@dataclass(frozen=True)
class Finished:
    """A finished program.

    Attributes:
        code: Exit code.
        out: Its standard output.
        err: Its standard error.
        seconds: Its run time, measured from outside.
        ended: When its end was seen, on the monotonic clock that all processes share.
    """

    code: int
    out: str
    err: str
    seconds: float
    ended: float

    @property
    def lines(self) -> list[str]:
        """Lines of the standard output."""
        return self.out.splitlines()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process without telemetry settings, plus these settings."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(SETTING_PREFIXES)}
    return {**plain, **ENGINE, **settings}


def run(source: str, timeout: float = 60, /, **settings: str) -> Finished:
    """Run a program with these environment variables, and wait for its end."""
    return _run(["-c", textwrap.dedent(source)], timeout, settings)


def run_file(folder: Path, source: str, timeout: float = 60, /, **settings: str) -> Finished:
    """Run a program from a file in the folder, so that spawned child processes can import it."""
    file = folder / "program.py"
    file.write_text(textwrap.dedent(source), encoding="utf-8")
    return _run([str(file)], timeout, settings)


def _run(arguments: Sequence[str], timeout: float, settings: Mapping[str, str]) -> Finished:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment(settings),
    )
    ended = time.monotonic()
    return Finished(done.returncode, done.stdout, done.stderr, ended - started, ended)
