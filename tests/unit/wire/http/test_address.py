"""URLs and headers that can, and cannot, be sent."""

from __future__ import annotations

import pytest

from flext_observability.wire.http.address import http_target


def test_all_parts() -> None:
    target = http_target("http://collector.example:4318/v1/traces?a=b c")
    assert (target.host, target.port, target.authority) == ("collector.example", 4318, "collector.example:4318")
    assert target.path == "/v1/traces?a=b%20c"
    assert target.display_url == "http://collector.example:4318/v1/traces"


def test_port_and_path_that_are_not_written() -> None:
    target = http_target("https://collector.example")
    assert (target.port, target.authority, target.path) == (443, "collector.example", "/")


def test_address_of_version_six() -> None:
    target = http_target("http://[::1]:4318")
    assert (target.host, target.authority, target.display_url) == ("::1", "[::1]:4318", "http://[::1]:4318")


def test_international_name() -> None:
    assert http_target("http://bücher.example").host == "xn--bcher-kva.example"


def test_user_and_password_become_a_header_and_no_message() -> None:
    target = http_target("http://user:secret@host:1/x")
    assert target.headers == {"Authorization": "Basic dXNlcjpzZWNyZXQ="}
    assert target.authority == "host:1"
    assert "secret" not in target.display_url


def test_header_wins_over_the_user_in_the_address() -> None:
    target = http_target("http://user:secret@host", headers={"authorization": "Bearer x"})
    assert target.headers == {"authorization": "Bearer x"}


@pytest.mark.parametrize("url", ["collector:4318", "ftp://host", "http://", "http://host:port", "http://" + "é" * 70])
def test_address_that_cannot_be_sent_to(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several sources word it
        http_target(url)


def test_header_name_that_http_does_not_allow() -> None:
    with pytest.raises(ValueError, match="header name 'two words'"):
        http_target("http://host", headers={"two words": "x"})


def test_header_value_with_a_line_break() -> None:
    with pytest.raises(ValueError, match="control character"):
        http_target("http://host", headers={"x": "a\r\nb"})
