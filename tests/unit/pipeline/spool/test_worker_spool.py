"""Worker and spool: what cannot be sent is stored, and sent when the back end is back; the counts add up."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from flext_observability.domain.report import InheritedCounts
from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.pipeline import retry, sending
from flext_observability.pipeline.endpoint_health import EndpointHealth
from flext_observability.pipeline.export_queue import QueueCounts
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.spool import store as store_module
from flext_observability.pipeline.spool.session import SpoolSession
from flext_observability.pipeline.spool.store import Spool
from flext_observability.pipeline.spool.worker_spool import WorkerSpool
from tests.fakes import BUSY, REFUSED, REJECTED, ScriptedExporter
from tests.unit.pipeline.workers import Make, close, flush
from tests.waiting import eventually

TIMEOUT = ExportOutcome(retry=True, reached=False, reason="timeout", message="no response")


class SpoolingExporter(ScriptedExporter):
    """Exporter of numbers, whose requests are their text. The script is that of batches and of requests."""

    def __init__(self, *script: ExportOutcome | BaseException) -> None:
        super().__init__(*script)
        self.requests: list[list[int]] = []
        self.unencodable = -1

    def encode_request(self, batch: Sequence[Any]) -> list[EncodedRequest]:
        good = [each for each in batch if each != self.unencodable]
        parts = [EncodedRequest(" ".join(map(str, good)).encode(), len(good))] if good else []
        bad = len(batch) - len(good)
        return [*parts, EncodedRequest(b"", bad, "encoding")] if bad else parts

    def send_request(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        numbers = list(map(int, body.split()))
        assert len(numbers) == items
        self.requests.append(numbers)
        return self.export(numbers, timeout_seconds)

    def accepted(self) -> list[int]:
        return sorted(number for batch in self.batches for number in batch)


class Down(SpoolingExporter):
    """Exporter that refuses until ``is_back``, and records what it accepted."""

    def __init__(self, outcome: ExportOutcome = REFUSED) -> None:
        super().__init__()
        self.outcome = outcome
        self.is_back = False
        self.received: list[int] = []

    def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
        super().export(batch, timeout_seconds)
        if not self.is_back:
            return self.outcome
        self.received += batch
        return ExportOutcome(accepted=len(batch))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "service"


@pytest.fixture
def session(folder: Path) -> Iterator[Callable[[], SpoolSession]]:
    made: list[SpoolSession] = []

    def start() -> SpoolSession:
        one = SpoolSession(Spool(folder, max_bytes=1 << 24, max_age_seconds=3600))
        made.append(one)
        return one

    yield start
    for one in made:
        one.close()


Session = Callable[[], SpoolSession]


def spooling(
    make: Make, one: SpoolSession, exporter: SpoolingExporter, *, while_down: bool = True, **options: Any
) -> ExportWorker[Any]:
    spool = WorkerSpool[Any](one, "traces", "fake", "nowhere:1", exporter, while_down=while_down)
    worker = make(exporter, spool=spool, **options)
    one.add(worker.kick)
    return worker


def assert_adds_up(counts: QueueCounts) -> None:
    parts = counts.queued + counts.in_flight + counts.exported + counts.spooled + sum(counts.dropped.values())
    assert counts.finished == parts
    found = counts.inherited
    assert found.found == found.spooled + found.exported + sum(found.dropped.values())


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


def test_a_spool_that_cannot_be_written_leaves_the_items_in_memory(make: Make, session: Session, folder: Path) -> None:
    folder.write_text("in the way")
    exporter = Down()
    worker = spooling(make, session(), exporter, interval=0.02)
    for number in range(50):
        worker.enqueue(number)
    assert exporter.wait_for_batches(3)
    assert worker.counts().spooled == 0
    exporter.is_back = True
    assert flush(worker)
    assert worker.counts() == QueueCounts(finished=50, exported=50)


class BadEncoder(Down):
    def encode_request(self, batch: Sequence[Any]) -> list[EncodedRequest]:
        raise MemoryError


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


# ---- refused for good ------------------------------------------------------------------------------------------------


def refused_bodies(folder: Path) -> list[bytes]:
    from flext_observability.pipeline.spool.record import scan

    found = (each for file in sorted(folder.glob("dead-letters/*.spool")) for each in scan(file.read_bytes()))
    return [each.record.body for each in found if each.record is not None]


def test_a_refused_batch_is_kept(make: Make, session: Session, folder: Path) -> None:
    worker = spooling(make, session(), SpoolingExporter(REJECTED))
    worker.enqueue(1)
    assert eventually(lambda: refused_bodies(folder) == [b"1"])
    assert worker.counts() == QueueCounts(finished=1, dropped={"rejected": 1})


def test_items_that_cannot_be_encoded_are_no_refused_bodies(make: Make, session: Session, folder: Path) -> None:
    exporter = SpoolingExporter(REJECTED)
    exporter.unencodable = 1
    worker = spooling(make, session(), exporter)
    worker.enqueue(1)
    worker.enqueue(2)
    assert eventually(lambda: worker.counts().dropped == {"rejected": 2})
    assert eventually(lambda: refused_bodies(folder) == [b"2"])


def test_a_stored_request_that_is_refused_is_kept(make: Make, session: Session, folder: Path) -> None:
    worker = spooling(make, session(), SpoolingExporter(BUSY, REJECTED), interval=0.02)
    worker.enqueue(1)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=1, dropped={"rejected": 1}))
    assert refused_bodies(folder) == [b"1"]


def test_a_stored_request_that_is_accepted_in_part_counts_both(make: Make, session: Session, folder: Path) -> None:
    part = ExportOutcome(accepted=1, rejected=1, reason="rejected", message="one is bad")
    worker = spooling(make, session(), SpoolingExporter(BUSY, part), interval=0.02)
    worker.enqueue(1)
    worker.enqueue(2)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=2, exported=1, dropped={"rejected": 1}))
    assert refused_bodies(folder) == []


# ---- the end, and the next start -------------------------------------------------------------------------------------


def test_what_is_left_at_the_end_is_stored(make: Make, session: Session) -> None:
    worker = spooling(make, session(), Down(), max_batch=4, endpoint=EndpointHealth())
    for number in range(10):
        worker.enqueue(number)
    began = time.monotonic()
    assert close(worker) == {}
    assert time.monotonic() - began < 2
    assert worker.counts() == QueueCounts(finished=10, spooled=10)


def test_a_silent_back_end_costs_the_deadline_and_nothing_is_lost(make: Make, session: Session) -> None:
    exporter = Down(TIMEOUT)
    exporter.hold.clear()
    worker = spooling(make, session(), exporter, max_batch=4)
    for number in range(10):
        worker.enqueue(number)
    assert exporter.wait_for_batches(1)
    began = time.monotonic()
    assert close(worker, 0.2) == {}
    assert time.monotonic() - began < 2
    assert worker.counts() == QueueCounts(finished=10, spooled=10)
    exporter.hold.set()


def test_an_attempt_cut_short_by_the_deadline_is_stored(make: Make, session: Session) -> None:
    class Silent(Down):
        def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
            threading.Event().wait(timeout_seconds)
            return TIMEOUT

    worker = spooling(make, session(), Silent())
    worker.enqueue(1)
    assert close(worker, 0.2) == {}
    assert worker.counts() == QueueCounts(finished=1, spooled=1)


def test_the_next_start_sends_what_is_left(make: Make, session: Session) -> None:
    first = session()
    worker = spooling(make, first, Down(), interval=0.02)
    for number in range(30):
        worker.enqueue(number)
    close(worker)
    first.close()
    exporter = SpoolingExporter()
    one = session()
    second = spooling(make, one, exporter, interval=0.02)
    second.enqueue(100)
    assert eventually(lambda: second.counts().inherited.exported == 30)
    assert exporter.accepted() == [*range(30), 100]
    assert second.counts() == QueueCounts(finished=1, exported=1, inherited=InheritedCounts(30, 0, 30, {}))


def test_a_short_program_sends_what_is_left_at_its_end(make: Make, session: Session) -> None:
    first = session()
    worker = spooling(make, first, Down(), max_batch=3)
    for number in range(9):
        worker.enqueue(number)
    close(worker)
    first.close()
    exporter = SpoolingExporter()
    second = spooling(make, session(), exporter)
    assert close(second) == {}
    assert exporter.accepted() == list(range(9))
    assert second.counts().inherited == InheritedCounts(9, 0, 9, {})


def test_a_short_program_leaves_what_cannot_be_sent(make: Make, session: Session) -> None:
    first = session()
    worker = spooling(make, first, Down())
    worker.enqueue(1)
    close(worker)
    first.close()
    second = spooling(make, session(), Down())
    assert close(second) == {}
    assert second.counts().inherited == InheritedCounts(1, 1, 0, {})


def test_rejections_of_inherited_requests_are_counted_apart(make: Make, session: Session, folder: Path) -> None:
    first = session()
    worker = spooling(make, first, Down(), max_batch=1, interval=0.01)
    for number in range(2):
        worker.enqueue(number)
    close(worker)
    first.close()
    part = ExportOutcome(accepted=0, rejected=1, reason="rejected", message="no")
    second = spooling(make, session(), SpoolingExporter(REJECTED, part))
    close(second)
    assert second.counts().inherited == InheritedCounts(2, 0, 0, {"rejected": 2})
    assert len(refused_bodies(folder)) == 2


def test_a_damaged_request_is_skipped(make: Make, session: Session, folder: Path) -> None:
    one, exporter = session(), Down()
    worker = spooling(make, one, exporter, max_batch=1, interval=0.01)
    for number in range(3):
        worker.enqueue(number)
    assert eventually(lambda: worker.counts().spooled == 3)
    (file,) = folder.glob("*/*.spool")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    exporter.is_back = True
    assert eventually(lambda: worker.counts().exported == 2)
    assert worker.counts() == QueueCounts(finished=3, exported=2, dropped={store_module.DAMAGED: 1})


def test_many_stored_requests_are_sent_with_growing_speed(make: Make, session: Session) -> None:
    exporter = Down()
    worker = spooling(make, session(), exporter, max_batch=1, interval=0.001)
    for number in range(60):
        worker.enqueue(number)
    assert eventually(lambda: worker.counts().spooled == 60)
    exporter.is_back = True
    began = time.monotonic()
    assert eventually(lambda: worker.counts().exported == 60)
    assert time.monotonic() - began < 60 * sending.MAX_REPLAY_PAUSE_SECONDS / 2
    assert Counter(exporter.received) == Counter(range(60))
