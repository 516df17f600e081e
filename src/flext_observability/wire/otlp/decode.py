"""Body of an OTLP/HTTP request (protobuf or JSON, plain or compressed) → export request, with a size limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeAlias, overload

from flext_observability.wire.otlp.encode import collector_message
from flext_observability.wire.otlp.json import fill_from_otlp_json

if TYPE_CHECKING:
    from typing import Literal

    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from flext_observability.domain.report import Signal

    ExportRequest: TypeAlias = ExportTraceServiceRequest | ExportMetricsServiceRequest | ExportLogsServiceRequest

_ANY_GZIP_OR_ZLIB = 47


class OtlpDecodeError(Exception):
    """A request body is not acceptable.

    Attributes:
        status: HTTP status of the response: 400, 413 or 415.
        message: What is wrong, without a full stop.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@overload
def decode(
    signal: Literal["traces"], body: bytes, content_type: str, content_encoding: str, max_bytes: int
) -> ExportTraceServiceRequest: ...
@overload
def decode(
    signal: Literal["metrics"], body: bytes, content_type: str, content_encoding: str, max_bytes: int
) -> ExportMetricsServiceRequest: ...
@overload
def decode(
    signal: Literal["logs"], body: bytes, content_type: str, content_encoding: str, max_bytes: int
) -> ExportLogsServiceRequest: ...
def decode(signal: Signal, body: bytes, content_type: str, content_encoding: str, max_bytes: int) -> ExportRequest:
    """Return the request message.

    Args:
        signal: Signal that the path of the request names.
        body: Request body as received.
        content_type: ``application/x-protobuf`` or ``application/json``; parameters are ignored.
        content_encoding: ``gzip``, ``deflate``, ``identity`` or empty.
        max_bytes: Limit on the decompressed body.

    Raises:
        OtlpDecodeError: The body is too large (413), of an unknown type or encoding (415), or malformed (400).
    """
    from google.protobuf.message import DecodeError

    data = inflate(body, content_encoding, max_bytes)
    message: ExportRequest = collector_message(signal, "Request")
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            fill_from_otlp_json(message, data)
        elif kind in {"application/x-protobuf", "application/protobuf"}:
            message.ParseFromString(data)
        else:
            raise OtlpDecodeError(
                415, f"unsupported content type {kind!r}: send application/x-protobuf or application/json"
            )
    except (DecodeError, ValueError) as error:
        raise OtlpDecodeError(400, f"the body is not an OTLP {signal} request ({error})") from error
    return message


def inflate(body: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """Return the decompressed body.

    Args:
        body: Request body as received.
        content_encoding: ``gzip``, ``deflate``, ``identity`` or empty.
        max_bytes: Limit on the result.

    Raises:
        OtlpDecodeError: The body is too large (413), of an unknown encoding (415) or malformed (400).
    """
    encoding = content_encoding.strip().lower()
    if encoding in {"gzip", "deflate"}:
        body = _decompress(body, max_bytes)
    elif encoding not in {"", "identity"}:
        raise OtlpDecodeError(415, f"unsupported content encoding {encoding!r}: send gzip or none")
    if len(body) > max_bytes:
        raise OtlpDecodeError(413, f"the body is larger than {max_bytes} bytes")
    return body


def _decompress(body: bytes, max_bytes: int) -> bytes:
    """Decompress one or more members; stop at the first byte over the limit."""
    parts: list[bytes] = []
    remaining = max_bytes + 1
    while body and remaining > 0:
        inflater = zlib.decompressobj(_ANY_GZIP_OR_ZLIB)
        try:
            parts.append(inflater.decompress(body, remaining))
        except zlib.error as error:
            raise OtlpDecodeError(400, f"the compressed body is malformed ({error})") from error
        remaining -= len(parts[-1])
        if remaining > 0 and not inflater.eof:
            raise OtlpDecodeError(400, "the compressed body is truncated")
        body = inflater.unused_data
    return b"".join(parts)
