from __future__ import annotations

import pytest

from flext_observability.values.messages import MAX_NAME_LENGTH, compose_message, describe_invalid_name


@pytest.mark.parametrize(
    ("fix", "text"),
    [
        ("Choose another", "Port 80: taken. Choose another."),
        ("Choose another.", "Port 80: taken. Choose another."),
        ("pip install opentelemetry-sdk", "Port 80: taken. pip install opentelemetry-sdk"),
        ("Use http://localhost:4318", "Port 80: taken. Use http://localhost:4318"),
        ("", "Port 80: taken"),
    ],
)
def test_a_message_ends_with_its_fix(fix: str, text: str) -> None:
    assert compose_message("Port 80: taken", fix) == text


@pytest.mark.parametrize(
    ("name", "reason"),
    [("checkout", ""), (" ", "it is blank; give one"), ("n" * (MAX_NAME_LENGTH + 1), "it has 1025 characters")],
)
def test_a_name_is_valid_or_the_reason_is_described(name: str, reason: str) -> None:
    assert describe_invalid_name(name, "give one").startswith(reason)
    assert bool(reason) == bool(describe_invalid_name(name, "give one"))
