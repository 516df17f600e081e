"""Event and values → one line."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from flext_observability.instrumentation.logging.structured_text import MAX_EVENT_BYTES, structured_text


class Shy:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("event", "values", "line"),
    [
        ("paid", {}, "paid"),
        ("paid", {"amount": 3, "ok": True, "rate": 0.5}, "paid amount=3 ok=true rate=0.5"),
        ("paid", {"user": None}, "paid user=None"),
        ("", {"amount": 3}, "amount=3"),
        ("paid", {"to": "Ann Lee", "note": "", "sum": "a=b", "sku": "hat-1/x.y"}, 'paid to="Ann Lee" note="" sum="a=b" sku=hat-1/x.y'),
        ("paid", {"tags": ["a b", "c"], "odd": {"a": ["b c"]}}, 'paid tags=["a b","c"] odd={"a":["b c"]}'),
        ("paid", {"two words": 1}, 'paid "two words"=1'),
        ("paid", {"price": Decimal("1.50"), "at": datetime(2026, 1, 2, tzinfo=UTC)}, "paid price=1.50 at=2026-01-02T00:00:00+00:00"),
        ("two\nlines\r", {"x": "a\nb", "y": "\x1b[31mred"}, r'two\nlines\r x="a\nb" y="\u001b[31mred"'),
        ("end \u2028 \x9b", {}, r"end \u2028 \x9b"),
        ("forged", {"x": "[a] trace_id=1 [b]"}, 'forged x="[a] trace_id=1 [b]"'),
    ],
)  # fmt: skip
def test_line_can_be_read_and_is_one(event: str, values: dict[str, Any], line: str) -> None:
    text = structured_text(event, values)
    assert text == line
    assert text.event == event


def test_what_nobody_reads_is_the_event_alone() -> None:
    text = structured_text("paid", {"amount": 3}, shown=False)
    assert (text, text.attributes) == ("paid", {"amount": 3})


def test_none_is_no_attribute() -> None:
    assert structured_text("paid", {"user": None, "amount": 3}).attributes == {"amount": 3}


def test_what_is_enormous_is_cut_and_what_cannot_be_printed_is_named() -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    text = structured_text("x" * 1_000_000, {"big": "y" * 1_000_000, "shy": Shy(), "cycle": cycle, "lone": "\ud800"})
    assert len(text.event.encode()) == MAX_EVENT_BYTES
    assert len(str(text.attributes["big"]).encode()) == 8192
    assert "unprintable" in str(text.attributes["shy"])
    assert text.attributes["cycle"] == '{"self":"…"}'
    assert text.attributes["lone"] == "\ufffd"


def test_it_is_text_that_can_be_copied_and_sent_elsewhere() -> None:
    text = structured_text("paid", {"amount": 3})
    for twin in (copy.copy(text), copy.deepcopy(text), pickle.loads(pickle.dumps(text))):  # noqa: S301 - our own
        assert (twin, twin.event, twin.attributes) == ("paid amount=3", "paid", {"amount": 3})
    assert type(str(text)) is str
