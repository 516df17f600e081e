from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text

from flext_observability.views.model import TraceView
from flext_observability.views.terminal import live
from flext_observability.views.terminal.live import LiveView, RenderPolicy
from flext_observability.views.terminal.output import Terminal
from tests.unit.views.shop import TRACE, Screen, checkout, log, span
from tests.waiting import eventually

QUICK = RenderPolicy(idle_seconds=0.03, timeout_seconds=0.2, logs_timeout_seconds=0.1)
NEVER = RenderPolicy(idle_seconds=60, timeout_seconds=60, logs_timeout_seconds=60)


def appears(screen: Screen, text: str, seconds: float = 5) -> bool:
    """Wait until the screen holds the text."""
    deadline = time.monotonic() + seconds
    while text not in screen.getvalue():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_a_complete_trace_is_drawn_after_the_idle_time(screen: Screen) -> None:
    view = LiveView(Terminal(screen), RenderPolicy(idle_seconds=0.03, timeout_seconds=60))
    view.add(checkout().spans, checkout().logs)
    assert appears(screen, "charge card")
    assert "checkout started" in screen.getvalue()
    view.close()
    assert screen.getvalue().count(TRACE) == 1


def test_a_trace_waits_for_its_root(screen: Screen) -> None:
    view = LiveView(Terminal(screen), RenderPolicy(idle_seconds=0.03, timeout_seconds=60))
    view.add([span(2, 1)])
    assert not appears(screen, "step 2", 0.1)
    view.add([span(1)])
    assert appears(screen, "step 2")
    view.close()


def test_an_incomplete_trace_is_drawn_after_the_timeout(screen: Screen) -> None:
    view = LiveView(Terminal(screen), QUICK)
    view.add([span(2, 1)])
    assert appears(screen, "missing parent")
    view.close()


def test_a_local_root_completes_the_trace_of_one_process(screen: Screen) -> None:
    view = LiveView(Terminal(screen), RenderPolicy(idle_seconds=0.03, timeout_seconds=60, local_roots=True))
    view.add([span(2, 9, parent_is_remote=True)])
    assert appears(screen, "remote parent")
    view.close()


def test_a_trace_with_constant_traffic_is_drawn_in_parts(screen: Screen) -> None:
    view = LiveView(Terminal(screen), RenderPolicy(idle_seconds=60, timeout_seconds=0.05))
    number = 1
    deadline = time.monotonic() + 5
    while "trace" not in screen.getvalue() and time.monotonic() < deadline:
        view.add([span(number)])
        number += 1
        time.sleep(0.01)
    assert number > 5
    assert "trace" in screen.getvalue()
    view.close()


def test_log_records_outside_a_sampled_trace_are_drawn_at_once(screen: Screen) -> None:
    view = LiveView(Terminal(screen), NEVER)
    view.add(logs=[log("no trace"), log("not sampled", 1, sampled=False)])
    assert [line.split(" ", 1)[1] for line in screen.getvalue().splitlines()] == [
        "INFO  gateway no trace",
        "INFO  gateway not sampled  trace 4bf92f35",
    ]
    view.close()


def test_log_records_without_spans_are_drawn_after_their_timeout(screen: Screen) -> None:
    view = LiveView(Terminal(screen), QUICK)
    view.add(logs=[log("waiting", 1)])
    assert screen.getvalue() == ""
    assert appears(screen, "waiting  trace 4bf92f35")
    view.close()


def test_close_draws_pending_traces(screen: Screen) -> None:
    view = LiveView(Terminal(screen), NEVER)
    view.add([span(2, 1)], [log("left", 1, trace_id="a" * 32)])
    assert view.close() == ""
    assert "step 2" in screen.getvalue()
    assert "left" in screen.getvalue()
    view.add([span(3)])
    assert view.close() == ""
    assert "step 3" in screen.getvalue()


def test_a_stored_trace_is_drawn_completely(screen: Screen) -> None:
    kept: dict[str, TraceView] = {TRACE: checkout()}
    view = LiveView(Terminal(screen), NEVER, find_trace=kept.get, link=lambda trace: "")
    view.add([span(7, 2)])
    view.close()
    assert "charge card" in screen.getvalue()


