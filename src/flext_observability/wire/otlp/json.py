"""OTLP/JSON ↔ protobuf message. Trace and span ids are hexadecimal in OTLP/JSON, base64 in protobuf's JSON mapping.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from google.protobuf.message import Message

_ID_KEYS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})
_MAX_DEPTH = 100


def to_otlp_json(message: Message) -> str:
    """Return a message as one line of OTLP/JSON: lowerCamelCase keys, integer enums, hexadecimal ids."""
    from google.protobuf.json_format import MessageToDict

    tree = MessageToDict(message, use_integers_for_enums=True)
    return json.dumps(_convert_ids(tree, _base64_to_hex, 0), separators=(",", ":"), ensure_ascii=False)


def fill_from_otlp_json(message: Message, text: bytes) -> None:
    """Parse OTLP/JSON into a message; unknown fields are ignored.

    Raises:
        ValueError: The text is not JSON, not a message of this type, or nested too deeply.
    """
    from google.protobuf.json_format import ParseDict, ParseError

    try:
        tree = cast("dict[str, Any]", _convert_ids(json.loads(text), _hex_to_base64, 0))
        ParseDict(tree, message, ignore_unknown_fields=True, max_recursion_depth=_MAX_DEPTH)
    except (ParseError, RecursionError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error


def _convert_ids(node: object, convert: Callable[[str], str], depth: int) -> object:
    """Return a copy with every id converted. Attribute keys are values in OTLP/JSON, so they cannot match."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(node, list):
        return [_convert_ids(item, convert, depth + 1) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    return {
        key: convert(value) if key in _ID_KEYS and isinstance(value, str) else _convert_ids(value, convert, depth + 1)
        for key, value in cast("dict[str, object]", node).items()
    }


def _hex_to_base64(text: str) -> str:
    return b64encode(bytes.fromhex(text)).decode()


def _base64_to_hex(text: str) -> str:
    return b64decode(text).hex()
