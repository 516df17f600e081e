"""Targets: headers, credentials and scheme."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flext_observability.values.endpoint import parse_endpoint
from flext_observability.wire.http.target import http_target
from flext_observability.wire.http.tls import TlsFiles


def test_all_parts() -> None:
    files = TlsFiles("authority.pem")
    target = http_target(parse_endpoint("https://collector:4318/v1/traces?a=b"), headers={"x": "y"}, tls=files)
    assert (target.headers, target.tls, target.uses_tls) == ({"x": "y"}, files, True)
    assert target.endpoint.display_url == "https://collector:4318/v1/traces"


def test_missing_scheme_is_http() -> None:
    target = http_target(parse_endpoint("collector:4318"))
    assert (target.endpoint.display_url, target.uses_tls, target.tls) == ("http://collector:4318", False, TlsFiles())


def test_credentials_become_a_header_and_no_part_of_messages() -> None:
    target = http_target(parse_endpoint("http://user:secret@host:1/x"))
    assert target.headers == {"authorization": "Basic dXNlcjpzZWNyZXQ="}
    assert target.endpoint.display_url == "http://host:1/x"


def test_header_wins_over_the_credentials_of_the_endpoint() -> None:
    target = http_target(parse_endpoint("http://user:secret@host"), headers={"Authorization": "Bearer x"})
    assert target.headers == {"Authorization": "Bearer x"}


def test_invalid_header_name() -> None:
    with pytest.raises(ValueError, match="header name 'two words'"):
        http_target(parse_endpoint("http://host"), headers={"two words": "x"})


def test_header_value_with_a_line_break() -> None:
    with pytest.raises(ValueError, match="control character"):
        http_target(parse_endpoint("http://host"), headers={"x": "a\r\nb"})


@pytest.mark.parametrize("name", ["Authorization: Bearer T0K3N", "Bearer T0K3N", "Authorization Bearer T0K3N"])
def test_secret_given_as_a_header_name(name: str) -> None:
    with pytest.raises(ValueError, match="header name") as caught:
        http_target(parse_endpoint("http://host"), headers={name: ""})
    assert "T0K3N" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no access with Bearer header-token", "no access with ***"),
        ("no access with header-token", "no access with ***"),
        ("no access with dXNlcm5hbWU6cGEvc3MgIHdvcmQ=", "no access with ***"),
        ("no access with username:pa/ss  word", "no access with ***"),
        ("no access with pa/ss word", "no access with ***"),
        ("no access with pa%2Fss%20%20word", "no access with ***"),
        ("unknown user username", "unknown user ***"),
        ("unknown tenant shop", "unknown tenant ***"),
        ("no path /v1/traces?key=query+value&flag", "no path /v1/traces?***"),
        ("no key query+value, key", "no key ***, key"),
        ("no authorization, user-agent tests/1", "no authorization, user-agent tests/1"),
    ],
)
def test_what_a_server_quotes_of_a_request_is_masked(text: str, expected: str) -> None:
    headers = {"x-token": "Bearer header-token", "x-tenant": "shop", "user-agent": "tests/1"}
    endpoint = parse_endpoint("http://username:pa%2Fss%20%20word@host/v1/traces?key=query+value&flag")
    target = http_target(endpoint, headers=headers)
    assert target.mask(text) == expected
    assert "shop" not in repr(target)


def test_decoded_credentials_of_a_header_are_masked() -> None:
    target = http_target(parse_endpoint("http://host"), headers={"authorization": "Basic dXNlcjpzZWNyZXQ="})
    assert target.mask("user:secret, secret, user") == "***, ***, user"
    invalid = http_target(parse_endpoint("http://host"), headers={"authorization": "Basic é"})
    assert invalid.mask("Basic é") == "***"


def test_secret_parts_of_the_address_are_masked_and_shown_ones_are_not() -> None:
    hook = http_target(replace(parse_endpoint("https://hooks/services/B00K/abcdef"), has_secret_path=True))
    assert hook.mask("/services/B00K/abcdef or abcdef at hooks") == "*** or *** at hooks"
    user = http_target(parse_endpoint("http://token/with@slash"))
    assert user.mask("the host name 'token' cannot be resolved") == "the host name '***' cannot be resolved"
    same = http_target(parse_endpoint("http://host:password@host.example"))
    assert same.mask("http://host.example: password") == "http://host.example: ***"
