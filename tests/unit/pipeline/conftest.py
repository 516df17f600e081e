"""Deliveries that end with their test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flext_observability.pipeline.delivery import Delivery, Schedule
from flext_observability.pipeline.outbox import Outbox
from flext_observability.pipeline.watch import ExportWatch
from tests.fakes import ScriptedExporter
from tests.unit.pipeline.deliveries import Make


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
            outbox=Outbox("traces", "fake", queue, weigh),
            schedule=Schedule(interval, 10, max_batch, periodic=refill is not None),
            watch=ExportWatch(),
            refill=refill,
            cumulative=cumulative,
        )
        made.append(delivery)
        return delivery

    yield build
    for delivery in made:
        delivery.begin_close(time.monotonic())
        delivery.wait_closed(time.monotonic())
