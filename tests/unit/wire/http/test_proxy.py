"""Proxy variables of the environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flext_observability.values.endpoint import Endpoint, parse_endpoint
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.proxy import proxy_for

ENDPOINT = parse_endpoint("http://collector.example:4318/v1/traces")


def test_no_variable_no_proxy() -> None:
    assert proxy_for(ENDPOINT) is None


def test_proxy_of_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:p%40ss@proxy.example:3128")
    assert proxy_for(ENDPOINT) == Endpoint("http", "proxy.example", 3128, credentials="user:p@ss")
    assert proxy_for(replace(ENDPOINT, scheme="https")) is None


def test_proxy_for_all_schemes_without_scheme_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example")
    assert proxy_for(ENDPOINT) == Endpoint("http", "proxy.example")


def test_excluded_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "collector.example")
    assert proxy_for(ENDPOINT) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("socks5://me:secret@proxy.example:1080", "scheme is not http"),
        ("https://me:secret@proxy.example:3128", "scheme is not http"),
        ("http://proxy.example:many", "host or port is not valid"),
        ("http://:3128", "host is missing"),
    ],
)
def test_variable_that_names_no_http_proxy(monkeypatch: pytest.MonkeyPatch, address: str, reason: str) -> None:
    monkeypatch.setenv("http_proxy", address)
    with pytest.raises(TransportError, match=f"the proxy in the environment cannot be used: .*{reason}") as caught:
        proxy_for(ENDPOINT)
    assert caught.value.kind == "proxy"
    assert "secret" not in caught.value.message
