from __future__ import annotations

import io
import os
import pty
import sys

import pytest

from flext_observability.views.model import TraceView
from flext_observability.views.terminal.output import Terminal
from flext_observability.views.terminal.tables import metrics_table
from flext_observability.views.terminal.tree import trace_tree
from tests.unit.views.shop import Screen, checkout, drawn, histogram, span


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "shift_jis"])
def test_any_encoding_can_be_written(encoding: str) -> None:
    screen = Screen(encoding)
    trace = TraceView((*checkout().spans, span(9, name="漢字 ☃ é")))
    lines = Terminal(screen).show(trace_tree(trace), metrics_table([histogram()]))
    assert lines == screen.getvalue().count("\n")
    assert "charge card" in screen.getvalue()


def test_plain_output_is_ascii_without_colour() -> None:
    screen = Screen(terminal=True)
    Terminal(screen, plain=True).show(trace_tree(checkout()))
    assert screen.getvalue().isascii()
    assert "\x1b" not in screen.getvalue()
    assert "+-- INFO  checkout started" in screen.getvalue()


def test_terminal_output_is_coloured() -> None:
    screen = Screen(terminal=True)
    Terminal(screen).show(trace_tree(checkout()))
    assert "\x1b[" in screen.getvalue()


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(terminal=True)
    Terminal(screen).show(trace_tree(checkout()))
    assert "\x1b[31m" not in screen.getvalue()
    assert "36m" not in screen.getvalue()


def test_force_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert any("\x1b[" in line for line in drawn(trace_tree(checkout())))


def test_files_have_120_columns_and_terminals_their_own_width() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        import termios

        termios.tcsetwinsize(theirs, (24, 77))
        Terminal(terminal).show(trace_tree(checkout()))
    lines = os.read(ours, 100_000).decode().splitlines()
    os.close(ours)
    assert len(lines) == 10
    assert max(map(len, drawn(trace_tree(checkout())))) == 120


def test_a_terminal_without_a_width_has_120_columns() -> None:
    ours, theirs = os.openpty()  # the initial size of 0 x 0, as in a container without a terminal size
    with os.fdopen(theirs, "w") as terminal:
        Terminal(terminal).show("x" * 110)
    assert os.read(ours, 100_000).decode().splitlines()[0].count("x") == 110
    os.close(ours)


def test_the_variable_columns_sets_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    assert max(map(len, drawn(trace_tree(checkout())))) == 90
    monkeypatch.setenv("COLUMNS", "99999")
    assert max(map(len, drawn(trace_tree(checkout())))) == 120


def test_the_default_stream_is_the_current_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    terminal.show("hello [red]you[/red]")
    assert screen.getvalue() == "hello [red]you[/red]\n"