@pytest.mark.parametrize("limit", ["_MAX_TRACES", "_MAX_ITEMS"])
def test_the_oldest_traces_are_drawn_early_over_the_limits(
    limit: str, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, limit, 2)
    view = LiveView(Terminal(screen), NEVER)
    for number in range(1, 5):
        view.add([span(number, trace_id=f"{number:032x}")])
    assert "step 1" in screen.getvalue()
    assert "step 2" in screen.getvalue()
    assert "step 3" not in screen.getvalue()
    view.close()


def test_lines_over_the_rate_limit_are_counted(screen: Screen) -> None:
    view = LiveView(Terminal(screen), RenderPolicy(lines_per_second=10))
    view.add(logs=[log(f"line {number}") for number in range(100)])
    assert 10 <= screen.getvalue().count("gateway") < 100
    view.add([span(1)])
    view.close()
    counted = re.findall(r"… (\d+) more trace or log lines not drawn: too many at once\n", screen.getvalue())
    assert screen.getvalue().count("gateway") + sum(map(int, counted)) == 101


def test_skipped_lines_are_reported_before_the_next_line(screen: Screen) -> None:
    view = LiveView(Terminal(screen), RenderPolicy(lines_per_second=100))
    view.add(logs=[log(f"line {number}") for number in range(150)])

    def again() -> bool:
        view.add(logs=[log("again")])
        return "not drawn" in screen.getvalue()

    assert eventually(again)
    assert "again" in screen.getvalue().splitlines()[-1]
    view.close()


def test_a_closed_stream_is_reported(screen: Screen) -> None:
    view = LiveView(Terminal(screen), NEVER)
    screen.close()
    assert "closed" in view.add(logs=[log("x")])
    assert "closed" in view.close()


def test_other_renderables_can_be_shown(screen: Screen) -> None:
    view = LiveView(Terminal(screen), NEVER)
    view.show(Text("a table"))
    assert screen.getvalue() == "a table\n"
    view.close()


INVALID: Any = "not a number"


def test_an_invalid_span_costs_itself(screen: Screen) -> None:
    view = LiveView(Terminal(screen), QUICK)
    view.add([span(1), span(2, 1), replace(span(3, 1), start_ns=INVALID)])
    assert appears(screen, "1 span or log line not drawn: TypeError")
    assert "step 1" in screen.getvalue()
    assert "step 2" in screen.getvalue()
    assert "step 3" not in screen.getvalue()
    view.add([replace(span(4), trace_id="4" * 32)])
    assert appears(screen, "step 4"), "the thread continues"
    view.close()


def test_a_trace_without_a_valid_span_is_counted(screen: Screen) -> None:
    view = LiveView(Terminal(screen), NEVER)
    view.add([replace(span(1), start_ns=INVALID)])
    assert view.close() == ""
    assert "1 span or log line not drawn: TypeError" in screen.getvalue()


def test_an_invalid_log_record_costs_itself(screen: Screen) -> None:
    view = LiveView(Terminal(screen), NEVER)
    bad = replace(log("bad"), trace_id="", time_ns=INVALID)
    view.add(logs=[replace(log("first"), trace_id=""), bad, replace(log("last"), trace_id="")])
    view.close()
    shown = screen.getvalue()
    assert ("first" in shown, "last" in shown, "1 span or log line not drawn: TypeError" in shown) == (True,) * 3


def test_a_link_that_fails_costs_no_span(screen: Screen) -> None:
    def fail(trace: TraceView) -> str:
        raise SystemExit(3)

    view = LiveView(Terminal(screen), NEVER, link=fail)
    view.add([span(1)])
    view.close()
    assert "SystemExit" in screen.getvalue()


def test_a_stream_that_raises_anything_is_reported() -> None:
    class Broken(Screen):
        def write(self, text: str) -> int:
            raise SystemExit("gone")

    view = LiveView(Terminal(Broken()), NEVER)
    view.add([span(1), replace(span(2, 1), start_ns=INVALID)])
    assert view.close() == "gone"
