"""Event and values → one line."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from flext_observability.instrumentation.logging.structured_text import structured_text
from flext_observability.values.encoding import MAX_EVENT_BYTES


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("event", "values", "line"),
    [
        ("paid", {}, "paid"),
        ("paid", {"amount": 3, "ok": True, "rate": 0.5}, "paid amount=3 ok=true rate=0.5"),
        ("paid", {"user": None}, "paid user=None"),
        ("", {"amount": 3}, "amount=3"),
        ("paid", {"to": "Ann Lee", "note": "", "sum": "a=b"}, 'paid to="Ann Lee" note="" sum="a=b"'),
        ("paid", {"sku": "hat-1/x.y"}, "paid sku=hat-1/x.y"),
        ("paid", {"tags": ["a b", "c"], "map": {"a": ["b c"]}}, 'paid tags=["a b","c"] map={"a":["b c"]}'),
        ("paid", {"two words": 1}, 'paid "two words"=1'),
        ("paid", {"price": Decimal("1.50")}, "paid price=1.50"),
        ("paid", {"at": datetime(2026, 1, 2, tzinfo=UTC)}, "paid at=2026-01-02T00:00:00+00:00"),
        ("two\nlines\r", {"x": "a\nb", "y": "\x1b[31mred"}, r'two\nlines\r x="a\nb" y="\u001b[31mred"'),
        ("end \u2028 \x9b", {}, r"end \u2028 \x9b"),
        ("forged", {"x": "[a] trace_id=1 [b]"}, 'forged x="[a] trace_id=1 [b]"'),
    ],
)  # fmt: skip
def test_line(event: str, values: dict[str, Any], line: str) -> None:
    text = structured_text(event, values)
    assert text == line
    assert text.event == event


def test_line_without_values_is_the_event() -> None:
    text = structured_text("paid", {"amount": 3}, with_values=False)
    assert (text, text.attributes) == ("paid", {"amount": 3})


def test_none_is_not_an_attribute() -> None:
    assert structured_text("paid", {"user": None, "amount": 3}).attributes == {"amount": 3}


def test_large_values_are_truncated_and_unprintable_ones_are_named() -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    text = structured_text(
        "x" * 1_000_000, {"big": "y" * 1_000_000, "unprintable": Unprintable(), "cycle": cycle, "lone": "\ud800"}
    )
    assert len(text.event.encode()) == MAX_EVENT_BYTES
    assert len(str(text.attributes["big"]).encode()) == 8192
    assert "unprintable" in str(text.attributes["unprintable"])
    assert text.attributes["cycle"] == '{"self":"…"}'
    assert text.attributes["lone"] == "\ufffd"


def test_text_can_be_copied_and_pickled() -> None:
    text = structured_text("paid", {"amount": 3})
    for copied in (copy.copy(text), copy.deepcopy(text), pickle.loads(pickle.dumps(text))):  # noqa: S301 - our own
        assert (copied, copied.event, copied.attributes) == ("paid amount=3", "paid", {"amount": 3})
    assert type(str(text)) is str
