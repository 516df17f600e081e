"""Targets: headers, credentials and scheme."""

from __future__ import annotations

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
