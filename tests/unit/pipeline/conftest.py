"""Fixtures of the pipeline: workers that are closed after the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from flext_observability.domain.report import Signal
from flext_observability.pipeline.endpoint_health import EndpointHealth
from flext_observability.pipeline.export_queue import ExportQueue, LatestByKey
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.exporter_state import ExporterState
from flext_observability.pipeline.schedule import Schedule
from tests.fakes import ScriptedExporter
from tests.unit.pipeline.workers import Make

if TYPE_CHECKING:
    from flext_observability.pipeline.spool.worker_spool import WorkerSpool


@pytest.fixture
def make() -> Iterator[Make]:
    """Maker of workers that are closed after the test."""
    made: list[ExportWorker[Any]] = []

    def build(
        exporter: ScriptedExporter,
        *,
        interval: float = 60,
        max_batch: int = 512,
        queue: int = 2048,
        collect: Callable[[], int | None] | None = None,
        cumulative: bool = False,
        idle: float = 3600,
        endpoint: EndpointHealth | None = None,
        spool: WorkerSpool[Any] | None = None,
    ) -> ExportWorker[Any]:
        sizer = None if collect is None else lambda _item: 1
        signal: Signal = "traces" if collect is None else "metrics"
        policy = LatestByKey[Any](lambda _: "totals") if cumulative else None
        worker: ExportWorker[Any] = ExportWorker(
            name="flext-fake",
            exporter=exporter,
            queue=ExportQueue(queue, sizer, policy),
            schedule=Schedule(interval, 10, max_batch, periodic=collect is not None, idle_seconds=idle),
            report=partial(ExporterState().record, "fake", signal),
            collect=collect,
            endpoint=endpoint,
            spool=spool,
        )
        made.append(worker)
        return worker

    yield build
    for worker in made:
        worker.begin_close(time.monotonic())
        worker.wait_closed(time.monotonic())
