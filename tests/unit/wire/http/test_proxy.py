"""Proxy variables of the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.proxy import Proxy, basic_authorization, proxy_for

URL = urlsplit("http://collector.example:4318/v1/traces")


def test_no_variable_no_proxy() -> None:
    assert proxy_for(URL) is None


def test_proxy_of_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:p%40ss@proxy.example:3128")
    assert proxy_for(URL) == Proxy("proxy.example", 3128, "Basic dXNlcjpwQHNz")
    assert proxy_for(URL._replace(scheme="https")) is None


def test_proxy_for_all_without_scheme_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example")
    assert proxy_for(URL) == Proxy("proxy.example", 80)


def test_excepted_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "collector.example")
    assert proxy_for(URL) is None


@pytest.mark.parametrize("address", ["socks5://proxy.example:1080", "http://proxy.example:many", "http://:3128"])
def test_variable_that_names_no_http_proxy(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("http_proxy", address)
    with pytest.raises(TransportError, match="no http://host:port") as caught:
        proxy_for(URL)
    assert caught.value.kind == "proxy"


def test_authorization_of_a_url() -> None:
    assert basic_authorization(urlsplit("http://user@host")) == "Basic dXNlcjo="
    assert not basic_authorization(urlsplit("http://host"))
