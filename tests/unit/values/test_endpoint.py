from __future__ import annotations

from dataclasses import replace

import pytest

from flext_observability.values.endpoint import Endpoint, format_host, parse_endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://localhost:4318", Endpoint("http", "localhost", 4318)),
        ("collector:4317", Endpoint("", "collector", 4317)),
        ("collector", Endpoint("", "collector")),
        ("https://[::1]/otlp/", Endpoint("https", "::1", None, "/otlp/")),
        ("http://h/p?tenant=a#top", Endpoint("http", "h", None, "/p", "tenant=a")),
        ("http://me:p%40ss@h:1", Endpoint("http", "h", 1, credentials="me:p@ss")),
        ("http://@h", Endpoint("http", "h")),
        ("HTTP://Host", Endpoint("http", "host")),
        ("http://bücher.example/ü", Endpoint("http", "xn--bcher-kva.example", None, "/ü")),
    ],
)
def test_parse_endpoint(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "host is missing"),
        ("http://", "host is missing"),
        ("http://host:0", "port is 0"),
        ("ftp://host", "scheme is not http or https"),
        ("http://user:pa/ss@h", "not valid; special characters of a password must be percent-encoded"),
        ("http://user:pa@ss#word@h", "not valid; special characters of a password"),
        ("token=x", "host or port is not valid"),
        ("http://a,b", "host or port is not valid"),
        ("http://host:99999", "host or port is not valid"),
        ("http://host:port", "host or port is not valid"),
        ("http://[::1", "host or port is not valid"),
        ("http://" + "é" * 70, "host or port is not valid"),
        ("http://a\u2028b", "host or port is not valid"),
        ("a b", "character of it is not allowed"),
        ("h\\x", "character of it is not allowed"),
        ("http://h/\r\n", "character of it is not allowed"),
        ("http://h/\ud800", "character of it is not allowed"),
    ],
)
def test_invalid_endpoint(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_endpoint(text)


def test_error_does_not_quote_a_password() -> None:
    with pytest.raises(ValueError, match="not valid") as caught:
        parse_endpoint("http://user:secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "port"), [("http://h", 80), ("https://h", 443), ("h", 80), ("https://h:8443", 8443), ("http://h:443", 443)]
)
def test_port_or_default(text: str, port: int) -> None:
    assert parse_endpoint(text).port_or_default == port


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("http://h", "h"),
        ("http://h:80", "h:80"),
        ("http://[::1]", "[::1]"),
        ("http://me:secret@[::1]:4318", "[::1]:4318"),
    ],
)
def test_authority(text: str, authority: str) -> None:
    assert parse_endpoint(text).authority == authority


@pytest.mark.parametrize(
    ("text", "target"),
    [("http://h", "/"), ("http://h?a=1", "/?a=1"), ("http://h/ü/%20/'x'?q='ü'", "/%C3%BC/%20/'x'?q=%27%C3%BC%27")],
)
def test_request_target(text: str, target: str) -> None:
    assert parse_endpoint(text).request_target == target


def test_urls_hold_no_credentials() -> None:
    endpoint = parse_endpoint("http://me:secret@h/base/?key=a")
    assert endpoint.url == "http://h/base/?key=a"
    assert endpoint.display_url == "http://h:80/base/"
    assert parse_endpoint("me:secret@[::1]:1/x").url == "[::1]:1/x"
    assert "secret" not in repr(endpoint)


def test_messages_have_no_part_that_may_be_secret() -> None:
    endpoint = parse_endpoint("http://me:secret@h/services/T0K3N?key=a")
    assert (endpoint.display_url, endpoint.short_url) == ("http://h:80/services/***", "http://h/services/***")
    assert repr(endpoint) == "Endpoint('http://h:80/services/***')"
    assert endpoint.join_path("/job@base64/Zm9v").display_url == "http://h:80/services/***/job@base64/Zm9v"
    assert endpoint.join_path("/v1").url == "http://h/services/T0K3N/v1?key=a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("https://h/services/plain?a=b", "https://h/…"), ("https://h", "https://h"), ("https://h?a=b", "https://h")],
)
def test_a_secret_path_is_not_shown(text: str, shown: str) -> None:
    assert replace(parse_endpoint(text), has_secret_path=True).short_url == shown


def test_a_host_that_may_be_a_user_is_not_shown() -> None:
    endpoint = parse_endpoint("http://token/with@slash:4317/x")
    assert (endpoint.host, endpoint.display_url) == ("token", "http://***")
    assert replace(endpoint, path="").display_url == "http://***"
    assert endpoint.join_path("/v1/traces").short_url == "http://***/v1/traces"
    assert parse_endpoint("http://user:pa@ss?word@host").display_url == "http://***"
    assert parse_endpoint("http://host?to=me@x").display_url == "http://host:80"


@pytest.mark.parametrize(
    ("text", "authorization"),
    [("http://user:secret@h", "Basic dXNlcjpzZWNyZXQ="), ("http://user@h", "Basic dXNlcjo="), ("http://h", "")],
)
def test_authorization(text: str, authorization: str) -> None:
    assert parse_endpoint(text).authorization == authorization


def test_with_scheme_keeps_a_given_scheme() -> None:
    assert parse_endpoint("h").with_scheme("https") == Endpoint("https", "h")
    assert parse_endpoint("http://h").with_scheme("https") == Endpoint("http", "h")


def test_join_path() -> None:
    assert parse_endpoint("http://h").join_path("/v1/traces").url == "http://h/v1/traces"
    assert parse_endpoint("http://h/base/?a=1").join_path("/v1/traces").url == "http://h/base/v1/traces?a=1"


def test_format_host() -> None:
    assert format_host("::1") == "[::1]"
    assert format_host("127.0.0.1") == "127.0.0.1"
