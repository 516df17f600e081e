"""Results of requests → HTTP replies: those of OTLP in the encoding of the request, all others in JSON.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from http import HTTPStatus
from typing import cast

from flext_observability.domain.report import Signal
from flext_observability.wire.otlp.response import encode_error, encode_success

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
_RPC_CODES = {400: 3, 413: 8}  # google.rpc.Code: INVALID_ARGUMENT, RESOURCE_EXHAUSTED
_UNIMPLEMENTED = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP reply."""

    status: HTTPStatus
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def encoding_of(content_type: str) -> str:
    """Return the content type of the reply to a request: protobuf for protobuf, JSON for all others."""
    kind = content_type.partition(";")[0].strip().lower()
    return PROTOBUF if kind in (PROTOBUF, "application/protobuf") else JSON


def accepted(signal: Signal, content_type: str, *, rejected: int = 0, message: str = "") -> Reply:
    """Return ``Export…ServiceResponse``, with a partial success if items were rejected."""
    kind = encoding_of(content_type)
    return Reply(HTTPStatus.OK, encode_success(signal, rejected, message, as_json=kind == JSON), kind)


def rejected(status: int, content_type: str, message: str) -> Reply:
    """Return ``google.rpc.Status`` with the message."""
    kind = encoding_of(content_type)
    code = _RPC_CODES.get(status, _UNIMPLEMENTED)
    return Reply(HTTPStatus(status), encode_error(code, message, as_json=kind == JSON), kind)


def json_reply(content: object, status: HTTPStatus = HTTPStatus.OK, *headers: tuple[str, str]) -> Reply:
    """Return a JSON document of views and plain values."""
    body = json.dumps(to_jsonable(content), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return Reply(status, body.encode("utf-8", "replace"), JSON, headers)


def to_jsonable(value: object) -> object:
    """Return a value as JSON types, without loss.

    A view becomes an object with the names of its fields. Numbers that JSON cannot hold become ``"NaN"``,
    ``"Infinity"`` and ``"-Infinity"``, as in protobuf's JSON mapping. Bytes become base64.
    """
    if is_dataclass(value):
        return {part.name: to_jsonable(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_jsonable(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_jsonable(item) for item in cast("Sequence[object]", value)]
    return value
