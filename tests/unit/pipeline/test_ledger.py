"""Ledger: all counts add up."""

from __future__ import annotations

import threading

from flext_observability.domain.report import SignalCounts
from flext_observability.pipeline.export_queue import QueueCounts
from flext_observability.pipeline.ledger import Ledger, SignalCounter


def test_started_is_open_plus_sampled_out_plus_finished() -> None:
    counter = SignalCounter("traces")
    for _ in range(5):
        counter.start()
    counter.sample_out()
    counter.finish()
    assert counter.counts() == SignalCounts("traces", started=5, open=3, sampled_out=1, finished=1)


def test_log_records_are_never_open() -> None:
    counter = SignalCounter("logs")
    counter.pass_through()
    assert counter.counts() == SignalCounts("logs", started=1, open=0, sampled_out=0, finished=1)


def test_counting_is_exact_under_threads() -> None:
    counter = SignalCounter("traces")

    def count() -> None:
        for _ in range(5000):
            counter.start()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.counts().started == 40_000


def test_a_counter_works_after_its_lock_was_held_by_a_lost_thread() -> None:
    counter = SignalCounter("traces")
    counter._lock.acquire()
    counter.reset_lock()
    thread = threading.Thread(target=counter.start)
    thread.start()
    thread.join(5)
    assert counter.counts().started == 1


def test_the_snapshot_holds_every_signal_and_exporter() -> None:
    ledger = Ledger()
    ledger.counters["traces"].start()
    ledger.add("metrics", "a", lambda: QueueCounts(finished=3, exported=3))
    ledger.add("metrics", "b", lambda: QueueCounts(finished=4, dropped={"rejected": 4}))
    snapshot = ledger.snapshot()
    assert [(row.signal, row.started) for row in snapshot.signals] == [("traces", 1), ("metrics", 4), ("logs", 0)]
    assert (snapshot.exported, snapshot.queued, snapshot.dropped) == (3, 0, {"rejected": 4})
