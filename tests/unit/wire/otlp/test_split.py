"""Stored requests are split in two, with all of their content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.metrics import Meter

from flext_observability.domain.report import Signal
from flext_observability.wire.otlp.batch import count_items, split
from flext_observability.wire.otlp.encode import collector_message
from flext_observability.wire.otlp.encoder import RequestEncoder
from flext_observability.wire.otlp.split import split_request
from tests.backends.telemetry import make_logs, make_metrics, make_spans


def parsed(signal: Signal, body: bytes) -> Any:
    request = collector_message(signal, "Request")
    request.ParseFromString(body)
    return request


def record(meter: Meter) -> None:
    """Record points of several kinds."""
    for number in range(3):
        meter.create_counter("count").add(1, {"number": number})
        meter.create_histogram("duration").record(number, {"number": number % 2})
    meter.create_gauge("level").set(2)


BATCHES: list[tuple[Signal, Sequence[object]]] = [
    ("traces", make_spans(2)),
    ("traces", make_spans(7, key="value")),
    ("logs", make_logs(5)),
    ("metrics", [make_metrics(record), make_metrics(record)]),
]


@pytest.mark.parametrize(("signal", "batch"), BATCHES, ids=[f"{signal}{n}" for n, (signal, _) in enumerate(BATCHES)])
def test_the_parts_are_those_of_a_split_batch(signal: Signal, batch: Sequence[object]) -> None:
    items = count_items(signal, batch)
    encoder = RequestEncoder(signal)
    parts = split_request(signal, encoder.encode(batch), items)
    assert [count for _, count in parts] == [items // 2, items - items // 2]
    for (body, _), half in zip(parts, split(signal, batch), strict=True):
        assert parsed(signal, body) == parsed(signal, encoder.encode(half))
