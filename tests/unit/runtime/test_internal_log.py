from __future__ import annotations

import logging

import pytest

from flext_observability.runtime import internal_log
from flext_observability.runtime.internal_log import LOG_INTERVAL_SECONDS, LogInterval, log_warning, report_once


def test_an_internal_error_is_logged_once_per_action_and_exception_type(caplog: pytest.LogCaptureFixture) -> None:
    messages = [report_once("Ending a span", error) for error in (ValueError("a"), ValueError("b"), KeyError("c"))]
    assert messages[1] == "Ending a span failed: ValueError: b; the program continues without it"
    assert caplog.messages == [messages[0], messages[2]]


def test_the_reported_errors_are_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internal_log, "MAX_REPORTED", 2)
    for action in ("one", "two", "three", "one"):
        report_once(action, ValueError())
    assert len(caplog.messages) == 2


def test_a_line_about_one_subject_is_permitted_once_per_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    interval = LogInterval()
    assert [interval.permits(subject) for subject in ("a", "a", "b")] == [True, False, True]
    now[0] = LOG_INTERVAL_SECONDS
    assert [interval.permits("a"), interval.permits("a")] == [True, False]


def test_a_line_with_lone_surrogates_is_written(caplog: pytest.LogCaptureFixture) -> None:
    log_warning(logging.getLogger("flext_observability"), "histogram in {\ud800} for an order in \u00e9tat")
    assert caplog.messages == ["histogram in {\\ud800} for an order in \u00e9tat"]
    assert caplog.text.encode()


def test_a_handler_that_raises_costs_the_line_alone() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(record.getMessage())

    logger = logging.Logger("broken")  # noqa: LOG001 - unregistered
    logger.addHandler(Broken())
    with pytest.raises(OSError, match="lost"):
        logger.warning("lost")
    log_warning(logger, "lost")
