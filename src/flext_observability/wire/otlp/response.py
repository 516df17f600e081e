"""Response body of an OTLP receiver (protobuf, JSON or text) → rejected items and error message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from google.protobuf.message import Message

from flext_observability.domain.report import Signal
from flext_observability.values.masking import MAX_MESSAGE_CHARACTERS, sanitize_message
from flext_observability.values.named_tuple import NamedTuple
from flext_observability.wire.otlp.encode import collector_message

_REJECTED_FIELDS: dict[Signal, str] = {
    "traces": "rejected_spans",
    "metrics": "rejected_data_points",
    "logs": "rejected_log_records",
}


class PartialSuccess(NamedTuple):
    """Partial success of an export request.

    Attributes:
        rejected: Number of items that the receiver rejected for good.
        message: Explanation or warning of the receiver, shortened; empty without one.
    """

    rejected: int = 0
    message: str = ""


def parse_success(signal: Signal, body: bytes, content_type: str = "") -> PartialSuccess:
    """Return the content of a successful response.

    Args:
        signal: Signal of the request.
        body: ``Export…ServiceResponse`` in JSON for that content type, otherwise in protobuf.
        content_type: ``Content-Type`` of the response.

    Raises:
        ValueError: The body is not an ``Export…ServiceResponse``.
    """
    if not body.strip():
        return PartialSuccess()
    message = collector_message(signal, "Response")
    _parse(message, body, content_type)
    partial = message.partial_success
    rejected = int(getattr(partial, _REJECTED_FIELDS[signal]))
    return PartialSuccess(max(rejected, 0), sanitize_message(partial.error_message))


def parse_error(body: bytes, content_type: str = "") -> str:
    """Return the explanation in an error response, as one shortened line; empty without one.

    Args:
        body: ``google.rpc.Status`` in protobuf or JSON, or plain text.
        content_type: ``Content-Type`` of the response.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("protobuf"):
        from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # its package has no py.typed

        status = Status()
        try:
            _parse(status, body, content_type)
        except ValueError:
            return ""
        return sanitize_message(status.message)
    if kind.endswith("json"):
        return _json_message(body)
    return sanitize_message(body[: 4 * MAX_MESSAGE_CHARACTERS].decode(errors="replace")) if kind == "text/plain" else ""


def encode_success(signal: Signal, rejected: int, message: str, *, as_json: bool) -> bytes:
    """Return ``Export…ServiceResponse``, with a partial success if items were rejected."""
    response = collector_message(signal, "Response")
    if rejected:
        partial = response.partial_success
        setattr(partial, _REJECTED_FIELDS[signal], rejected)
        partial.error_message = _valid_unicode(message)
    return _encode(response, as_json=as_json)


def encode_error(code: int, message: str, *, as_json: bool) -> bytes:
    """Return ``google.rpc.Status``.

    Args:
        code: Value of ``google.rpc.Code``.
        message: The explanation.
        as_json: Whether to encode as JSON instead of protobuf.
    """
    from google.rpc.status_pb2 import Status

    return _encode(Status(code=code, message=_valid_unicode(message)), as_json=as_json)


def retry_delay_seconds(status: bytes) -> float | None:
    """Return the delay in the ``RetryInfo`` of a ``google.rpc.Status``, in seconds; None without one."""
    from google.protobuf.message import DecodeError
    from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped] # as above
    from google.rpc.status_pb2 import Status

    content = Status()
    info = RetryInfo()
    try:
        content.ParseFromString(status)
        found = any(detail.Unpack(info) for detail in content.details)
    except DecodeError:
        return None
    return max(info.retry_delay.seconds + info.retry_delay.nanos / 1e9, 0.0) if found else None


def _parse(message: Message, body: bytes, content_type: str) -> None:
    from google.protobuf.json_format import Parse, ParseError
    from google.protobuf.message import DecodeError

    try:
        if content_type.lower().startswith("application/json"):
            Parse(body, message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(body)
    except (DecodeError, ParseError, ValueError, RecursionError) as error:
        raise ValueError("not an OTLP response") from error


def _encode(message: Message, *, as_json: bool) -> bytes:
    from google.protobuf.json_format import MessageToDict

    if as_json:
        return json.dumps(MessageToDict(message), ensure_ascii=False, separators=(",", ":")).encode()
    return message.SerializeToString()


def _valid_unicode(text: str) -> str:
    return text.encode(errors="replace").decode()


def _json_message(body: bytes) -> str:
    try:
        content: object = json.loads(body.decode())  # bytes of another encoding would import its codec
    except (ValueError, RecursionError):
        return ""
    fields = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    found = fields.get("message") or fields.get("error")
    return sanitize_message(found) if isinstance(found, str) else ""
