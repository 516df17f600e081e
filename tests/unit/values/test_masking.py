from __future__ import annotations

import pytest

from flext_observability.values.masking import is_secret_name, masked_text, without_credentials


def test_credentials_of_addresses_are_hidden() -> None:
    assert without_credentials("see http://me:secret@host/x") == "see http://***@host/x"
    assert without_credentials("'me:secret@host:9091'") == "'***@host:9091'"
    assert without_credentials("me:secret@host:9091") == "***@host:9091"


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
def test_secrets_inside_texts_are_masked(text: str, expected: str) -> None:
    assert masked_text(text) == expected


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
def test_names_that_speak_of_secrets_are_known(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
