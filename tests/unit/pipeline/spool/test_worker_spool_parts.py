"""Stored requests that the receiver accepts in parts: each item arrives once, and the counts add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flext_observability.exporters.otlp.batch_exporter import BatchExporter
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import QueueCounts
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.spool.worker_spool import WorkerSpool
from flext_observability.wire.otlp.restore import restore
from flext_observability.wire.otlp.split import count_request_items
from tests.backends.telemetry import make_spans
from tests.fakes import BUSY, REJECTED
from tests.unit.pipeline.spool.workers import Session, SpoolingExporter, refused_bodies, spooling
from tests.unit.pipeline.workers import Make
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("quick")
ACCEPTED = ExportOutcome()


class SmallReceiver(BatchExporter):
    """Receiver of requests of one span. It is busy for the first request, and answers the others by a script."""

    def __init__(self, *script: ExportOutcome) -> None:
        super().__init__("traces")
        self.script = list(script)
        self.was_busy = False
        self.received: list[str] = []

    def close(self) -> None:
        """Do nothing."""

    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        if not self.was_busy:
            self.was_busy = True
            return BUSY
        if count_request_items("traces", body) > 1:
            return ExportOutcome(reason="too_large", message="too large")
        answer = self.script.pop(0) if self.script else ACCEPTED
        if answer != ACCEPTED:
            return answer
        self.received += names(body)
        return ExportOutcome(accepted=1)


def names(body: bytes) -> list[str]:
    spans: Any = restore("traces", body)
    return [span.name for span in spans]


def store_spans(make: Make, session: Session, exporter: SmallReceiver) -> ExportWorker[Any]:
    """Return a worker that has four spans to send."""
    one = session()
    worker = make(exporter, spool=WorkerSpool[Any](one, "traces", "fake", "nowhere:1", exporter), interval=0.02)
    one.add(worker.kick)
    for span in make_spans(4):
        worker.enqueue(span)
    return worker


@pytest.mark.parametrize("accepted", [0, 1, 3])
def test_parts_that_were_accepted_are_not_sent_again(make: Make, session: Session, accepted: int) -> None:
    exporter = SmallReceiver(*[ACCEPTED] * accepted, BUSY)
    worker = store_spans(make, session, exporter)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=4, exported=4))
    assert sorted(exporter.received) == [f"span-{number}" for number in range(4)]


def test_parts_that_are_refused_for_good_are_kept(make: Make, session: Session, spool_folder: Path) -> None:
    exporter = SmallReceiver(ACCEPTED, BUSY, ACCEPTED, REJECTED)
    worker = store_spans(make, session, exporter)
    assert eventually(lambda: worker.counts().exported + sum(worker.counts().dropped.values()) == 4)
    refused = [name for body in refused_bodies(spool_folder) for name in names(body)]
    assert sorted([*exporter.received, *refused]) == [f"span-{number}" for number in range(4)]
    assert worker.counts().dropped == {"rejected": len(refused)}
    assert refused


def test_a_single_item_that_is_too_large_is_kept(make: Make, session: Session, spool_folder: Path) -> None:
    exporter = SmallReceiver(ACCEPTED, ExportOutcome(reason="too_large", message="too large"), BUSY)
    worker = store_spans(make, session, exporter)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=4, exported=3, dropped={"too_large": 1}))
    ((refused,),) = [names(body) for body in refused_bodies(spool_folder)]
    assert sorted([*exporter.received, refused]) == [f"span-{number}" for number in range(4)]


def test_a_request_that_is_not_otlp_is_sent_whole_again(make: Make, session: Session) -> None:
    class Other(SpoolingExporter):
        def send_request(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
            self.requests.append([items])
            return self.export(list(range(items)), timeout_seconds)

    exporter = Other(BUSY, ExportOutcome(accepted=1, retry=True, reason="unavailable", message="busy"))
    worker = spooling(make, session(), exporter, interval=0.02)
    worker.enqueue(1)
    worker.enqueue(2)
    assert eventually(lambda: worker.counts() == QueueCounts(finished=2, exported=2))
    assert exporter.requests == [[2], [1]]
