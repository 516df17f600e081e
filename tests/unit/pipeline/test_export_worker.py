"""ExportWorker: batches are sent on time and survive failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from flext_observability.engine.compat import is_suppressed
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline import retry
from tests.fakes import BUSY, ScriptedExporter
from tests.unit.pipeline.workers import Make, close, flush


def test_the_first_item_is_sent_at_once_and_the_next_at_the_interval(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter)
    began = time.monotonic()
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    assert time.monotonic() - began < 2
    worker.enqueue(2)
    assert not exporter.wait_for_batches(2, 0.4)


def test_a_full_batch_does_not_wait_for_the_interval(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, max_batch=2)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    worker.enqueue(2)
    worker.enqueue(3)
    assert exporter.wait_for_batches(2)
    assert exporter.batches == [[1], [2, 3]]


def test_items_of_one_interval_are_sent_together(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, interval=0.3)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    worker.enqueue(2)
    worker.enqueue(3)
    assert exporter.wait_for_batches(2)
    assert exporter.batches == [[1], [2, 3]]


def test_the_worker_runs_with_instrumentation_suppressed(make: Make) -> None:
    seen: list[bool] = []
    exporter = ScriptedExporter()

    def read() -> int:
        seen.append(is_suppressed())
        return 1

    worker = make(exporter, collect=read)
    worker.start()
    assert flush(worker)
    assert seen == [True]
    assert not is_suppressed()


def test_flush_sends_all_queued_items(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, max_batch=2)
    for item in range(5):
        worker.enqueue(item)
    assert flush(worker)
    assert [item for batch in exporter.batches for item in batch] == [0, 1, 2, 3, 4]


def test_flush_of_an_empty_queue_returns_at_once(make: Make) -> None:
    worker = make(ScriptedExporter())
    assert flush(worker, 0)


def test_flush_keeps_its_deadline_without_a_response(make: Make) -> None:
    exporter = ScriptedExporter()
    exporter.hold.clear()
    worker = make(exporter)
    worker.enqueue(1)
    began = time.monotonic()
    assert not flush(worker, 0.1)
    assert time.monotonic() - began < 1
    exporter.hold.set()


def test_flush_waits_for_a_retry_within_its_deadline(make: Make) -> None:
    exporter = ScriptedExporter(BUSY)
    worker = make(exporter)
    worker.enqueue(1)
    assert flush(worker)
    assert exporter.batches == [[1], [1]]


def test_flush_respects_a_retry_after(make: Make) -> None:
    exporter = ScriptedExporter(ExportOutcome(retry=True, retry_after_seconds=200, reason="unavailable"))
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    assert not flush(worker, 0.3)
    assert exporter.batches == [[1]]


def test_flush_forces_one_attempt_during_back_off(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 200)
    monkeypatch.setattr(retry, "MAX_SECONDS", 200)
    exporter = ScriptedExporter(BUSY)
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    assert flush(worker)
    assert exporter.batches == [[1], [1]]


def test_flush_after_the_end_returns_whether_the_queue_is_empty(make: Make) -> None:
    worker = make(ScriptedExporter())
    close(worker)
    assert flush(worker)


def test_retry_after_sets_the_pace(make: Make) -> None:
    soon = ExportOutcome(retry=True, retry_after_seconds=0.2, reason="unavailable")
    exporter = ScriptedExporter(soon)
    worker = make(exporter, interval=0)
    began = time.monotonic()
    worker.enqueue(1)
    assert exporter.wait_for_batches(2)
    assert time.monotonic() - began >= 0.2
    assert exporter.batches == [[1], [1]]


def test_an_exporter_that_raises_costs_its_batch_only(make: Make) -> None:
    exporter = ScriptedExporter(ValueError("broken"))
    worker = make(exporter, interval=0)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    worker.enqueue(2)
    assert exporter.wait_for_batches(2)
    assert close(worker) == {"error": 1}
    assert worker.counts().exported == 1


def test_periodic_data_are_read_at_each_interval(make: Make) -> None:
    numbers = iter(range(100))
    exporter = ScriptedExporter()
    worker = make(exporter, interval=0.05, max_batch=1, collect=lambda: next(numbers))
    worker.start()
    assert exporter.wait_for_batches(3)
    assert exporter.batches[:3] == [[0], [1], [2]]


def test_the_worker_survives_a_failed_reading(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    def read() -> int:
        if not exporter.batches and not caplog.messages:
            raise KeyError("gone")
        return 7

    exporter = ScriptedExporter()
    worker = make(exporter, interval=0.05, max_batch=1, collect=read)
    worker.start()
    assert exporter.wait_for_batches(1)
    assert caplog.messages[0] == "fake (metrics) is down, items are dropped: reading metrics raised KeyError: 'gone'"


def test_an_invalid_outcome_costs_its_batch_only(make: Make) -> None:
    class Forgetful(ScriptedExporter):
        def export(self, batch: Sequence[Any], timeout_seconds: float) -> Any:
            super().export(batch, timeout_seconds)

    worker = make(Forgetful())
    worker.enqueue(1)
    assert flush(worker)
    assert worker.counts().dropped == {"error": 1}
    worker.enqueue(2)
    assert close(worker) == {"error": 2}


def test_an_empty_reading_is_not_sent(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, collect=lambda: None)
    worker.start()
    assert flush(worker)
    assert exporter.batches == []


def test_a_failed_cumulative_reading_is_carried_by_the_next(make: Make) -> None:
    numbers = iter(range(100))
    exporter = ScriptedExporter(BUSY)
    worker = make(exporter, max_batch=1, queue=60, collect=lambda: next(numbers), cumulative=True)
    worker.start()
    assert flush(worker)
    assert exporter.batches == [[0], [1]]
    assert worker.counts().finished == 1


def test_a_failed_delta_reading_is_retried(make: Make) -> None:
    numbers = iter(range(100))
    exporter = ScriptedExporter(BUSY)
    worker = make(exporter, max_batch=1, queue=60, collect=lambda: next(numbers))
    worker.start()
    ticket = worker.begin_flush()
    assert exporter.wait_for_batches(2)
    assert exporter.batches[:2] == [[0], [0]]
    worker.wait_flushed(ticket, time.monotonic())


@pytest.mark.parametrize("further", [[], [2]])
def test_items_stay_queued_while_the_host_has_no_threads(make: Make, further: list[int]) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter)
    before = threading.stack_size()
    threading.stack_size(2**46)  # no system can give that, so starting a thread fails for real
    try:
        worker.enqueue(1)
    finally:
        threading.stack_size(before)
    assert worker.counts().queued == 1
    for item in further:
        worker.enqueue(item)
    assert flush(worker)
    assert exporter.batches == [[1, *further]]


def test_many_threads_lose_nothing(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, queue=100_000, max_batch=100)

    def enqueue() -> None:
        for number in range(1000):
            worker.enqueue(number)

    threads = [threading.Thread(target=enqueue) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert close(worker) == {}
    assert worker.counts().exported == 8000
