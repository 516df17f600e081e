"""Runs of the program under fault, and the table of what was sent, received, spooled and dropped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.backends.collector import Collector
from tests.programs import UNMEASURED, environment

PROGRAM = Path(__file__).with_name("program.py")
LEAVING_SECONDS = 2.5
"""Longest time of leaving beside other tests, with a deadline of 2 s; tests of the integration measure it alone."""


@dataclass
class Faults:
    """One service whose processes share a spool.

    Attributes:
        folder: Folder of this test.
        sent: Items that the processes have recorded.
        killed: Number of killed processes.
        ledgers: What the processes that ended have printed.
    """

    folder: Path
    sent: int = 0
    killed: int = 0
    ledgers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def start(self, url: str, *, seconds: float, rate: float = 500.0) -> subprocess.Popen[str]:
        """Start a process that records to an address."""
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "FLEXT_OBSERVABILITY_SPOOL_DIRECTORY": str(self.folder / "spool"),
            "COUNTED": str(self._counted),
            "SECONDS": str(seconds),
            "RATE": str(rate),
            "FIRST": str(self.sent),
            **UNMEASURED,
        }
        self._counted.unlink(missing_ok=True)
        with (self.folder / "stderr").open("a") as errors:
            return subprocess.Popen(
                [sys.executable, str(PROGRAM)],
                env=environment(settings),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    @property
    def _counted(self) -> Path:
        return self.folder / "counted"

    def finish(self, process: subprocess.Popen[str], timeout: float = 60.0) -> dict[str, Any]:
        """Wait for the end of a process, and return its ledger, which adds up."""
        out, _ = process.communicate(timeout=timeout)
        assert process.returncode == 0, (self.folder / "stderr").read_text()
        ledger: dict[str, Any] = json.loads(out)
        for row in ledger["rows"]:
            dropped, lost = sum(row["dropped"].values()), sum(row["found_dropped"].values())
            assert row["finished"] == row["queued"] + row["exported"] + row["spooled"] + dropped, row
            assert row["found"] == row["found_spooled"] + row["found_exported"] + lost, row
        self.sent += ledger["number"]
        self.ledgers.append(ledger)
        return ledger

    def run(self, url: str, *, seconds: float, rate: float = 500.0) -> dict[str, Any]:
        """Run a process to its end."""
        return self.finish(self.start(url, seconds=seconds, rate=rate))

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a process, and count what it had recorded."""
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.killed += 1
        if self._counted.exists():
            self.sent += int(os.fsencode(self._counted.read_text()) or 0)

    def wait_until_it_records(self, process: subprocess.Popen[str]) -> None:
        """Wait for the first item of a process."""
        deadline = time.monotonic() + 30
        while not self._counted.exists():
            assert process.poll() is None, (self.folder / "stderr").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def drain(self, receiver: Collector) -> dict[str, Any]:
        """Run processes that record nothing, until the spool is empty."""
        for _ in range(20):
            ledger = self.run(receiver.url, seconds=0)
            if not any(row["found_spooled"] for row in ledger["rows"]):
                return ledger
        raise AssertionError("the spool does not become empty")

    def total(self, name: str, signal_name: str = "traces") -> int:
        """Return the sum of a count over all processes that ended."""
        rows = (row for ledger in self.ledgers for row in ledger["rows"] if row["signal"] == signal_name)
        return sum(value if isinstance(value := row[name], int) else sum(value.values()) for row in rows)


def received(*receivers: Collector) -> dict[str, Counter[int]]:
    """Return how often each number has arrived, by signal."""
    spans = Counter(int(span.name) for each in receivers for span in each.spans())
    logs = Counter(int(record.body.string_value) for each in receivers for record in each.log_records())
    return {"traces": spans, "logs": logs}


def show(title: str, faults: Faults, arrived: Counter[int], signal_name: str) -> None:
    """Print a row of the table."""
    counts = {name: faults.total(name, signal_name) for name in ("spooled", "dropped", "found_dropped")}
    lost = faults.sent - len(arrived)
    print(
        f"{title}: {signal_name} sent {faults.sent}, received {len(arrived)}, twice {twice(arrived)}, "
        f"spooled {counts['spooled']}, dropped {counts['dropped'] + counts['found_dropped']}, "
        f"sum {len(arrived) + lost}, missing {lost}"
    )


def twice(arrived: Counter[int]) -> int:
    """Return the number of items that arrived more than once."""
    return sum(count > 1 for count in arrived.values())


def missing(numbers: Iterable[int], count: int) -> list[int]:
    """Return the numbers below ``count`` that did not arrive."""
    return sorted(set(range(count)) - set(numbers))
