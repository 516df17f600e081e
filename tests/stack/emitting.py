"""Run the emitter as a child process with a command interface."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from uuid import uuid4

from monitoring.native.places import REPOSITORY
from tests.stack.clients import Collector


@dataclass(frozen=True, slots=True)
class Emitter:
    """A running emitter. Each method returns after the command has finished."""

    service: str
    commands: IO[str]
    answers: IO[str]

    def page(self) -> str:
        """Return `host:port` of the metrics page."""
        return str(self._ask("address")["address"]).removeprefix("http://")

    def emit(self, count: int) -> str:
        """Record this number of spans, log records and measurements. Return their trace id."""
        return str(self._ask(f"emit {count}")["trace_id"])

    def flush(self, seconds: float) -> dict[str, Any]:
        """Flush, and return the counts."""
        return self._ask(f"flush {seconds}")

    def end(self) -> dict[str, Any]:
        """Shut down, and return the final counts."""
        return self._ask("end")

    def _ask(self, command: str) -> dict[str, Any]:
        self.commands.write(command + "\n")
        self.commands.flush()
        answer: dict[str, Any] = json.loads(self.answers.readline())
        return answer


@contextmanager
def emitter(collector: Collector, protocol: str, *more: str) -> Generator[Emitter]:
    """Run the emitter with a unique service name."""
    endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
    service = f"emitter-{uuid4().hex[:8]}"
    argv = ["--service", service, "--endpoint", endpoint, "--protocol", protocol, *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stack.emitter", *argv],
        cwd=REPOSITORY,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdin
        assert process.stdout
        try:
            yield Emitter(service, process.stdin, process.stdout)
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()
