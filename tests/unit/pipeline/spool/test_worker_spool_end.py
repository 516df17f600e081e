"""Worker and spool: what is left at the end is stored, and the next start sends it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flext_observability.domain.report import InheritedCounts
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline import sending
from flext_observability.pipeline.endpoint_health import EndpointHealth
from flext_observability.pipeline.export_queue import QueueCounts
from flext_observability.pipeline.spool import store as store_module
from tests.fakes import REJECTED
from tests.unit.pipeline.spool.workers import (
    TIMEOUT,
    Down,
    Session,
    SpoolingExporter,
    refused_bodies,
    spooling,
)
from tests.unit.pipeline.workers import Make, close
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("quick")

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


def test_rejections_of_inherited_requests_are_counted_apart(make: Make, session: Session, spool_folder: Path) -> None:
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
    assert len(refused_bodies(spool_folder)) == 2


def test_a_damaged_request_is_skipped(make: Make, session: Session, spool_folder: Path) -> None:
    one, exporter = session(), Down()
    worker = spooling(make, one, exporter, max_batch=1, interval=0.01)
    for number in range(3):
        worker.enqueue(number)
    assert eventually(lambda: worker.counts().spooled == 3)
    (file,) = spool_folder.glob("*/*.spool")
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
