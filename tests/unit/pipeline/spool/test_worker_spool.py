"""Worker and spool: what cannot be sent is stored, and sent when the back end is back; the counts add up."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.pipeline import retry
from flext_observability.pipeline.endpoint_health import EndpointHealth
from flext_observability.pipeline.export_queue import QueueCounts
from flext_observability.pipeline.export_worker import ExportWorker
from tests.fakes import BUSY, REFUSED, REJECTED
from tests.unit.pipeline.spool.workers import (
    TIMEOUT,
    BadEncoder,
    Down,
    Session,
    SpoolingExporter,
    assert_adds_up,
    refused_bodies,
    spooling,
)
from tests.unit.pipeline.workers import Make, close, flush
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("quick")

# ---- while the back end is down --------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [REFUSED, BUSY], ids=["refused", "busy"])
def test_a_batch_that_cannot_be_sent_is_stored_and_sent_later(
    make: Make, session: Session, outcome: ExportOutcome
) -> None:
    exporter = Down(outcome)
    worker = spooling(make, session(), exporter, interval=0.02, endpoint=EndpointHealth())
    for number in range(100):
        worker.enqueue(number)
    assert eventually(lambda: worker.counts().spooled == 100)
    assert_adds_up(worker.counts())
    exporter.is_back = True
    assert eventually(lambda: worker.counts().exported == 100)
    assert worker.counts() == QueueCounts(finished=100, exported=100)
    assert sorted(exporter.received) == list(range(100))


def test_items_are_stored_in_batches_during_back_off(make: Make, session: Session, monkeypatch: Any) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 200)
    monkeypatch.setattr(retry, "MAX_SECONDS", 200)
    exporter = Down()
    worker = spooling(make, session(), exporter, interval=0.05, max_batch=10)
    for number in range(95):
        worker.enqueue(number)
    assert eventually(lambda: worker.counts().spooled == 95)
    assert len(exporter.batches) == 1


def test_items_are_stored_while_an_attempt_is_slow(make: Make, session: Session) -> None:
    exporter = Down(TIMEOUT)
    worker = spooling(make, session(), exporter, interval=0.02, max_batch=10, queue=80, endpoint=EndpointHealth())
    exporter.hold.clear()
    worker.enqueue(0)
    assert exporter.wait_for_batches(1)
    for number in range(1, 500):
        worker.enqueue(number)
        if not number % 20:
            assert eventually(lambda: worker.counts().queued < 60)
    assert worker.counts().dropped == {}
    assert worker.counts().spooled > 400
    exporter.is_back = True
    exporter.hold.set()
    assert flush(worker)
    assert eventually(lambda: sorted(exporter.received) == list(range(500)))
    assert worker.counts() == QueueCounts(finished=500, exported=500)


def test_items_wait_in_memory_if_the_settings_ask_for_it(make: Make, session: Session, monkeypatch: Any) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 200)
    monkeypatch.setattr(retry, "MAX_SECONDS", 200)
    worker = spooling(make, session(), Down(), interval=0.01, max_batch=10, queue=40, while_down=False)
    for number in range(29):
        worker.enqueue(number)
    assert eventually(lambda: worker.counts().in_flight == 0)
    assert not eventually_spools(worker)
    worker.enqueue(29)
    assert eventually(lambda: worker.counts().spooled >= 10)
    assert close(worker) == {}
    assert worker.counts() == QueueCounts(finished=30, spooled=30)


def eventually_spools(worker: ExportWorker[Any]) -> bool:
    deadline = time.monotonic() + 0.2
    while time.monotonic() < deadline:
        if worker.counts().spooled:
            return True
        time.sleep(0.01)
    return False


def test_collected_data_is_stored_at_each_interval(make: Make, session: Session, monkeypatch: Any) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 200)
    monkeypatch.setattr(retry, "MAX_SECONDS", 200)
    numbers = iter(range(1000))
    worker = spooling(make, session(), Down(), interval=0.05, collect=lambda: next(numbers), cumulative=True)
    worker.start()
    assert eventually(lambda: worker.counts().spooled >= 4)
    assert_adds_up(worker.counts())


def test_a_worker_that_did_not_try_reports_why_it_stores(make: Make, session: Session, caplog: Any) -> None:
    endpoint, one, exporter = EndpointHealth(), session(), Down()
    endpoint.join(one, lambda _back: None)
    endpoint.settle(one, REFUSED)
    worker = spooling(make, one, exporter, interval=0.02, endpoint=endpoint)
    worker.enqueue(1)
    assert eventually(lambda: worker.counts().spooled == 1)
    assert eventually(lambda: "connection refused" in caplog.text)


def test_items_that_cannot_be_encoded_are_dropped_alone(make: Make, session: Session) -> None:
    exporter = Down()
    exporter.unencodable = 3
    worker = spooling(make, session(), exporter)
    for number in range(5):
        worker.enqueue(number)
    assert eventually(lambda: worker.counts().spooled == 4)
    assert worker.counts() == QueueCounts(finished=5, spooled=4, dropped={"encoding": 1})


def test_a_spool_that_cannot_be_written_leaves_the_items_in_memory(
    make: Make, session: Session, spool_folder: Path
) -> None:
    spool_folder.write_text("in the way")
    exporter = Down()
    worker = spooling(make, session(), exporter, interval=0.02)
    for number in range(50):
        worker.enqueue(number)
    assert exporter.wait_for_batches(3)
    assert worker.counts().spooled == 0
    exporter.is_back = True
    assert flush(worker)
    assert worker.counts() == QueueCounts(finished=50, exported=50)


def test_an_encoder_that_fails_leaves_the_items_in_memory(make: Make, session: Session) -> None:
    exporter = BadEncoder()
    worker = spooling(make, session(), exporter, interval=0.02)
    worker.enqueue(1)
    assert exporter.wait_for_batches(2)
    assert worker.counts().spooled == 0
    assert close(worker) == {"unreachable": 1}


# ---- flush -----------------------------------------------------------------------------------------------------------


def test_a_flush_waits_for_what_is_stored(make: Make, session: Session) -> None:
    exporter = Down()
    worker = spooling(make, session(), exporter, interval=0.02)
    worker.enqueue(1)
    assert not flush(worker, 0.2)
    assert worker.counts().spooled == 1
    exporter.is_back = True
    assert flush(worker)
    assert worker.counts().exported == 1


# ---- refused for good ----


def test_a_refused_batch_is_kept(make: Make, session: Session, spool_folder: Path) -> None:
    worker = spooling(make, session(), SpoolingExporter(REJECTED))
    worker.enqueue(1)
    assert eventually(lambda: refused_bodies(spool_folder) == [b"1"])
    assert worker.counts() == QueueCounts(finished=1, dropped={"rejected": 1})


def test_items_that_cannot_be_encoded_are_no_refused_bodies(make: Make, session: Session, spool_folder: Path) -> None:
    exporter = SpoolingExporter(REJECTED)
    exporter.unencodable = 1
    worker = spooling(make, session(), exporter)
    worker.enqueue(1)
    worker.enqueue(2)
    assert eventually(lambda: worker.counts().dropped == {"rejected": 2})
    assert eventually(lambda: refused_bodies(spool_folder) == [b"2"])


def test_a_stored_request_that_is_refused_is_kept(make: Make, session: Session, spool_folder: Path) -> None:
    worker = spooling(make, session(), SpoolingExporter(BUSY, REJECTED), interval=0.02)
    worker.enqueue(1)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=1, dropped={"rejected": 1}))
    assert refused_bodies(spool_folder) == [b"1"]


def test_a_stored_request_that_is_accepted_in_part_counts_both(
    make: Make, session: Session, spool_folder: Path
) -> None:
    part = ExportOutcome(accepted=1, rejected=1, reason="rejected", message="one is bad")
    worker = spooling(make, session(), SpoolingExporter(BUSY, part), interval=0.02)
    worker.enqueue(1)
    worker.enqueue(2)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=2, exported=1, dropped={"rejected": 1}))
    assert refused_bodies(spool_folder) == []


@pytest.mark.parametrize("script", [(), (BUSY,)], ids=["sent", "stored"])
def test_an_item_that_is_refused_alone_is_kept(
    make: Make, session: Session, spool_folder: Path, script: tuple[ExportOutcome, ...]
) -> None:
    part = ExportOutcome(
        accepted=1,
        rejected=1,
        reason="too_large",
        message="large",
        rejected_requests=(EncodedRequest(b"2", 1, "too_large"),),
    )
    worker = spooling(make, session(), SpoolingExporter(*script, part), interval=0.02)
    worker.enqueue(1)
    worker.enqueue(2)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=2, exported=1, dropped={"too_large": 1}))
    assert eventually(lambda: refused_bodies(spool_folder) == [b"2"])


def test_a_full_thread_of_the_spool_is_asked_again(make: Make, session: Session) -> None:
    one, exporter, release = session(), Down(TIMEOUT), threading.Event()
    worker = spooling(make, one, exporter, interval=0.02, max_batch=10, queue=40, endpoint=EndpointHealth())
    exporter.hold.clear()
    worker.enqueue(0)
    assert exporter.wait_for_batches(1)
    while one.submit(release.wait):
        pass
    for number in range(1, 35):
        worker.enqueue(number)
    assert worker.counts().spooled == 0
    release.set()
    assert eventually(lambda: one.submit(lambda: None))
    worker.enqueue(35)
    assert eventually(lambda: worker.counts().spooled > 0)
    exporter.hold.set()


def test_nothing_is_stored_after_the_end(make: Make, session: Session) -> None:
    worker = spooling(make, session(), Down())
    close(worker)
    assert not worker._store_batch()


def test_a_replay_without_requests_changes_nothing(make: Make, session: Session) -> None:
    worker = spooling(make, session(), Down())
    worker._replay()
    assert worker.counts() == QueueCounts()


def test_the_outcome_of_a_replay_after_the_end_is_not_reported(make: Make, session: Session, caplog: Any) -> None:
    exporter = Down()
    worker = spooling(make, session(), exporter, interval=0.02)
    worker.enqueue(1)
    assert eventually(lambda: worker.counts().spooled == 1)
    exporter.hold.clear()
    batches = len(exporter.batches)
    assert exporter.wait_for_batches(batches + 1)
    lines = len(caplog.records)
    worker.stop()
    exporter.outcome = BUSY
    exporter.hold.set()
    assert eventually(lambda: worker.counts().spooled == 1 and not worker.is_running)
    assert len(caplog.records) == lines
