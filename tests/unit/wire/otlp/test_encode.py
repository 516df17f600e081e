"""Batches → OTLP bytes, parsed by the protobuf classes."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from flext_observability.wire.otlp.encode import encode_request
from tests.backends.telemetry import make_logs, make_metrics, make_spans


def test_spans() -> None:
    spans = make_spans(2)
    request = ExportTraceServiceRequest.FromString(encode_request("traces", spans))
    sent = request.resource_spans[0].scope_spans[0].spans
    assert [span.name for span in sent] == ["span-0", "span-1"]
    context = spans[0].get_span_context()
    assert context is not None
    assert sent[0].span_id.hex() == f"{context.span_id:016x}"


def test_log_records() -> None:
    request = ExportLogsServiceRequest.FromString(encode_request("logs", make_logs(2)))
    records = request.resource_logs[0].scope_logs[0].log_records
    assert [record.body.string_value for record in records] == ["log-0", "log-1"]


def test_metric_collections_in_one_request() -> None:
    data = make_metrics(lambda meter: meter.create_counter("sold").add(2))
    request = ExportMetricsServiceRequest.FromString(encode_request("metrics", [data, data]))
    assert len(request.resource_metrics) == 2
    assert request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].as_int == 2


def test_text_that_protobuf_cannot_encode_raises() -> None:
    span = make_spans(1)[0]
    span._name = "\ud800"
    with pytest.raises(ValueError, match="surrogates"):
        encode_request("traces", [span])
