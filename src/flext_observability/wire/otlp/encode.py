"""Batch of finished items → bytes of an OTLP export request (OpenTelemetry's encoder, imported on use)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from flext_observability.domain.report import Signal

_PROTO_NAMES: dict[Signal, str] = {"traces": "trace", "metrics": "metrics", "logs": "logs"}


def collector_message(signal: Signal, role: Literal["Request", "Response"]) -> Any:  # noqa: ANN401 - of six classes
    """Return an empty ``Export…ServiceRequest`` or ``Export…ServiceResponse`` of the signal."""
    name = _PROTO_NAMES[signal]
    module = import_module(f"opentelemetry.proto.collector.{name}.v1.{name}_service_pb2")
    return getattr(module, f"Export{name.title()}Service{role}")()


def request_message(signal: Signal, batch: Sequence[object]) -> Message:
    """Return the batch as the export request of the signal, such as ``ExportTraceServiceRequest``.

    Raises:
        Exception: Protobuf cannot encode an item, such as one with a lone surrogate or an attribute of an unknown type.
    """
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        return encode_spans(cast("Sequence[ReadableSpan]", batch))
    if signal == "logs":
        # The package has no public name for it.
        from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs

        return encode_logs(cast("Sequence[ReadableLogRecord]", batch))
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics

    request: Message = collector_message(signal, "Request")
    for data in cast("Sequence[MetricsData]", batch):
        # The encoder keeps only one entry per resource, so each collection is encoded separately.
        request.MergeFrom(encode_metrics(data))
    return request


def encode_request(signal: Signal, batch: Sequence[object]) -> bytes:
    """Return the batch as the bytes of an export request.

    Raises:
        Exception: As in ``request_message``.
    """
    return request_message(signal, batch).SerializeToString()


def encode_json_request(signal: Signal, batch: Sequence[object]) -> bytes:
    """Return the batch as an export request in OTLP/JSON, in one line.

    Raises:
        Exception: As in ``request_message``.
    """
    from flext_observability.wire.otlp.json import to_otlp_json

    return to_otlp_json(request_message(signal, batch)).encode()


def transcode_request(signal: Signal, body: bytes) -> bytes:
    """Return an export request in protobuf as OTLP/JSON, in one line.

    Raises:
        Exception: The body is not a request.
    """
    from flext_observability.wire.otlp.json import to_otlp_json

    request: Message = collector_message(signal, "Request")
    request.ParseFromString(body)
    return to_otlp_json(request).encode()
