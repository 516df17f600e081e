from __future__ import annotations

import pytest

from flext_observability.domain.rules import MAX_NAME_LENGTH, InvalidField, Violation, check_name, to_result


def test_a_violation_becomes_a_failure_with_its_fix() -> None:
    result = to_result(Violation("alert name", "it is blank", "Name the problem"), "alert")

    assert (result.message, result.fix) == ("Invalid alert name: it is blank", "Name the problem")
    assert (result.error, result.code) == ("Invalid alert name: it is blank. Name the problem.", "invalid_alert")
    assert to_result(None, "alert").success


@pytest.mark.parametrize("name", ["checkout", " x ", "n" * MAX_NAME_LENGTH])
def test_a_name_with_text_within_the_limit_is_valid(name: str) -> None:
    assert check_name("alert name", name, "Name the problem") is None


@pytest.mark.parametrize(
    ("name", "why", "fix"),
    [
        ("", "it is blank", "Name the problem"),
        (" \t", "it is blank", "Name the problem"),
        ("n" * (MAX_NAME_LENGTH + 1), "it has 1025 characters", "Use at most 1024, and put the rest into the details"),
    ],
)
def test_an_invalid_name_has_a_reason_and_a_fix(name: str, why: str, fix: str) -> None:
    assert check_name("alert name", name, "Name the problem") == ("alert name", why, fix)


def test_an_invalid_field_reads_as_message_and_fix() -> None:
    error = InvalidField("str is not a number", "Use int, float or Decimal")

    assert str(error) == "str is not a number. Use int, float or Decimal."
    assert (error.message, error.fix) == ("str is not a number", "Use int, float or Decimal")
