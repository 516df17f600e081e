"""Helpers for tests of bad input: start, record one item of each signal, wait for a reason in the status."""

from __future__ import annotations

import logging
import time
from typing import Any

from opentelemetry import metrics, trace

from flext_observability import Observability, SignalStatus, init_observability


def record(name: str = "one") -> None:
    """Record one item of each signal."""
    with trace.get_tracer("t").start_as_current_span(name):
        logging.getLogger("bad.input").error(name)
        metrics.get_meter("t").create_counter(name).add(1)


def start(**arguments: Any) -> Observability:
    return init_observability(service_name="bad", console=False, **arguments).unwrap()


def wait_for_reason(handle: Observability, words: str, seconds: float = 5) -> dict[str, SignalStatus]:
    """Flush, and return the status as soon as the reasons of all signals contain the words."""
    deadline = time.monotonic() + seconds
    handle.flush(0)
    while True:
        status = {str(signal): each for signal, each in handle.status().items()}
        if all(words in each.reason for each in status.values()):
            return status
        assert time.monotonic() < deadline, {each.signal: each.reason for each in status.values()}
        time.sleep(0.005)


def assert_degraded(words: str, fix: str, **arguments: Any) -> None:
    """Assert that each signal is degraded with this reason and this fix."""
    handle = start(**arguments)
    record()
    for status in wait_for_reason(handle, words).values():
        assert status.state == "degraded"
        assert fix in status.fix
    handle.shutdown(0)
