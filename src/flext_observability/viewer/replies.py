"""What came of an OTLP request → the reply that OTLP asks for: status, content type, body in the request's own encoding.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from flext_observability.domain.report import Signal

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
_REJECTED: dict[Signal, str] = {
    "traces": "rejectedSpans",
    "metrics": "rejectedDataPoints",
    "logs": "rejectedLogRecords",
}
_RPC_CODES = {400: 3, 413: 8}  # google.rpc.Code: INVALID_ARGUMENT, RESOURCE_EXHAUSTED
_UNIMPLEMENTED = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP reply."""

    status: HTTPStatus
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def encoding_of(content_type: str) -> str:
    """Return the content type of the reply to a request: protobuf for protobuf, JSON for all else."""
    kind = content_type.partition(";")[0].strip().lower()
    return PROTOBUF if kind in (PROTOBUF, "application/protobuf") else JSON


def accepted(signal: Signal, content_type: str, *, rejected: int = 0, message: str = "") -> Reply:
    """Return ``Export…ServiceResponse``; with a partial success when something was rejected."""
    kind = encoding_of(content_type)
    if not rejected:
        return Reply(HTTPStatus.OK, b"" if kind == PROTOBUF else b"{}", kind)
    if kind == PROTOBUF:
        partial = b"\x08" + _varint(rejected) + _text(2, message)
        return Reply(HTTPStatus.OK, b"\x0a" + _varint(len(partial)) + partial, kind)
    return json_reply({"partialSuccess": {_REJECTED[signal]: str(rejected), "errorMessage": message}})


def refused(status: int, content_type: str, message: str) -> Reply:
    """Return ``google.rpc.Status`` with the message."""
    kind = encoding_of(content_type)
    code = _RPC_CODES.get(status, _UNIMPLEMENTED)
    if kind == PROTOBUF:
        return Reply(HTTPStatus(status), b"\x08" + _varint(code) + _text(2, message), kind)
    return json_reply({"code": code, "message": message}, HTTPStatus(status))


def json_reply(content: object, status: HTTPStatus = HTTPStatus.OK, *headers: tuple[str, str]) -> Reply:
    """Return a JSON document."""
    body = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return Reply(status, body.encode("utf-8", "replace"), JSON, headers)


def _varint(number: int) -> bytes:
    """Return a protobuf base-128 number."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _text(field_number: int, text: str) -> bytes:
    """Return a protobuf string field."""
    content = text.encode("utf-8", "replace")
    return bytes([field_number << 3 | 2]) + _varint(len(content)) + content
