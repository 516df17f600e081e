"""Exporters that are down for a while, and their workers with a spool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.pipeline.export_queue import QueueCounts
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.spool.session import SpoolSession
from flext_observability.pipeline.spool.worker_spool import WorkerSpool
from tests.fakes import REFUSED, ScriptedExporter
from tests.unit.pipeline.workers import Make

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


class BadEncoder(Down):
    def encode_request(self, batch: Sequence[Any]) -> list[EncodedRequest]:
        raise MemoryError


def refused_bodies(folder: Path) -> list[bytes]:
    from flext_observability.pipeline.spool.record import scan

    found = (each for file in sorted(folder.glob("dead-letters/*.spool")) for each in scan(file.read_bytes()))
    return [each.record.body for each in found if each.record is not None]
