"""Event and values → text that says both on one line, and that a log record carries as its message (standard library only)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from json.encoder import encode_basestring as quote
from typing import Final

from flext_observability.values.encoding import AttributeValue, encode_attribute, encode_tag, is_container

MAX_EVENT_BYTES: Final = 262_144
_PLAIN: Final = re.compile(r"[^\s\"'=\\\[\]{}]+")
# What would end the line, or steer the terminal, for whoever reads it.
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class StructuredText(str):
    """The line as handlers show it; a ``str``, so that whatever reads ``record.msg`` finds what it expects.

    Attributes:
        event: What happened, without the values.
        attributes: The values, encoded.
    """

    __slots__ = ("attributes", "event")

    event: str
    attributes: dict[str, AttributeValue]


def structured_text(event: str, values: Mapping[str, object], *, shown: bool = True) -> StructuredText:
    """Put event and values together.

    Args:
        event: What happened; cut to ``MAX_EVENT_BYTES``.
        values: Names and values of any type. None is shown and is no attribute.
        shown: Whether anybody will read the line: without, it is the event alone.
    """
    event = encode_tag(event, max_bytes=MAX_EVENT_BYTES)
    attributes = {encode_tag(name): encode_attribute(value) for name, value in values.items() if value is not None}
    text = StructuredText(_line(event, values, attributes) if shown else event)
    text.event = event
    text.attributes = attributes
    return text


def _line(event: str, values: Mapping[str, object], attributes: Mapping[str, AttributeValue]) -> str:
    words = [event] if event else []
    for given, value in values.items():
        name = encode_tag(given)
        words.append(f"{_quoted(name)}={_shown(value, attributes.get(name))}")
    return _UNSEEN.sub(_escape, " ".join(words))


def _shown(value: object, encoded: AttributeValue | None) -> str:
    if encoded is None:
        return "None"
    text = encode_tag(encoded)
    # What is not text is a number or JSON, which needs no quotes of ours.
    return _quoted(text) if isinstance(encoded, str) and not is_container(value) else text


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote(text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
