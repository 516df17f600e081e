"""Types of the settings that hold an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import cast

from flext_observability.settings.types import FieldType, clean_text
from flext_observability.values.endpoint import Endpoint, parse_endpoint
from flext_observability.values.masking import mask_address
from flext_observability.values.named_tuple import NamedTuple


class ParsedEndpoint(NamedTuple):
    """Endpoint of a setting.

    Attributes:
        text: Text as given; the value of the configuration's field.
        endpoint: Its parts.
    """

    text: str
    endpoint: Endpoint

    def __repr__(self) -> str:
        """Return the parts without the text, which may have a password."""
        return f"{type(self).__name__}({self.endpoint!r})"


def _endpoint(value: object) -> ParsedEndpoint:
    text = clean_text(value)
    return ParsedEndpoint(text, parse_endpoint(text))


def _with_scheme(value: object) -> ParsedEndpoint:
    parsed = _endpoint(value)
    if parsed.endpoint.scheme:
        return parsed
    return ParsedEndpoint(f"http://{parsed.text}", parsed.endpoint.with_scheme("http"))


def _webhook(value: object) -> ParsedEndpoint:
    text, endpoint = _endpoint(value)
    return ParsedEndpoint(text, replace(endpoint, has_secret_path=True))


def _endpoint_type(
    example: str, read: Callable[[object], ParsedEndpoint], mask: Callable[[str], str] = mask_address
) -> FieldType[str]:
    # The field of the configuration holds the text; `with_defaults` keeps the parts beside it.
    return cast("FieldType[str]", FieldType("endpoint", f"an endpoint like {example}", read, mask=mask))


ENDPOINT = _endpoint_type("http://localhost:4318", _endpoint)
PUSH_GATEWAY = _endpoint_type("http://localhost:9091", _with_scheme)
ALERTMANAGER = _endpoint_type("http://localhost:9093", _endpoint)
WEBHOOK = _endpoint_type("https://example.com/alerts", _webhook, partial(mask_address, hide_path=True))
