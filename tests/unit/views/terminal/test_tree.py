from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st
from rich.console import Console

from flext_observability.views.model import EventView, SpanView, TraceView
from flext_observability.views.terminal.rows import ServiceColours, log_line
from flext_observability.views.terminal.tree import trace_tree
from tests.unit.views.shop import TRACE, at, checkout, drawn, exception, log, span


def lefts(lines: list[str]) -> list[str]:
    """Return the lines without duration and bar."""
    return [re.split(r" +\+?-?[\d.]+ [nµm]?s( |$)", line)[0] for line in lines]


def test_a_checkout_is_a_tree() -> None:
    lines = drawn(trace_tree(checkout()))
    assert re.match(rf"\d\d:\d\d:\d\d.120 trace {TRACE}  142 ms · 2 errors · 5 spans · 4 services$", lines[0])
    assert lefts(lines[1:]) == [
        "└── gateway ✗ POST /checkout",
        "    └── checkout  cart.items=3",
        "        ├── INFO  checkout started  customer=c-77",
        "        └── orders POST /orders",
        "            ├── inventory reserve stock  db=sqlite",
        "            └── payments ✗ charge card",
        "                DeclinedError: card declined (app.py:88)",
        "                ├── • retry  attempt=2",
        "                └── WARN  card declined",
    ]


def test_every_row_ends_at_the_same_column() -> None:
    rows = [line for line in drawn(trace_tree(checkout())) if line.endswith(("━", "·"))]
    assert len(rows) == 8
    assert {len(row) for row in rows} == {120}


@pytest.mark.parametrize("columns", [20, 30, 50, 80, 200])
def test_no_row_is_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, drawn(trace_tree(checkout())))) <= columns


def test_a_narrow_terminal_keeps_names_and_drops_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    lines = drawn(trace_tree(checkout()))
    assert lines[1].endswith("142 ms")
    assert "POST /checkout" in lines[1]


def test_a_row_without_space_for_all_attributes_ends_with_an_ellipsis() -> None:
    few, many = ({f"colour{number}": "red" for number in range(count)} for count in (2, 12))
    rows = lefts(drawn(trace_tree(TraceView((span(1, attributes=few), span(2, 1, attributes=many))))))
    assert rows[1].endswith("colour1=red")
    assert rows[2].endswith("=red  …")


def test_bars_show_offset_and_duration() -> None:
    lines = drawn(trace_tree(TraceView((span(1, end=100), span(2, 1, start=50, end=75)))))
    assert lines[1].endswith("━" * 24)
    assert lines[2].endswith("·" * 12 + "━" * 6 + "·" * 6)


def test_errors_are_red_and_services_coloured() -> None:
    console = Console(width=100, record=True, force_terminal=True, color_system="truecolor", file=Console().file)
    with console.capture() as capture:
        console.print(trace_tree(checkout()))
    page = capture.get()
    assert "\x1b[1;31m✗ charge card" in page
    assert "\x1b[31mDeclinedError" in page
    assert "\x1b[1;36mgateway" in page


def test_a_handled_exception_is_shown_without_an_error_mark() -> None:
    lines = drawn(trace_tree(TraceView((span(1, events=(exception("E", "handled"),)),))))
    assert "✗" not in lines[1]
    assert lines[2] == "    E: handled"


def test_a_propagated_exception_is_shown_once() -> None:
    event = exception("E", "m")
    failed: dict[str, Any] = {"status": "error", "events": (event,)}
    lines = drawn(trace_tree(TraceView((span(1, **failed), span(2, 1, **failed)))))
    assert sum("E: m" in line for line in lines) == 1


def test_roots_with_a_parent_id_have_a_note() -> None:
    lines = lefts(drawn(trace_tree(TraceView((span(1, 9), span(2, 2), span(3, 8, parent_is_remote=True))))))
    assert [line.removeprefix("├── ").removeprefix("└── gateway ") for line in lines[1:]] == [
        "gateway step 1  (missing parent 00000000)",
        "gateway step 3  (remote parent 00000000)",
        "step 2  (parent cycle)",
    ]


def test_an_open_span_has_no_duration() -> None:
    open_span = SpanView(TRACE, "1" * 16, "", "running", "s", start_ns=at(0))
    assert " open " in drawn(trace_tree(TraceView((open_span, span(2, start=1, end=5)))))[1]


def test_spans_that_end_before_their_start_are_drawn() -> None:
    lines = drawn(trace_tree(TraceView((span(1, start=10, end=7),), (log("before", 1, when=2),))))
    assert "-3 ms" in lines[1]
    assert "-8 ms" in lines[2]


def test_log_bodies_of_any_type_are_shown() -> None:
    logs = (log({"a": 1}, 1), log(None, 1, event_name="shop.sold"), log("two\nlines", 1), log("", 1, severity="audit"))
    lines = lefts(drawn(trace_tree(TraceView((span(1),), logs))))
    assert [line[8:] for line in lines[2:]] == ["INFO  {a: 1}", "INFO  shop.sold", "INFO  two (+1 lines)", "audit"]


def test_a_log_record_shows_its_exception_below() -> None:
    lines = drawn(
        trace_tree(TraceView((span(1),), (log("failed", 1, severity="ERROR", attributes={"exception.type": "E"}),)))
    )
    assert lines[3].strip() == "E"


