from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.settings.endpoint import ENDPOINT, PUSH_GATEWAY, Address, parse_address


def refuses(read: Callable[[Any], object], value: object) -> bool:
    try:
        read(value)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://localhost:4318", Address("http", "localhost", 4318)),
        ("collector:4317", Address("", "collector", 4317)),
        ("collector", Address("", "collector", None)),
        ("https://[::1]/otlp/", Address("https", "[::1]", None, "/otlp")),
        ("http://h/p?tenant=a", Address("http", "h", None, "/p", "?tenant=a")),
        ("http://me:p%40ss@h:1", Address("http", "h", 1, credentials="me:p@ss")),
        ("HTTP://Host", Address("http", "host", None)),
    ],
)
def test_parts_of_an_endpoint(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://host",
        "http://host:0",
        "http://host:99999",
        "http://host:port",
        "http://[::1",
        "a b",
        "h\\x",
    ],
)
def test_what_is_no_endpoint(text: str) -> None:
    assert refuses(parse_address, text)


def test_url_takes_scheme_path_and_port_where_it_has_none() -> None:
    address = parse_address("host/base")
    assert address.url("http") == "http://host/base"
    assert address.url("https", "", with_port=True) == "https://host:443"
    assert parse_address("http://host:1/x").url("https", "/y", with_port=True) == "http://host:1/y"


def test_endpoint_is_kept_as_given() -> None:
    assert ENDPOINT.parse(" http://localhost:4318/ ") == "http://localhost:4318/"
    assert refuses(ENDPOINT.accept, 4318)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("pushgateway:9091", "http://pushgateway:9091"),
        ("me:secret@pushgateway", "http://me:secret@pushgateway"),
        ("https://pushgateway/prefix", "https://pushgateway/prefix"),
    ],
)
def test_a_pushgateway_without_scheme_is_spoken_to_without_tls(text: str, address: str) -> None:
    assert PUSH_GATEWAY.parse(text) == PUSH_GATEWAY.accept(text) == address
    assert refuses(PUSH_GATEWAY.parse, "ftp://pushgateway")
