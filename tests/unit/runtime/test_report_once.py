from __future__ import annotations

import pytest

from flext_observability.runtime import report_once as mishap
from flext_observability.runtime.report_once import report_once


def test_each_type_of_error_is_logged_once_for_an_action(caplog: pytest.LogCaptureFixture) -> None:
    sentences = [report_once("Ending a span", error) for error in (ValueError("a"), ValueError("b"), KeyError("c"))]
    assert sentences[1] == "Ending a span failed: ValueError: b; the program goes on without it"
    assert caplog.messages == [sentences[0], sentences[2]]


def test_what_is_known_is_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mishap, "MAX_KNOWN", 2)
    for action in ("one", "two", "three", "one"):
        report_once(action, ValueError())
    assert len(caplog.messages) == 2
