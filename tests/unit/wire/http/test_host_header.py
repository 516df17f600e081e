from __future__ import annotations

import pytest

from flext_observability.wire.http.host_header import (
    has_one_label,
    has_private_suffix,
    is_address_or_localhost,
    matches,
)

LOCAL = [
    *("", "localhost", "LOCALHOST:80", "localhost.", "a.localhost:1"),
    *("127.0.0.1:9464", "10.0.0.5", "[::1]", "[FE80::1%25eth0]:1"),
]
ONE_LABEL = ["shop", "my_app:9464", "SHOP."]
PRIVATE = ["shop.local", "shop.default.svc", "SHOP.default.svc.cluster.local.", "host.docker.internal:80"]
FOREIGN = ["evil.example", "localhost.evil.example:9464", "127.0.0.1.evil.example", "evil.example.", "127.1"]
INVALID = [
    *("localhost, evil.example", "evil.example@localhost", "localhost@evil"),
    *("[evil.example]", "[::1", "local host", "a/b", "x:y"),
]


@pytest.mark.parametrize("host", LOCAL)
def test_addresses_and_localhost_cannot_be_foreign(host: str) -> None:
    assert is_address_or_localhost(host)


@pytest.mark.parametrize("host", ONE_LABEL + PRIVATE + FOREIGN + INVALID)
def test_other_names_are_not_local(host: str) -> None:
    assert not is_address_or_localhost(host)


@pytest.mark.parametrize("host", ONE_LABEL)
def test_names_of_one_label(host: str) -> None:
    assert (has_one_label(host), has_private_suffix(host)) == (True, False)


@pytest.mark.parametrize("host", PRIVATE)
def test_names_with_a_private_suffix(host: str) -> None:
    assert (has_one_label(host), has_private_suffix(host)) == (False, True)


@pytest.mark.parametrize("host", ["", *FOREIGN, *INVALID])
def test_public_and_invalid_names_are_neither(host: str) -> None:
    assert not has_one_label(host)
    assert not has_private_suffix(host)


@pytest.mark.parametrize(
    ("host", "pattern"),
    [
        ("shop.example.com:9464", "shop.example.com"),
        ("SHOP.example.com.", "shop.Example.com:80"),
        ("shop.example.com", ".example.com"),
        ("evil.example", "*"),
        ("a, b", "*"),
    ],
)
def test_pattern_matches(host: str, pattern: str) -> None:
    assert matches(host, ("other", pattern))


@pytest.mark.parametrize(
    ("host", "pattern"),
    [("evil.example", "shop.example.com"), ("example.com", ".example.com"), ("a, b", "a"), ("a", "a, b"), ("", "a")],
)
def test_pattern_does_not_match(host: str, pattern: str) -> None:
    assert not matches(host, (pattern,))
