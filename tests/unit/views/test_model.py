from __future__ import annotations

import pytest

from flext_observability.views.model import TraceView, severity_name
from tests.unit.views.shop import TRACE, log, span


@pytest.mark.parametrize(
    ("number", "text", "name"),
    [(1, "", "TRACE"), (8, "", "DEBUG"), (9, "x", "INFO"), (16, "", "WARN"), (17, "", "ERROR"), (24, "", "FATAL")],
)
def test_severity_numbers_have_short_names(number: int, text: str, name: str) -> None:
    assert severity_name(number, text) == name


@pytest.mark.parametrize("number", [0, -1, 25])
def test_other_severity_numbers_keep_the_text(number: int) -> None:
    assert severity_name(number, "notice") == "NOTICE"


def test_the_trace_id_is_that_of_the_first_span_or_log_record() -> None:
    assert TraceView((span(1),)).trace_id == TRACE
    assert TraceView(logs=(log("x", 1),)).trace_id == TRACE
    assert TraceView().trace_id == ""
