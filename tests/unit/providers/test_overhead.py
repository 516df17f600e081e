"""The overhead of telemetry is measured, not estimated from constants."""

from __future__ import annotations

import json
import logging
import time
from urllib.request import urlopen

import pytest

from flext_observability import init_observability, start_ops_server, traced
from flext_observability.domain.report import LedgerSnapshot, SignalCounts
from flext_observability.providers import overhead
from flext_observability.runtime.thread_cpu import thread_cpu


@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_spans_records_and_threads_count(engine: str) -> None:
    counts = (SignalCounts("traces", started=1000), SignalCounts("logs", started=500))
    cost = overhead.measure(LedgerSnapshot(signals=counts), engine)
    assert 0 < cost.seconds_per_span < 0.001
    assert 0 < cost.seconds_per_record < 0.001
    assert cost.recording_seconds == pytest.approx(1000 * cost.seconds_per_span + 500 * cost.seconds_per_record)
    assert 0 < cost.percent <= 100
    assert cost.to_dict()["microseconds_per_span"] > 0
    before = cost.threads_seconds
    thread_cpu().call(lambda: [number**2 for number in range(100_000)])
    again = overhead.measure(LedgerSnapshot(), engine)
    assert again.threads_seconds > before
    assert again.seconds_per_span == cost.seconds_per_span
    assert again.recording_seconds == 0


def test_the_cost_is_measured_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    first = overhead.measure(LedgerSnapshot(), "lean")
    now = time.monotonic() + overhead.CALIBRATION_SECONDS + 1
    monkeypatch.setattr("flext_observability.providers.overhead.time.monotonic", lambda: now)
    assert overhead.measure(LedgerSnapshot(), "lean").seconds_per_span != first.seconds_per_span


def test_the_status_page_has_it() -> None:
    with init_observability(service_name="shop", console=False, exporters="memory").unwrap():
        server = start_ops_server(port=0).unwrap()
        for _ in range(200):
            with traced("work"):
                logging.getLogger("shop").warning("sold")
        shown = json.load(urlopen(server.address + "/status"))["overhead"]
    assert shown["recording_cpu_seconds"] > 0
    assert 0 < shown["cpu_percent"] <= 100
