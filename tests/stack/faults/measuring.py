"""A running load → counts at both ends: recorded by the program, stored by each back end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from uuid import uuid4

import httpx

from monitoring.native.places import REPOSITORY
from tests.stack.clients import Jaeger, Prometheus, VictoriaLogs


@dataclass(frozen=True, slots=True)
class Count:
    """One signal of one fault."""

    signal: str
    sent: int
    received: int
    """Different items in the back end."""
    duplicates: int
    """Items that the back end stores more than once."""

    @property
    def lost(self) -> int:
        """Items that were recorded and are not in the back end."""
        return self.sent - self.received


@dataclass(frozen=True, slots=True)
class Load:
    """A running load. `end` stops it, waits for its flush, and returns the totals."""

    service: str
    process: subprocess.Popen[str]
    commands: IO[str]
    answers: IO[str]

    def end(self) -> dict[str, Any]:
        """Stop recording, flush, and return the counts of the program."""
        self.commands.close()
        answer: dict[str, Any] = json.loads(self.answers.readline())
        assert self.process.wait(30) == 0
        return answer


@dataclass(slots=True)
class Ledger:
    """The table of all faults."""

    rows: list[tuple[str, Count]] = field(default_factory=list[tuple[str, Count]])
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Stores:
    """The back ends, as clients."""

    jaeger: Jaeger
    prometheus: Prometheus
    victorialogs: VictoriaLogs

    def counts(self, service: str, sent: int) -> list[Count]:
        """Return the stored items of a service."""
        spans = [one.span_id for found in self._traces(service) for one in found]
        stats = self._log_stats(service)
        counter = self.prometheus.value(f'load_numbers_total{{service_name="{service}"}}')
        return [
            Count("spans", sent, len(set(spans)), len(spans) - len(set(spans))),
            Count("log records", sent, stats["numbers"], stats["rows"] - stats["numbers"]),
            Count("counter", sent, int(counter or 0), 0),
        ]

    def span_metric(self, service: str) -> int:
        """Return the spans of a service that the collector's span metrics have counted."""
        return int(self.prometheus.value(f'sum(traces_span_metrics_calls_total{{service_name="{service}"}})') or 0)

    def settled(self, service: str, sent: int, within_seconds: float) -> list[Count]:
        """Return the stored items once all have arrived and no more come, or after the time limit."""
        deadline = time.monotonic() + within_seconds
        while True:
            found = self.counts(service, sent)
            if not any(count.lost for count in found):
                time.sleep(0.5)  # a late duplicate
                return self.counts(service, sent)
            if time.monotonic() > deadline:
                return found
            time.sleep(0.3)

    def _traces(self, service: str) -> list[list[Any]]:
        return list(self.jaeger.traces(service, limit=5000).values())

    def _log_stats(self, service: str) -> dict[str, int]:
        query = f'{{service.name="{service}"}} | stats count() rows, count_uniq("load.number") numbers'
        answer = self.victorialogs.http.get("/select/logsql/query", params={"query": query}).raise_for_status()
        row = json.loads(answer.text.splitlines()[0])
        return {name: int(row[name]) for name in ("rows", "numbers")}


def active_alerts(url: str, name: str) -> list[dict[str, Any]]:
    """Return the active alerts with this name."""
    parameters = {"filter": f'alertname="{name}"', "active": "true"}
    answer = httpx.get(f"{url}/api/v2/alerts", params=parameters, trust_env=False).raise_for_status()
    alerts: list[dict[str, Any]] = answer.json()
    return alerts


@contextmanager
def load(endpoint: str, *options: str) -> Generator[Load]:
    """Run a load with a unique service name during the ``with`` block."""
    service = f"load-{uuid4().hex[:8]}"
    argv = [sys.executable, "-m", "tests.stack.faults.load", "--service", service, "--endpoint", endpoint, *options]
    process = subprocess.Popen(
        argv, cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        assert process.stdin
        assert process.stdout
        try:
            yield Load(service, process, process.stdin, process.stdout)
        finally:
            process.kill()
