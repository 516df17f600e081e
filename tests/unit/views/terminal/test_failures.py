from __future__ import annotations

from flext_observability.views.terminal.failures import exception_line, log_failures, span_failures
from tests.unit.views.shop import STACK, exception, log, span


def test_an_exception_is_one_line_with_its_place() -> None:
    assert exception_line(exception("shop.DeclinedError", "card\ndeclined", STACK).attributes) == (
        "DeclinedError: card (+1 lines) (app.py:88)"
    )


def test_windows_paths_are_shortened_to_the_file_name() -> None:
    stack = '  File "C:\\srv\\app.py", line 3, in x'
    assert exception_line({"exception.type": "E", "exception.stacktrace": stack}) == "E (app.py:3)"


def test_without_type_and_message_there_is_no_line() -> None:
    assert exception_line({"exception.stacktrace": STACK}) == ""
    assert exception_line({"exception.message": 5}) == "5"


def test_a_status_message_that_repeats_the_exception_is_dropped() -> None:
    one = exception("a.E", "m")
    for status in ("E: m", "m", "a.E: m"):
        assert span_failures(span(1, events=(one,), status="error", status_message=status)) == ["E: m"]


def test_a_different_status_message_is_kept() -> None:
    assert span_failures(span(1, events=(exception("E", ""),), status_message="no luck")) == ["E", "no luck"]
    assert span_failures(span(1)) == []


def test_at_most_the_last_three_exceptions_are_shown() -> None:
    events = tuple(exception("E", str(number)) for number in range(5))
    assert span_failures(span(1, events=events)) == ["E: 2", "E: 3", "E: 4"]


def test_a_log_record_shows_its_exception() -> None:
    assert log_failures(log("x", attributes={"exception.type": "E"})) == ["E"]
    assert log_failures(log("x")) == []
