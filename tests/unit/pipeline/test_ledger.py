"""Ledger: all counts add up."""

from __future__ import annotations

import threading

from flext_observability.domain.report import SignalCounts
from flext_observability.pipeline.export_queue import QueueCounts
from flext_observability.pipeline.ledger import Ledger, SignalCounter


def test_started_is_open_plus_sampled_out_plus_finished() -> None:
    counter = SignalCounter("traces")
    for _ in range(5):
        next(counter.started)
    next(counter.sampled_out)
    next(counter.skipped)
    next(counter.finished)
    assert counter.counts() == SignalCounts("traces", started=6, open=3, sampled_out=2, finished=1)


def test_items_that_start_elsewhere_are_started() -> None:
    counter = SignalCounter("traces")
    next(counter.finished)
    assert counter.counts() == SignalCounts("traces", started=1, open=0, sampled_out=0, finished=1)


def test_log_records_are_never_open() -> None:
    counter = SignalCounter("logs")
    next(counter.passed)
    assert counter.counts() == SignalCounts("logs", started=1, open=0, sampled_out=0, finished=1)


def test_counting_is_exact_under_threads() -> None:
    counter = SignalCounter("traces")

    def count() -> None:
        for _ in range(5000):
            next(counter.started)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.counts().started == 40_000


def test_the_snapshot_holds_every_signal_and_exporter() -> None:
    ledger = Ledger()
    next(ledger.counters["traces"].started)
    ledger.add("metrics", "a", lambda: QueueCounts(finished=3, exported=3))
    ledger.add("metrics", "b", lambda: QueueCounts(finished=4, dropped={"rejected": 4}))
    snapshot = ledger.snapshot()
    assert [(row.signal, row.started) for row in snapshot.signals] == [("traces", 1), ("metrics", 4), ("logs", 0)]
    assert (snapshot.exported, snapshot.queued, snapshot.dropped) == (3, 0, {"rejected": 4})