def test_a_log_record_does_not_repeat_the_exception_of_a_span() -> None:
    failed = span(1, status="error", events=(exception("E", "m"),))
    record = log("charge failed", 1, attributes={"exception.type": "E", "exception.message": "m", "what": "charge"})
    lines = drawn(trace_tree(TraceView((failed,), (record,))))
    assert sum("E: m" in line for line in lines) == 1
    assert "what=" not in lines[-1]


def test_text_cannot_contain_control_characters_or_markup() -> None:
    evil = "[red]x[/red]\x1b[2J\nnext"
    trace = TraceView(
        (span(1, name=evil, service=evil, attributes={evil: evil}, events=(EventView(evil, at(1), {evil: evil}),)),),
        (log(evil, 1, attributes={evil: evil}),),
    )
    page = "\n".join(drawn(trace_tree(trace)))
    assert "\x1b" not in page
    assert page.count("[red]x[/red]\\x1b[2J") == 4


def test_a_wide_span_shows_failed_children_first_and_counts_the_others() -> None:
    children = [span(n, 1, start=n, status="error" if n == 150 else "unset") for n in range(2, 162)]
    lines = drawn(trace_tree(TraceView((span(1), *children), tuple(log("x", 3) for _ in range(5)))))
    assert len(lines) == 1 + 1 + 40 + 5 + 1
    assert any("✗ step 150" in line for line in lines)
    assert lines[-1] == "    └── … 120 more spans"


def test_hidden_errors_are_mentioned() -> None:
    trace = TraceView((span(1), span(2, 1, status="error"), span(3, 2)), (log("x", 3), log("y", 3)))
    assert drawn(trace_tree(trace, max_lines=1))[-1] == "    └── … 2 more spans, 2 more lines (with errors)"
    assert drawn(trace_tree(TraceView((span(1),), (log("x", 1),)), max_lines=1))[-1] == "    └── … 1 more line"


def test_a_deep_chain_ends_with_a_count() -> None:
    lines = drawn(trace_tree(TraceView(tuple(span(n, n - 1) for n in range(1, 101)))))
    assert len(lines) == 1 + 16 + 1
    assert lines[-1].strip() == "└── … 84 more spans"


def test_spans_that_were_not_stored_are_counted() -> None:
    lines = drawn(trace_tree(TraceView((span(1),), hidden_spans=7)))
    assert lines[0].endswith("8 spans")
    assert lines[-1] == "└── … 7 more spans of this trace not kept"


def test_a_trace_without_spans_is_drawn() -> None:
    assert "INFO  hello" in drawn(trace_tree(TraceView(logs=(log("hello", 1),))))[1]
    assert len(drawn(trace_tree(TraceView()))) == 1


def test_the_trace_id_has_a_link() -> None:
    console = Console(width=100, force_terminal=True, file=Console().file)
    with console.capture() as capture:
        console.print(trace_tree(checkout(), link="http://localhost:3000/t"))
    assert ";http://localhost:3000/t\x1b\\" in capture.get()


def test_services_keep_their_colours() -> None:
    colours = ServiceColours()
    first = [colours.of(f"s{n}") for n in range(1000)]
    assert [colours.of(f"s{n}") for n in range(1000)] == first
    assert len(set(first[:10])) == 10
    assert colours.of("one too many") == colours.of("one too many")


def test_a_log_record_outside_a_tree_is_one_line() -> None:
    record = log("went wrong", 1, severity="ERROR", attributes={"order.id": 7, "exception.type": "E"})
    lines = drawn(log_line(record, ServiceColours()), log_line(log("plain"), ServiceColours()))
    assert re.fullmatch(r"[\d:.]+ ERROR gateway went wrong  order.id=7  trace 4bf92f35", lines[0])
    assert lines[1] == "      E"
    assert re.fullmatch(r"[\d:.]+ INFO  gateway plain", lines[2])


ids = st.integers(0, 40)
values = st.one_of(st.text(), st.integers(), st.floats(), st.binary(), st.none(), st.lists(st.text()))
spans = st.builds(
    lambda number, parent, times, name, attributes, failed: SpanView(
        TRACE,
        f"{number:016x}",
        f"{parent:016x}" if parent else "",
        f"«span» {name}",
        name[:2],
        start_ns=times[0],
        end_ns=times[1],
        attributes=attributes,
        status="error" if failed else "unset",
    ),
    ids,
    ids,
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    st.text(max_size=5),
    st.dictionaries(st.text(max_size=5), values, max_size=3),
    st.booleans(),
)


@given(st.lists(spans, max_size=25), st.integers(0, 20), st.sampled_from([False, True]))
def test_every_span_of_any_trace_is_shown_or_counted(some: list[SpanView], room: int, plain: bool) -> None:
    lines = drawn(trace_tree(TraceView(tuple(some)), max_lines=room), plain=plain)
    shown = sum("«span" in line or "\\xabspan" in line for line in lines)
    hidden = sum(int(count) for line in lines for count in re.findall(r"[…~] (\d+) more span", line))
    assert shown <= room
    assert shown + hidden == len(some)
