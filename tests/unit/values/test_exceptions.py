from __future__ import annotations

from typing import Any

import pytest

from flext_observability.values.exceptions import (
    MAX_STACK_BYTES,
    describe_error,
    error_message,
    exception_attributes,
    summarize_error,
)
from tests.hostility.kinds import NamelessError


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raised(error: Exception, depth: int = 0) -> Exception:
    """Return the error with the stack of a recursion of this depth."""

    def descend(left: int) -> None:
        if left:
            descend(left - 1)
        raise error

    try:
        descend(depth)
    except type(error) as caught:
        return caught
    raise AssertionError


def test_message_is_bounded_and_valid_text() -> None:
    assert len(error_message(ValueError("x" * 1_000_000))) <= 8192
    assert error_message(ValueError("\ud800")) == "\ufffd"


def test_description_has_type_and_message() -> None:
    assert describe_error(ValueError("gone")) == "ValueError: gone"
    assert describe_error(MuteError()) == "MuteError: <no readable message>"


@pytest.mark.parametrize(("error", "name"), [(ValueError(), "ValueError"), (MuteError(), f"{__name__}.MuteError")])
def test_type_is_qualified_unless_built_in(error: Exception, name: str) -> None:
    assert exception_attributes(error)["exception.type"] == name


def test_stack_is_bounded_and_keeps_the_frame_that_raised() -> None:
    for error in (raised(ValueError("deep"), 200), raised(ValueError("x" * 1_000_000))):
        stack = str(exception_attributes(error)["exception.stacktrace"])
        assert len(stack.encode()) <= MAX_STACK_BYTES
        assert "raise error" in stack


def test_descriptions_for_messages_are_masked_and_those_for_telemetry_are_not() -> None:
    error = ConnectionError("http://me:pa/ss@host refused, token=abc")
    assert describe_error(error) == "ConnectionError: http://***@host refused, token=***"
    assert summarize_error(error) == "ConnectionError: http://me:pa/ss@host refused, token=abc"


def test_an_exception_whose_type_hides_its_name() -> None:
    error = NamelessError("m")
    assert describe_error(error) == "NamelessError: m"
    attributes = exception_attributes(error)
    assert attributes["exception.type"] == "tests.hostility.kinds.NamelessError"
    assert str(attributes["exception.stacktrace"]).strip() == "tests.hostility.kinds.NamelessError: m"


class BadNotes(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name == "__notes__":
            raise SystemExit
        return super().__getattribute__(name)


def test_an_exception_whose_notes_raise_has_no_stack() -> None:
    assert exception_attributes(BadNotes("m"))["exception.stacktrace"] == "BadNotes: m"
