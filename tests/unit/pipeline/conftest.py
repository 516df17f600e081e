"""Deliveries that end with their test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flext_observability.pipeline.export_queue import ExportQueue
from flext_observability.pipeline.export_worker import Delivery, Schedule
from flext_observability.pipeline.exporter_state import ExporterState
from tests.fakes import ScriptedExporter
from tests.unit.pipeline.workers import Make


@pytest.fixture
def make() -> Iterator[Make]:
    """Deliveries that are ended after the test."""
    made: list[Delivery[Any]] = []

    def build(
        exporter: ScriptedExporter,
        *,
        interval: float = 60,
        max_batch: int = 512,
        queue: int = 2048,
        refill: Callable[[], int | None] | None = None,
        cumulative: bool = False,
    ) -> Delivery[Any]:
        weigh = None if refill is None else lambda _item: 1
        delivery: Delivery[Any] = Delivery(
            name="fake",
            signal="traces" if refill is None else "metrics",
            exporter=exporter,
            outbox=ExportQueue("traces", "fake", queue, weigh),
            schedule=Schedule(interval, 10, max_batch, periodic=refill is not None),
            watch=ExporterState(),
            refill=refill,
            cumulative=cumulative,
        )
        made.append(delivery)
        return delivery

    yield build
    for delivery in made:
        delivery.begin_close(time.monotonic())
        delivery.wait_closed(time.monotonic())
