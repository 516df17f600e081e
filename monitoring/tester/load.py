"""Run the shop demo against the collector: number of checkouts → what was sent, by the report of the demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from monitoring.native.parts import COLLECTOR
from monitoring.native.places import Places, StackError

SERVICES: Final = ("gateway", "orders", "payments", "inventory")
_LIMIT_SECONDS: Final = 70.0
_SHOWN_CHARACTERS: Final = 2000
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """What the customers and the services of one run of the demo counted.

    Attributes:
        run_id: Prefix of the instance ids of the services.
        traces: Trace id of each checkout.
        good_trace: Trace of a successful checkout.
        sold: Number of successful orders.
        declined: Number of declined orders; each has spans with an error and an error log record.
        revenue: Revenue in EUR.
        spans: Number of spans that the services exported.
        logs: Number of log records that the services exported.
    """

    run_id: str
    traces: tuple[str, ...]
    good_trace: str
    sold: int
    declined: int
    revenue: float
    spans: int
    logs: int

    @property
    def checkouts(self) -> int:
        """Number of checkouts."""
        return self.sold + self.declined


def run_load(places: Places, *, checkouts: int, seconds: float, tick: Callable[[], None]) -> Load:
    """Run the demo, and return what it sent.

    Args:
        places: Addresses of the stack.
        checkouts: Number of customers, one checkout each.
        seconds: Time from the first to the last customer.
        tick: Function to call while the demo runs.

    Raises:
        StackError: The demo failed, or did not send to the collector of this stack.
    """
    with tempfile.TemporaryDirectory(prefix="observability-test-") as folder:
        report, output = Path(folder) / "report.json", Path(folder) / "output.log"
        arguments = ("--requests", str(checkouts), "--seconds", str(seconds), "--report", str(report))
        code = _run((sys.executable, "-m", "examples.shop", *arguments), places, output, tick)
        text = output.read_text(encoding="utf-8", errors="replace")
        if code:
            raise StackError(f"The shop demo failed (exit code {code}). Its output:\n{text[-_SHOWN_CHARACTERS:]}")
        sent: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    collector = f"http://{places.address(COLLECTOR, 'otlp_http')}"
    if sent["receiver"] != collector:
        raise StackError(f"The demo sent to {sent['receiver']} instead of {collector}. Start the stack: make stack-up.")
    return load_from(sent)


def load_from(report: dict[str, Any]) -> Load:
    """Return the totals of a report of the demo."""
    return Load(
        run_id=report["run"],
        traces=tuple(report["correlation_ids"]),
        good_trace=report["good_trace"],
        sold=sum(report["sold"].values()),
        declined=sum(report["declined"].values()),
        revenue=report["revenue"],
        spans=sum(one["traces"] for one in report["sent"].values()),
        logs=sum(one["logs"] for one in report["sent"].values()),
    )


def _run(argv: tuple[str, ...], places: Places, output: Path, tick: Callable[[], None]) -> int:
    environment = {**os.environ, "FLEXT_STACK_PORT_OFFSET": str(places.port_offset)}
    with output.open("wb") as file:
        process = subprocess.Popen(argv, cwd=places.repository, env=environment, stdout=file, stderr=file)
    try:
        waited = 0.0
        while True:
            try:
                return process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                waited += _POLL_SECONDS
                tick()
                if waited > _LIMIT_SECONDS:
                    raise StackError(
                        f"The shop demo did not end within {_LIMIT_SECONDS:.0f} s. Stop other programs, and repeat."
                    ) from None
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(10)
