from __future__ import annotations

import pytest

from flext_observability.values.masking import (
    MAX_MESSAGE_CHARACTERS,
    mask_address,
    mask_credentials,
    mask_known,
    mask_path,
    mask_secrets,
    sanitize_message,
)


def test_credentials_of_urls_are_masked() -> None:
    assert mask_credentials("see http://me:secret@host/x") == "see http://***@host/x"
    assert mask_credentials("'me:secret@host:9091'") == "'***@host:9091'"
    assert mask_credentials("me:secret@host:9091") == "***@host:9091"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://me:secret@db/x", "postgres://***@db/x"),
        ("http://x/?token=abc&page=2", "http://x/?token=***&page=2"),
        ("api_key=abc; next", "api_key=***; next"),
        ("access_token=abc", "access_token=***"),
        ("nothing to hide", "nothing to hide"),
        ("mail me@host, not you", "mail me@host, not you"),
        ("at http://user:pa/ss@host:1/x", "at http://***@host:1/x"),
        ("at http://user:pa ss@host:1/x", "at http://***@host:1/x"),
        ("see (user:pa/ss@host)", "see (***@host)"),
        ("url=user:pa@host", "url=***@host"),
        ("host:1 is down, ask me@x", "host:1 is down, ask me@x"),
        ("dbPassword=abc", "dbPassword=***"),
        ("db.password: abc def", "db.password: *** def"),
        ('{"apiKey": "a b\\nc", "page": 2}', '{"apiKey": "***", "page": 2}'),
        ('{"apiKey": "cut off', '{"apiKey": "***'),
        (r"{\"password\": \"abc\"}", r'{\"password\": \"***"}'),
        ("Authorization: Bearer abc, next", "Authorization: ***, next"),
        ("Authorization: Basic abc def", "Authorization: *** def"),
        ("sent Bearer abc", "sent Bearer ***"),
        ("a bearer token is missing", "a bearer token is missing"),
        ("sent Basic dXNlcjpw", "sent Basic ***"),
        ("no basic authentication", "no basic authentication"),
        ("max_tokens=5, name: x", "max_tokens=5, name: x"),
        ("password=", "password="),
        ("see user:pa//ss@host", "see ***://***@host"),
        ('{"url":"http://user:pass@host"}', '{"url":"http://***@host"}'),
        ("serve --db-password=abc --port 5", "serve --db-password=*** --port 5"),
        ("serve --db-password abc --token -v --port 5", "serve --db-password *** --token -v --port 5"),
        ("serve --max-tokens 5", "serve --max-tokens 5"),
    ],
)
def test_secrets_in_text_are_masked(text: str, expected: str) -> None:
    assert mask_secrets(text) == expected


def test_messages_are_one_bounded_printable_line() -> None:
    assert sanitize_message("a\x1b[31m\n  b") == "a [31m b"
    assert len(sanitize_message("x" * 1000)) == MAX_MESSAGE_CHARACTERS


def test_messages_that_quote_secrets_are_masked() -> None:
    message = sanitize_message("no such tenant for http://me:s3cret@am/api?token=s3cret")
    assert message == "no such tenant for http://***@am/api?token=***"


@pytest.mark.parametrize(
    ("text", "expected", "without_path"),
    [
        ("http://host:4318/v1/traces", "http://host:4318/v1/traces", "http://host:4318/…"),
        ("http://host/", "http://host/", "http://host/"),
        ("host:4318", "host:4318", "host:4318"),
        ("", "", ""),
        ("http://[::1]:4318/x", "http://[::1]:4318/x", "http://[::1]:4318/…"),
        ("fd00::1", "fd00::1", "fd00::1"),
        (" https://bücher.example ", "https://bücher.example", "https://bücher.example"),
        ("http://user:pass@host/x", "http://***@host/x", "http://***@host/…"),
        ("user:pass@host:port", "***@host:port", "***@host:port"),
        ("http://user:pa/ss@host:1/x", "http://***@host:1/x", "http://***@host:1/…"),
        ("http://user:pa ss@host", "http://***@host", "http://***@host"),
        ("http://user:pa#a@b@host", "http://***@host", "http://***@host"),
        ("http:/user:pass@host", "***", "***"),
        ("http//user:pass@host", "http//***@host", "http//***@host"),
        ("user@host//x", "***@host//x", "***@host/…"),
        ("http://user/pass@host", "http://***", "http://***"),  # or a host and a path
        ("http://user:1/pass@host", "http://***", "http://***"),
        ("http://user:a@b?c@host", "http://***", "http://***"),
        ("http://user pass@host", "http://***", "http://***"),
        ("user:a//b?c@host", "***@host", "***@host"),
        ("user:a://b#c@host", "***@host", "***@host"),
        ("ftp://user:pass@host", "ftp://***@host", "ftp://***@host"),
        ("ftp://host/x", "ftp://host/x", "ftp://host/…"),
        ("http://host?to=me@x", "http://host?***", "http://host/…"),
        ("http://host/a?token=b#c", "http://host/a?***", "http://host/…"),
        ("http://host#c", "http://host?***", "http://host/…"),
        ("http://host/a b", "http://host/a?***", "http://host/…"),
        ("http://user:pass/x", "http://user:***/x", "http://user:***/…"),
        ("token=abc", "***", "***"),
        ("http://[::1", "http://***", "http://***"),
        ("abc1://host", "***://host", "***://host"),
        ("http://host/x/T0K3N/v1", "http://host/x/***/v1", "http://host/…"),
    ],
)
def test_addresses_are_shown_without_secrets(text: str, expected: str, without_path: str) -> None:
    assert (mask_address(text), mask_address(text, hide_path=True)) == (expected, without_path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ""),
        ("/v1/traces", "/v1/traces"),
        ("/api/v2/otlp/0/my_team", "/api/v2/otlp/0/my_team"),
        ("/a1/B/c%2F/d;e", "/***/***/***/***"),
        (f"/{'a' * 25}", "/***"),
    ],
)
def test_segments_of_paths_that_may_be_tokens_are_masked(path: str, expected: str) -> None:
    assert mask_path(path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key abcdef is unknown, abcdef", "key *** is unknown, ***"),
        ("key abcdefgh is unknown", "key *** is unknown"),
        ("abc is short", "abc is short"),
        ("cut off: abcd…", "cut off: ***…"),
        ("cut off: abc…", "cut off: abc…"),
        ("cut off: xyz…", "cut off: xyz…"),
    ],
)
def test_known_secrets_are_masked_also_when_they_are_cut_off(text: str, expected: str) -> None:
    assert mask_known(text, ["abcdef", "abcdefgh", "abc", ""]) == expected


def test_messages_are_masked_before_they_are_cut_off() -> None:
    text = f"{' ' * (4 * MAX_MESSAGE_CHARACTERS - 4)}abcdefgh"
    assert sanitize_message(text, ["abcdefgh"]) == "***"
