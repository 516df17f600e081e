from __future__ import annotations

import pytest

from flext_observability.values.masking import (
    MAX_MESSAGE_CHARACTERS,
    is_secret_name,
    mask_credentials,
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
    ],
)
def test_secrets_in_text_are_masked(text: str, expected: str) -> None:
    assert mask_secrets(text) == expected


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("db_api_key", True),
        ("X-Token", True),
        ("tokens", True),
        ("tokenizer", False),
        ("name", False),
    ],
)
def test_secret_names_are_detected(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_messages_are_one_bounded_printable_line() -> None:
    assert sanitize_message("a\x1b[31m\n  b") == "a [31m b"
    assert len(sanitize_message("x" * 1000)) == MAX_MESSAGE_CHARACTERS


def test_messages_that_quote_secrets_are_masked() -> None:
    message = sanitize_message("no such tenant for http://me:s3cret@am/api?token=s3cret")
    assert message == "no such tenant for http://***@am/api?token=***"
