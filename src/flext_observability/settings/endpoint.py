"""Types of the settings that hold an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from flext_observability.settings.types import FieldType, clean_text
from flext_observability.values.endpoint import Endpoint, parse_endpoint


class ParsedEndpoint(NamedTuple):
    """Endpoint of a setting.

    Attributes:
        text: Text as given; the value of the configuration's field.
        endpoint: Its parts.
    """

    text: str
    endpoint: Endpoint


def _endpoint(value: object) -> ParsedEndpoint:
    text = clean_text(value)
    return ParsedEndpoint(text, parse_endpoint(text))


def _with_scheme(value: object) -> ParsedEndpoint:
    parsed = _endpoint(value)
    if parsed.endpoint.scheme:
        return parsed
    return ParsedEndpoint(f"http://{parsed.text}", parsed.endpoint.with_scheme("http"))


def _endpoint_type(example: str, read: Callable[[object], ParsedEndpoint]) -> FieldType[str]:
    # The field of the configuration holds the text; `with_defaults` keeps the parts beside it.
    return cast("FieldType[str]", FieldType("endpoint", f"an endpoint like {example}", read))


ENDPOINT = _endpoint_type("http://localhost:4318", _endpoint)
PUSH_GATEWAY = _endpoint_type("http://localhost:9091", _with_scheme)
ALERTMANAGER = _endpoint_type("http://localhost:9093", _endpoint)
WEBHOOK = _endpoint_type("https://example.com/alerts", _endpoint)
