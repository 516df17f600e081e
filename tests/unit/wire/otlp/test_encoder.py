"""Requests of unusual batches come from the stock encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from flext_observability.domain.report import Signal
from flext_observability.wire.otlp.encode import encode_request
from flext_observability.wire.otlp.encoder import RequestEncoder
from tests.backends.telemetry import make_logs, make_metrics, make_spans


def batch(signal: Signal, **attributes: object) -> Sequence[object]:
    if signal == "metrics":
        return [make_metrics(lambda meter: meter.create_counter("sold").add(2, {"shop": "north"}))]
    return make_spans(3, **attributes) if signal == "traces" else make_logs(3)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_requests_equal_those_of_the_stock_encoder(signal: Signal) -> None:
    items, encoder = batch(signal), RequestEncoder(signal)
    assert encoder.encode(items) == encoder.encode(items) == encode_request(signal, items)


def test_an_unusual_batch_is_encoded_by_the_stock_encoder() -> None:
    items = batch("traces", nothing=[None, 1])
    assert RequestEncoder("traces").encode(items) == encode_request("traces", items)


def test_a_batch_that_cannot_be_encoded_raises() -> None:
    with pytest.raises(AttributeError):
        RequestEncoder("traces").encode(cast("Sequence[object]", ["text"]))
