"""Event and values → one line of text, the message of a log record (standard library only)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Final

from flext_observability.values.encoding import (
    MAX_EVENT_BYTES,
    AttributeValue,
    encode_attribute,
    encode_tag,
    is_container,
)
from flext_observability.values.lazy_pattern import lazy_pattern

_PLAIN: Final = lazy_pattern(r"[^\s\"'=\\\[\]{}]+")
# Line ends and terminal control characters.
_CONTROL: Final = lazy_pattern("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class StructuredText(str):
    """The line for handlers. A ``str``, as users of ``record.msg`` expect.

    Attributes:
        event: The event without the values.
        attributes: The encoded values.
    """

    __slots__ = ("attributes", "event")

    event: str
    attributes: dict[str, AttributeValue]


def structured_text(event: str, values: Mapping[str, object], *, with_values: bool = True) -> StructuredText:
    """Return the line of an event and its values.

    Args:
        event: The event, truncated to ``MAX_EVENT_BYTES``.
        values: Names and values of any type. None is in the line, but is not an attribute.
        with_values: Whether the line contains the values. Otherwise it is the event only.
    """
    event = encode_tag(event, max_bytes=MAX_EVENT_BYTES)
    attributes = {encode_tag(name): encode_attribute(value) for name, value in values.items() if value is not None}
    text = StructuredText(_line(event, values, attributes) if with_values else event)
    text.event = event
    text.attributes = attributes
    return text


def _line(event: str, values: Mapping[str, object], attributes: Mapping[str, AttributeValue]) -> str:
    words = [event] if event else []
    for key, value in values.items():
        name = encode_tag(key)
        words.append(f"{_quote(name)}={_format(value, attributes.get(name))}")
    return _CONTROL.sub(_escape, " ".join(words))


def _format(value: object, encoded: AttributeValue | None) -> str:
    if encoded is None:
        return "None"
    text = encode_tag(encoded)
    # Numbers and JSON need no further quotes.
    return _quote(text) if isinstance(encoded, str) and not is_container(value) else text


def _quote(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else encode_basestring(text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
