"""Proxy variables of the environment, compared with requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import pytest
from requests.utils import get_environ_proxies, select_proxy, should_bypass_proxies

from flext_observability.values.endpoint import Endpoint, parse_endpoint
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.proxy import proxy_for, tunnel_for

ENDPOINT = parse_endpoint("http://collector.example:4318/v1/traces")
PROXY = "http://proxy.example:3128"

# Address, NO_PROXY, whether the request goes directly: in requests and here.
SAME_AS_REQUESTS = [
    ("http://collector.example", "*", True),
    ("http://collector.example", "collector.example", True),
    ("http://collector.example", "example", True),
    ("http://collector.example", ".example", True),
    ("http://collector.example", "other.example", False),
    ("http://collector.example", "llector.example", False),
    ("http://collector.example", "*.example", False),
    ("http://collector.example", "localhost,*", False),
    ("http://collector.example", "", False),
    ("http://collector.example", ",, ,", False),
    ("http://collector.example", "COLLECTOR.Example", True),
    ("http://Collector.EXAMPLE", "collector.example", True),
    ("http://collector.example", "other.example , collector.example ", True),
    ("http://collector.example:4318", "collector.example:4318", True),
    ("http://collector.example:4318", ".example:4318", True),
    ("http://collector.example:4318", "collector.example:4317", False),
    ("http://collector.example:4318", "collector.example", True),
    ("http://collector.example", "10.0.0.0/8", False),
    ("http://localhost:4318", "localhost", True),
    ("http://localhost:4318", "127.0.0.1", False),
    ("http://127.0.0.1:4318", "localhost", False),
    ("http://127.0.0.1:4318", "", False),
    ("http://127.0.0.1:4318", "127.0.0.1", True),
    ("http://127.0.0.1:4318", "127.0.0.0/8", True),
    ("http://127.1:4318", "127.0.0.0/8", True),
    ("http://10.1.2.3", "10.0.0.0/8", True),
    ("http://10.1.2.3", " 192.168.0.0/16 , 10.0.0.0/8 ", True),
    ("http://10.1.2.3", "10.99.99.99/8", True),
    ("http://10.1.2.3", "10.1.2.3/32", True),
    ("http://10.1.2.3", "10.1.2.2/31", True),
    ("http://10.1.2.3", "10.1.2.4/31", False),
    ("http://11.1.2.3", "10.0.0.0/8", False),
    ("http://10.1.2.3", "10.0.0.0/33", False),
    ("http://10.1.2.3", "10.0.0.0/x", False),
    ("http://10.1.2.3", "10.0.0.0/8/8", False),
    ("http://10.1.2.3", "10.1.2", False),
    ("http://10.1.2.3", "collector.example", False),
    ("http://3com.example", "3com.example", True),
    ("http://[fd00::1]:4318", "fd00::1", True),
    ("http://[fd00::1]:4318", "fd00::2", False),
    ("http://[fd00::1]:4318", "10.0.0.0/8", False),
    ("http://bücher.example", "bücher.example", True),
]
# The same, where requests does not go directly; here it does, as curl (since 7.86) or the meaning of the entry says.
BEYOND_REQUESTS = [
    ("http://[fd00::1]:4318", "[fd00::1]"),  # curl
    ("http://[fd00::1]:4318", "fd00::/8"),  # curl
    ("http://[fd00::1]:4318", "[fd00::]/8"),
    ("http://[fd00::1]:4318", "[fd00::1]:4318"),
    ("http://[fd00::1]:4318", "FD00:0:0::0001"),
    ("http://[::1]:4318", "::1/128"),  # curl
    ("http://collector.example.", "collector.example"),  # curl
    ("http://collector.example", "collector.example."),  # curl
    ("http://collector.example", "localhost collector.example"),  # curl
    ("http://10.1.2.3:4318", "10.1.2.3:4318"),
    ("http://10.1.2.3", "10.0.0.0/255.0.0.0"),
    ("http://10.1.2.3", "0.0.0.0/0"),
    ("http://collector.example", "collector.example:80"),
    ("https://collector.example", "collector.example:443"),
    ("http://collector.example", " * "),
    ("http://xn--bcher-kva.example", "bücher.example"),
]
# The other way: requests compares the end of IP addresses, too, as if they were names.
UNLIKE_REQUESTS = [("http://127.0.0.1:4318", "0.0.1"), ("http://10.1.2.3", ".3")]


def goes_directly(monkeypatch: pytest.MonkeyPatch, address: str, no_proxy: str) -> tuple[bool, bool]:
    """Return whether requests, and whether this library, sends directly."""
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    return should_bypass_proxies(address, None), proxy_for(parse_endpoint(address)) is None


@pytest.mark.parametrize(("address", "no_proxy", "expected"), SAME_AS_REQUESTS)
def test_exclusions_are_those_of_requests(
    monkeypatch: pytest.MonkeyPatch, address: str, no_proxy: str, *, expected: bool
) -> None:
    assert goes_directly(monkeypatch, address, no_proxy) == (expected, expected)


@pytest.mark.parametrize(("address", "no_proxy"), BEYOND_REQUESTS)
def test_exclusions_that_requests_does_not_know(monkeypatch: pytest.MonkeyPatch, address: str, no_proxy: str) -> None:
    assert goes_directly(monkeypatch, address, no_proxy) == (False, True)


@pytest.mark.parametrize(("address", "no_proxy"), UNLIKE_REQUESTS)
def test_the_end_of_an_ip_address_is_not_a_domain(monkeypatch: pytest.MonkeyPatch, address: str, no_proxy: str) -> None:
    assert goes_directly(monkeypatch, address, no_proxy) == (True, False)


@pytest.mark.parametrize("no_proxy", ["[", "]", ":", "[]:80", "/8", "::/200", "bü..cher", "%", "10.0.0.0/-1"])
@pytest.mark.parametrize("address", ["http://10.1.2.3", "http://[fd00::1]", "http://collector.example"])
def test_invalid_exclusions_are_ignored(monkeypatch: pytest.MonkeyPatch, address: str, no_proxy: str) -> None:
    assert goes_directly(monkeypatch, address, no_proxy)[1] is False


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"http_proxy": PROXY},
        {"HTTP_PROXY": PROXY},
        {"Http_Proxy": PROXY},
        {"https_proxy": PROXY},
        {"HTTPS_PROXY": PROXY},
        {"all_proxy": PROXY},
        {"ALL_PROXY": PROXY},
        {"http_proxy": "http://lower.example:1", "HTTP_PROXY": "http://upper.example:2"},
        {"http_proxy": "", "HTTP_PROXY": PROXY},
        {"http_proxy": "", "ALL_PROXY": PROXY},
        {"HTTP_PROXY": "http://own.example:1", "ALL_PROXY": PROXY},
        {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"},
        {"http_proxy": PROXY, "REQUEST_METHOD": "GET"},
        {"HTTPS_PROXY": PROXY, "REQUEST_METHOD": "GET"},
        {"HTTP_PROXY": PROXY, "no_proxy": "", "NO_PROXY": "collector.example"},
        {"HTTP_PROXY": PROXY, "no_proxy": "other.example", "NO_PROXY": "collector.example"},
        {"HTTP_PROXY": PROXY, "no_proxy": "collector.example", "NO_PROXY": "other.example"},
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_variables_are_those_of_requests(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], scheme: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    endpoint = replace(ENDPOINT, scheme=scheme)
    expected = select_proxy(endpoint.url, dict(get_environ_proxies(endpoint.url)))
    proxy = proxy_for(endpoint)
    assert (proxy.url if proxy else None) == expected


def test_no_variable_no_proxy() -> None:
    assert not any(name.lower().endswith("_proxy") for name in os.environ)
    assert proxy_for(ENDPOINT) is None


def test_proxy_of_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:p%40ss@proxy.example:3128")
    assert proxy_for(ENDPOINT) == Endpoint("http", "proxy.example", 3128, credentials="user:p@ss")
    assert proxy_for(replace(ENDPOINT, scheme="https")) is None


def test_proxy_for_all_schemes_without_scheme_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", " proxy.example ")
    assert proxy_for(ENDPOINT) == Endpoint("http", "proxy.example")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"http_proxy": "http://a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://b:2", "http_proxy": "http://a:1"}, "http://b:2"),
        ({"ALL_PROXY": "http://c:3"}, "http://c:3"),
        ({"grpc_proxy": "http://d:4", "https_proxy": "http://b:2"}, "http://d:4"),
        ({"http_proxy": "http://a:1", "no_proxy": "example"}, None),
        ({"http_proxy": "http://a:1", "no_grpc_proxy": "example"}, None),
        ({"http_proxy": "http://a:1", "no_grpc_proxy": "other", "no_proxy": "example"}, "http://a:1"),
        ({"http_proxy": "http://a:1", "no_proxy": "xample"}, "http://a:1"),
    ],
)
def test_proxy_of_grpc(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], expected: str | None) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxy = tunnel_for(ENDPOINT)
    assert (proxy.url if proxy else None) == expected


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("socks5://me:secret@proxy.example:1080", "scheme is not http"),
        ("socks5h://me:sec/ret@proxy.example:1080", "scheme is not http"),
        ("https://me:secret@proxy.example:3128", "scheme is not http"),
        ("secret://proxy.example", "scheme is not http"),
        ("http://me:sec ret@proxy.example:3128", "character"),
        ("http://proxy.example:many", "host or port is not valid"),
        ("http://:3128", "host is missing"),
    ],
)
def test_variable_that_names_no_http_proxy(monkeypatch: pytest.MonkeyPatch, address: str, reason: str) -> None:
    monkeypatch.setenv("http_proxy", address)
    expected = f"the proxy in the environment cannot be used: HTTP_PROXY is invalid, .*{reason}"
    with pytest.raises(TransportError, match=expected) as caught:
        proxy_for(ENDPOINT)
    assert caught.value.kind == "proxy"
    assert "secret" not in caught.value.message
    monkeypatch.setenv("no_proxy", "collector.example")
    assert proxy_for(ENDPOINT) is None
