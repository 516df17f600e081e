from __future__ import annotations

import pytest

from flext_observability.settings.endpoint import ENDPOINT, PUSH_GATEWAY, ParsedEndpoint
from flext_observability.values.endpoint import Endpoint


def test_text_is_kept_as_given() -> None:
    expected = ParsedEndpoint("http://localhost:4318/", Endpoint("http", "localhost", 4318, "/"))
    values: list[object] = [ENDPOINT.parse(" http://localhost:4318/ "), ENDPOINT.accept("http://localhost:4318/")]
    assert values == [expected, expected]


@pytest.mark.parametrize("value", [4318, "", "ftp://host", "http://host:port"])
def test_invalid_endpoint(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own reason
        ENDPOINT.accept(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pushgateway:9091", ParsedEndpoint("http://pushgateway:9091", Endpoint("http", "pushgateway", 9091))),
        (
            "me:secret@pushgateway",
            ParsedEndpoint("http://me:secret@pushgateway", Endpoint("http", "pushgateway", credentials="me:secret")),
        ),
        (
            "https://pushgateway/prefix",
            ParsedEndpoint("https://pushgateway/prefix", Endpoint("https", "pushgateway", None, "/prefix")),
        ),
    ],
)
def test_pushgateway_without_scheme_means_http(text: str, expected: ParsedEndpoint) -> None:
    values: list[object] = [PUSH_GATEWAY.parse(text), PUSH_GATEWAY.accept(text)]
    assert values == [expected, expected]


def test_pushgateway_with_an_unsupported_scheme() -> None:
    with pytest.raises(ValueError, match="scheme"):
        PUSH_GATEWAY.parse("ftp://pushgateway")


def test_repr_has_no_text() -> None:
    assert repr(ENDPOINT.accept("http://me:pass@host:1/x?a=b")) == "ParsedEndpoint(Endpoint('http://host:1/x'))"
