"""Deliveries that end with their test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flext_observability.pipeline.export_queue import ExportQueue
from flext_observability.pipeline.export_worker import ExportWorker, Schedule
from flext_observability.pipeline.exporter_state import ExporterState
from tests.fakes import ScriptedExporter
from tests.unit.pipeline.workers import Make


@pytest.fixture
def make() -> Iterator[Make]:
    """Deliveries that are ended after the test."""
    made: list[ExportWorker[Any]] = []

    def build(
        exporter: ScriptedExporter,
        *,
        interval: float = 60,
        max_batch: int = 512,
        queue: int = 2048,
        collect: Callable[[], int | None] | None = None,
        cumulative: bool = False,
    ) -> ExportWorker[Any]:
        sizer = None if collect is None else lambda _item: 1
        worker: ExportWorker[Any] = ExportWorker(
            name="fake",
            signal="traces" if collect is None else "metrics",
            exporter=exporter,
            queue=ExportQueue("traces", "fake", queue, sizer),
            schedule=Schedule(interval, 10, max_batch, periodic=collect is not None),
            state=ExporterState(),
            collect=collect,
            cumulative=cumulative,
        )
        made.append(worker)
        return worker

    yield build
    for worker in made:
        worker.begin_close(time.monotonic())
        worker.wait_closed(time.monotonic())
