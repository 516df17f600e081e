"""ExportWorker: closing sends the remaining items by the deadline and counts the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from flext_observability.extensions.ports import ExportOutcome
from tests.fakes import BUSY, REFUSED, ScriptedExporter
from tests.unit.pipeline.workers import Make, close
from tests.waiting import eventually


def test_closing_sends_the_remaining_items_and_closes_the_exporter(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, max_batch=2)
    for item in range(5):
        worker.enqueue(item)
    assert close(worker) == {}
    assert worker.counts().exported == 5
    assert exporter.closed


def test_closing_an_unused_worker_closes_the_exporter(make: Make) -> None:
    exporter = ScriptedExporter()
    assert close(make(exporter)) == {}
    assert exporter.closed


def test_an_unreachable_back_end_gets_one_last_attempt(make: Make) -> None:
    exporter = ScriptedExporter(REFUSED, REFUSED, REFUSED)
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    assert eventually(lambda: worker.counts().in_flight == 0)
    worker.enqueue(2)
    began = time.monotonic()
    assert close(worker) == {"unreachable": 2}
    assert time.monotonic() - began < 2
    assert len(exporter.batches) == 2


def test_a_busy_back_end_is_retried_before_the_deadline(make: Make) -> None:
    soon = ExportOutcome(retry=True, retry_after_seconds=0.1, reason="unavailable")
    exporter = ScriptedExporter(soon, soon)
    worker = make(exporter)
    worker.enqueue(1)
    assert close(worker) == {}
    assert worker.counts().exported == 1


def test_a_retry_after_the_deadline_ends_the_wait(make: Make) -> None:
    late = ExportOutcome(retry=True, retry_after_seconds=100)
    worker = make(ScriptedExporter(late))
    worker.enqueue(1)
    began = time.monotonic()
    assert close(worker) == {"unavailable": 1}
    assert time.monotonic() - began < 2


def test_a_silent_back_end_costs_the_deadline_and_no_more(make: Make) -> None:
    exporter = ScriptedExporter()
    exporter.hold.clear()
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    began = time.monotonic()
    assert close(worker, 0.2) == {"shutdown_deadline": 1}
    assert time.monotonic() - began < 1
    exporter.hold.set()


def test_an_outcome_after_the_end_is_not_reported(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    exporter = ScriptedExporter(REFUSED)
    exporter.hold.clear()
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    assert close(worker, 0.1) == {"shutdown_deadline": 1}
    exporter.hold.set()
    assert eventually(lambda: exporter.closed)
    assert caplog.messages == []


@pytest.mark.parametrize("early_seconds", [0.0, 0.04])
def test_an_attempt_cut_short_by_the_deadline_counts_as_shutdown_deadline(
    make: Make, caplog: pytest.LogCaptureFixture, early_seconds: float
) -> None:
    class Silent(ScriptedExporter):
        def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
            threading.Event().wait(timeout_seconds - early_seconds)
            return ExportOutcome(retry=True, reached=False, reason="timeout", message="no response")

    worker = make(Silent())
    worker.enqueue(1)
    assert close(worker, 0.2) == {"shutdown_deadline": 1}
    assert caplog.messages == []


def test_the_last_attempt_gets_the_remaining_time(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter)
    worker.enqueue(1)
    close(worker, 1)
    assert exporter.timeouts[-1] <= 1


def test_an_item_after_the_end_is_counted(make: Make) -> None:
    worker = make(ScriptedExporter())
    close(worker)
    worker.enqueue(1)
    assert worker.counts().dropped == {"after_shutdown": 1}


def test_a_failure_to_close_the_exporter_is_ignored(make: Make) -> None:
    class Stubborn(ScriptedExporter):
        def close(self) -> None:
            raise OSError("no")

    assert close(make(Stubborn())) == {}


class ClosesSlowly(ScriptedExporter):
    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self.closing = threading.Event()

    def close(self) -> None:
        self.closing.set()
        self.release.wait(10)
        self.closed = True


def test_an_exporter_that_hangs_in_close_costs_the_deadline_and_is_reported(make: Make) -> None:
    exporter = ClosesSlowly()
    worker = make(exporter)
    worker.enqueue(1)
    deadline = time.monotonic() + 0.3
    worker.begin_close(deadline)
    assert not worker.wait_closed(deadline)
    assert 0.25 <= time.monotonic() - deadline + 0.3 <= 2
    exporter.release.set()
    assert worker.wait_closed(time.monotonic() + 5)


def test_counts_are_readable_and_items_are_counted_while_the_exporter_hangs_in_close(make: Make) -> None:
    exporter = ClosesSlowly()
    worker = make(exporter)
    worker.enqueue(1)
    worker.begin_close(time.monotonic() + 5)
    assert exporter.closing.wait(5)
    counted: list[int] = []

    def count() -> None:
        worker.enqueue(2)
        counted.append(worker.counts().exported)

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    thread.join(5)
    exporter.release.set()
    assert (counted, worker.counts().dropped) == ([1], {"after_shutdown": 1})


def test_an_exporter_that_hangs_in_export_is_not_reported_as_closing(make: Make) -> None:
    exporter = ScriptedExporter()
    exporter.hold.clear()
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    worker.begin_close(time.monotonic())
    assert worker.wait_closed(time.monotonic())
    assert worker.counts().dropped == {"shutdown_deadline": 1}
    exporter.hold.set()


def test_dropping_the_items_ends_a_wait_for_an_exporter_that_hangs(make: Make) -> None:
    exporter = ScriptedExporter()
    exporter.hold.clear()
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    worker.begin_close(time.monotonic() + 8)
    timer = threading.Timer(0.05, worker.drop_queued)
    timer.start()
    began = time.monotonic()
    assert worker.wait_closed(began + 8)
    assert time.monotonic() - began < 5
    exporter.hold.set()


def test_the_exporters_of_several_workers_close_at_the_same_time(make: Make) -> None:
    exporters = [ClosesSlowly() for _ in range(3)]
    workers = [make(exporter) for exporter in exporters]
    for worker in workers:
        worker.begin_close(time.monotonic() + 5)
    assert all(exporter.closing.wait(5) for exporter in exporters)
    for exporter in exporters:
        exporter.release.set()
    assert all(worker.wait_closed(time.monotonic() + 5) for worker in workers)


def test_closing_sends_all_queued_readings_with_the_last_one(make: Make) -> None:
    numbers = iter(range(100))
    exporter = ScriptedExporter(BUSY)
    worker = make(exporter, interval=0, max_batch=60, queue=60, collect=lambda: next(numbers))
    worker.start()
    assert exporter.wait_for_batches(1)
    deadline = time.monotonic() + 5
    worker.begin_close(deadline)
    worker.wait_closed(deadline)
    assert exporter.batches == [[0], [0, 1]]
    assert (worker.counts().exported, worker.counts().dropped) == (2, {})


def test_closing_reads_a_last_time_after_a_batch_in_flight(make: Make) -> None:
    numbers = iter(range(100))
    exporter = ScriptedExporter()
    exporter.hold.clear()
    worker = make(exporter, interval=0, max_batch=1, collect=lambda: next(numbers), cumulative=True)
    worker.start()
    assert exporter.wait_for_batches(1)
    deadline = time.monotonic() + 5
    worker.begin_close(deadline)
    exporter.hold.set()
    worker.wait_closed(deadline)
    assert exporter.batches == [[0], [1]]


def test_an_abandoned_worker_uses_nothing_of_its_parent(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter)
    worker.abandon()
    worker.enqueue(1)
    assert worker.counts().dropped == {"after_shutdown": 1}
    assert not exporter.closed


def test_items_without_a_thread_are_sent_by_the_closing_thread(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter)
    before = threading.stack_size()
    threading.stack_size(2**46)
    try:
        worker.enqueue(1)
        assert close(worker) == {}
    finally:
        threading.stack_size(before)
    assert (exporter.batches, exporter.closed) == ([[1]], True)


def test_a_reading_that_ends_after_the_deadline_is_not_counted(make: Make) -> None:
    reading, over = threading.Event(), threading.Event()

    def read() -> int:
        reading.set()
        over.wait(10)
        return 1

    exporter = ScriptedExporter()
    worker = make(exporter, interval=0, collect=read)
    worker.start()
    assert reading.wait(5)
    assert close(worker, 0.05) == {}
    over.set()
    assert eventually(lambda: exporter.closed)
    assert worker.counts().finished == 0


def test_the_thread_ends_when_idle_and_starts_again_with_an_item(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, interval=0, idle=0.01)
    for count in (1, 2):
        worker.enqueue(count)
        assert exporter.wait_for_batches(count)
        assert eventually(lambda: not worker.is_running)
    assert not exporter.closed


def test_a_drain_tries_once_without_back_off_and_keeps_failed_items(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flext_observability.pipeline.retry.FIRST_SECONDS", 200)
    monkeypatch.setattr("flext_observability.pipeline.retry.MAX_SECONDS", 200)
    late = ExportOutcome(retry=True, retry_after_seconds=200, reason="unavailable")
    exporter = ScriptedExporter(late, late)
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    for drained in (False, True):
        deadline = time.monotonic() + 5
        worker.begin_drain(deadline)
        assert worker.wait_drained(deadline) == drained
    assert exporter.batches == [[1], [1], [1]]
    assert all(timeout <= 5 for timeout in exporter.timeouts[1:])


def test_a_drain_does_not_wait_for_a_retry_after_of_a_running_attempt(make: Make) -> None:
    exporter = ScriptedExporter(ExportOutcome(retry=True, retry_after_seconds=200, reason="unavailable"))
    exporter.hold.clear()
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    deadline = time.monotonic() + 5
    worker.begin_drain(deadline)
    exporter.hold.set()
    assert worker.wait_drained(deadline)
    assert exporter.batches == [[1], [1]]


def test_a_stopped_worker_leaves_the_queue_to_its_owner(make: Make) -> None:
    exporter = ScriptedExporter()
    exporter.hold.clear()
    worker = make(exporter, max_batch=1)
    assert worker.stop_if_hung(0.0) is None
    worker.enqueue(1)
    worker.enqueue(2)
    assert exporter.wait_for_batches(1)
    assert worker.stop_if_hung(60.0) is None
    assert worker.stop_if_hung(0.0) is not None
    exporter.hold.set()
    assert eventually(lambda: exporter.closed)
    counts = worker.counts()
    assert (counts.in_flight, counts.queued, counts.exported) == (1, 1, 0)
