"""OTLP/JSON as specified."""

from __future__ import annotations

import json

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from flext_observability.wire.otlp.encode import request_message
from flext_observability.wire.otlp.json import fill_from_otlp_json, to_otlp_json
from tests.backends.telemetry import make_spans


def test_ids_are_hex_and_enums_are_numbers() -> None:
    span = make_spans(1)[0]
    text = to_otlp_json(request_message("traces", [span]))
    written = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    context = span.get_span_context()
    assert context is not None
    assert written["traceId"] == f"{context.trace_id:032x}"
    assert written["spanId"] == f"{context.span_id:016x}"
    assert written["kind"] == 1
    assert isinstance(written["startTimeUnixNano"], str)
    assert "\n" not in text


def test_round_trip() -> None:
    sent = request_message("traces", make_spans(3, flag=True, ratio=0.5, raw=b"\x00\xff", words=["é", "b"]))
    read = ExportTraceServiceRequest()
    fill_from_otlp_json(read, to_otlp_json(sent).encode())
    assert read == sent


def test_unknown_fields_are_ignored_and_snake_case_names_accepted() -> None:
    read = ExportTraceServiceRequest()
    fill_from_otlp_json(
        read, b'{"newField": 1, "resource_spans": [{"scope_spans": [{"spans": [{"trace_id": "0A", "kind": 3}]}]}]}'
    )
    span = read.resource_spans[0].scope_spans[0].spans[0]
    assert (span.trace_id, span.kind) == (b"\x0a", 3)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[3]",
        b"3",
        b"{",
        b"\xff",
        b'{"resourceSpans": 3}',
        b'{"resourceSpans": [3]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "not hex"}]}]}]}',
        b"[" * 200 + b"]" * 200,
        b"[" * 100_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)
def test_invalid_text(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several libraries raise it
        fill_from_otlp_json(ExportTraceServiceRequest(), text)
