"""The emitter as a process that tests talk to."""

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
    """A running program; each command is answered when it is done."""

    service: str
    commands: IO[str]
    answers: IO[str]

    def page(self) -> str:
        """Give `host:port` of the metrics page."""
        return str(self._ask("address")["address"]).removeprefix("http://")

    def emit(self, count: int) -> str:
        """Make so many spans, log records and measurements; gives the id of their trace."""
        return str(self._ask(f"emit {count}")["trace_id"])

    def flush(self, seconds: float) -> dict[str, Any]:
        """Flush; gives the counts."""
        return self._ask(f"flush {seconds}")

    def end(self) -> dict[str, Any]:
        """Shut down; gives the last counts."""
        return self._ask("end")

    def _ask(self, command: str) -> dict[str, Any]:
        self.commands.write(command + "\n")
        self.commands.flush()
        answer: dict[str, Any] = json.loads(self.answers.readline())
        return answer


@contextmanager
def emitter(collector: Collector, protocol: str, *more: str) -> Generator[Emitter]:
    """Run the emitter meanwhile, under a service name of its own."""
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
