"""ExportWorker: leaving sends what is left, by the deadline, and counts the rest."""

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


def test_closing_sends_what_is_left_and_closes_the_exporter(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, max_batch=2)
    for item in range(5):
        worker.enqueue(item)
    assert close(worker) == {}
    assert worker.counts().exported == 5
    assert exporter.closed


def test_closing_before_anything_was_offered_closes_the_exporter(make: Make) -> None:
    exporter = ScriptedExporter()
    assert close(make(exporter)) == {}
    assert exporter.closed


def test_nobody_answering_gets_one_last_attempt(make: Make) -> None:
    exporter = ScriptedExporter(REFUSED, REFUSED, REFUSED)
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    worker.enqueue(2)
    began = time.monotonic()
    assert close(worker) == {"unreachable": 2}
    assert time.monotonic() - began < 2
    assert len(exporter.batches) == 2


def test_a_busy_back_end_is_asked_again_while_there_is_time(make: Make) -> None:
    soon = ExportOutcome(retry=True, retry_after_seconds=0.1, reason="unavailable")
    exporter = ScriptedExporter(soon, soon)
    worker = make(exporter)
    worker.enqueue(1)
    assert close(worker) == {}
    assert worker.counts().exported == 1


def test_a_retry_that_would_come_too_late_ends_the_wait(make: Make) -> None:
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


def test_an_outcome_that_comes_after_the_end_is_not_told(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    exporter = ScriptedExporter(REFUSED)
    exporter.hold.clear()
    worker = make(exporter)
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    assert close(worker, 0.1) == {"shutdown_deadline": 1}
    exporter.hold.set()
    assert eventually(lambda: exporter.closed)  # the worker's last act
    assert caplog.messages == []


def test_an_attempt_that_the_deadline_cuts_short_has_the_deadline_s_word(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    class Silent(ScriptedExporter):
        def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
            threading.Event().wait(timeout_seconds)
            return ExportOutcome(retry=True, reached=False, reason="timeout", message="no answer")

    worker = make(Silent())
    worker.enqueue(1)
    assert close(worker, 0.2) == {"shutdown_deadline": 1}
    assert caplog.messages == []


def test_the_last_attempt_gets_the_time_that_is_left(make: Make) -> None:
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


def test_an_exporter_that_fails_to_close_hurts_nobody(make: Make) -> None:
    class Stubborn(ScriptedExporter):
        def close(self) -> None:
            raise OSError("no")

    assert close(make(Stubborn())) == {}


def test_closing_sends_all_readings_that_wait_with_the_last_one(make: Make) -> None:
    numbers = iter(range(100))
    exporter = ScriptedExporter(BUSY)
    worker = make(exporter, interval=0, max_batch=60, queue=60, collect=lambda: next(numbers))
    worker.start()
    assert exporter.wait_for_batches(1)
    deadline = time.monotonic() + 5
    worker.begin_close(deadline)
    counts = worker.wait_closed(deadline)
    assert exporter.batches == [[0], [0, 1]]
    assert (counts.exported, counts.dropped) == (2, {})


def test_closing_reads_a_last_time_even_when_a_batch_was_under_way(make: Make) -> None:
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


def test_an_abandoned_delivery_touches_nothing_of_its_parent(make: Make) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter)
    worker.abandon()
    worker.enqueue(1)
    assert worker.counts().dropped == {"after_shutdown": 1}
    assert not exporter.closed


def test_items_that_never_got_a_thread_are_sent_by_whoever_closes(make: Make) -> None:
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
