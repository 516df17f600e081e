from __future__ import annotations

import json
import math
from typing import Any, get_args

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from examples.shop.read_api import metric_from_json, trace_from_json
from flext_observability.domain.report import Signal
from flext_observability.viewer.replies import JSON, PROTOBUF, accepted, json_reply, rejected, to_jsonable
from flext_observability.views.model import ExemplarView, LinkView, MetricView, TraceView
from tests.unit.views.shop import TRACE, checkout, counter, histogram, log, span


@pytest.mark.parametrize("signal", get_args(Signal))
def test_success_has_the_encoding_of_the_request(signal: Signal) -> None:
    assert (accepted(signal, PROTOBUF).body, accepted(signal, PROTOBUF).content_type) == (b"", PROTOBUF)
    assert (accepted(signal, "application/protobuf").content_type) == PROTOBUF
    assert (accepted(signal, "application/json; charset=utf-8").body) == b"{}"


def test_a_partial_success_counts_rejected_items() -> None:
    reply = accepted("traces", PROTOBUF, rejected=300, message="é")
    partial = ExportTraceServiceResponse.FromString(reply.body).partial_success
    assert (partial.rejected_spans, partial.error_message) == (300, "é")
    reply = accepted("logs", JSON, rejected=1, message="why")
    assert json.loads(reply.body) == {"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "why"}}
    other = ExportLogsServiceResponse.FromString(accepted("logs", PROTOBUF, rejected=1).body)
    assert other.partial_success.rejected_log_records == 1


@pytest.mark.parametrize(("status", "code"), [(400, 3), (413, 8), (415, 12)])
def test_a_rejection_is_a_status_message(status: int, code: int) -> None:
    message = "x" * 200
    reply = rejected(status, PROTOBUF, message)
    content = Status.FromString(reply.body)
    assert (reply.status, content.code, content.message) == (status, code, message)
    assert json.loads(rejected(status, "text/plain", message).body) == {"code": code, "message": message}


def test_lone_surrogates_are_replaced() -> None:
    assert Status.FromString(rejected(400, PROTOBUF, "\ud800").body).message == "?"
    assert json_reply("\ud800").body == b'"?"'


def through_json(value: object) -> Any:
    return json.loads(json.dumps(to_jsonable(value), allow_nan=False))


def test_a_trace_is_decoded_unchanged() -> None:
    trace = TraceView((*checkout().spans, span(9, links=(LinkView(TRACE, "1" * 16, {"a": 1}),))), checkout().logs, 3)
    assert trace_from_json(through_json(trace)) == trace


@pytest.mark.parametrize("point", [histogram(), counter(3, {"a": 1}), counter(math.inf), histogram(min=None, max=None)])
def test_a_point_is_decoded_unchanged(point: MetricView) -> None:
    assert metric_from_json(through_json(point)) == point


def test_non_finite_numbers_become_text() -> None:
    assert to_jsonable([math.nan, math.inf, -math.inf, 1.5]) == ["NaN", "Infinity", "-Infinity", 1.5]
    point = metric_from_json(through_json(histogram(sum=math.nan, exemplars=(ExemplarView(math.inf, 1),))))
    assert math.isnan(point.sum)
    assert point.exemplars[0].value == math.inf


def test_bytes_become_base64() -> None:
    assert to_jsonable(log(b"\x00", attributes={"a": (b"\x01",)}))["body"] == "AA=="  # type: ignore[index]
