"""Requests in JSON equal those of protobuf's JSON mapping with the exceptions of OTLP, for random items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.wire.otlp.encode import encode_json_request
from flext_observability.wire.otlp.encoder import RequestEncoder
from flext_observability.wire.otlp.transcode import JsonTranscoder
from tests.backends.telemetry import make_logs, make_spans
from tests.unit.wire.otlp import items


def _assert_equal(signal: Signal, batch: Sequence[object]) -> None:
    encoder = RequestEncoder(signal, "json")
    expected = encode_json_request(signal, batch)
    assert encoder.encode(batch) == expected
    assert encoder.encode(batch) == expected  # attributes from the cache


@settings(max_examples=items.EXAMPLES)
@given(st.lists(items.spans, max_size=4))
def test_spans(batch: list[ReadableSpan]) -> None:
    _assert_equal("traces", batch)


@settings(max_examples=items.EXAMPLES)
@given(st.lists(items.records, max_size=4))
def test_log_records(batch: list[Any]) -> None:
    _assert_equal("logs", batch)


@settings(max_examples=items.EXAMPLES)
@given(items.collections)
def test_metrics(collection: MetricsData) -> None:
    _assert_equal("metrics", [collection])


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_empty_batch(signal: Signal) -> None:
    assert RequestEncoder(signal, "json").encode([]) == b"{}"


def test_more_attributes_than_are_cached() -> None:
    batch = [
        ReadableSpan("work", SpanContext(1, 2, is_remote=False), attributes={"number": number, "long": "x" * 300})
        for number in range(5000)
    ]
    _assert_equal("traces", batch)


def test_an_unusual_batch_is_encoded_by_the_stock_encoder() -> None:
    records = make_logs(1)
    records[0].log_record.body = None
    _assert_equal("logs", records)
    _assert_equal("traces", make_spans(1, nothing=[None, 1]))


def test_a_field_of_a_later_version_is_not_transcoded() -> None:
    with pytest.raises(KeyError):
        JsonTranscoder().transcode("Status", b"\x28\x01")


def test_a_batch_that_cannot_be_encoded_raises() -> None:
    with pytest.raises(UnicodeEncodeError):
        RequestEncoder("traces", "json").encode([ReadableSpan("\ud800", SpanContext(1, 2, is_remote=False))])


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_requests_are_about_two_to_three_times_as_long_as_in_protobuf(signal: Signal) -> None:  # docs/exporters.md
    attributes = {"http.request.method": "GET", "http.route": "/items/{id}", "http.response.status_code": 200}
    batch: Sequence[object] = make_spans(512, **attributes) if signal == "traces" else make_logs(512)
    lengths = [len(RequestEncoder(signal, encoding).encode(batch)) for encoding in ("json", "protobuf")]
    assert 1.5 < lengths[0] / lengths[1] < 3.5
