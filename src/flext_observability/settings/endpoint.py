"""Types of the settings that hold an endpoint."""

from __future__ import annotations

from flext_observability.settings.types import Kind, clean
from flext_observability.values.endpoint import parse_endpoint


def _endpoint(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    text = clean(value)
    parse_endpoint(text)
    return text


def _with_scheme(value: object) -> str:
    text = _endpoint(value)
    return text if "://" in text else f"http://{text}"


ENDPOINT = Kind("address", "an address like http://localhost:4318", _endpoint, _endpoint)
PUSH_GATEWAY = Kind("address", "an address like http://localhost:9091", _with_scheme, _with_scheme)
ALERTMANAGER = Kind("address", "an address like http://localhost:9093", _endpoint, _endpoint)
WEBHOOK = Kind("address", "an address like https://example.com/alerts", _endpoint, _endpoint)
