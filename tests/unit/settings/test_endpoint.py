from __future__ import annotations

import pytest

from flext_observability.settings.endpoint import ENDPOINT, PUSH_GATEWAY


def test_endpoint_is_kept_as_given() -> None:
    assert ENDPOINT.parse(" http://localhost:4318/ ") == "http://localhost:4318/"


@pytest.mark.parametrize("value", [4318, "", "ftp://host", "http://host:port"])
def test_invalid_endpoint(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own reason
        ENDPOINT.accept(value)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("pushgateway:9091", "http://pushgateway:9091"),
        ("me:secret@pushgateway", "http://me:secret@pushgateway"),
        ("https://pushgateway/prefix", "https://pushgateway/prefix"),
    ],
)
def test_pushgateway_without_scheme_means_http(text: str, endpoint: str) -> None:
    assert PUSH_GATEWAY.parse(text) == PUSH_GATEWAY.accept(text) == endpoint


def test_pushgateway_with_an_unsupported_scheme() -> None:
    with pytest.raises(ValueError, match="scheme"):
        PUSH_GATEWAY.parse("ftp://pushgateway")
