"""Arguments of traced: names, attributes, kinds, links and parents of any type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import Link, SpanContext, SpanKind
from pydantic import BaseModel

from flext_observability import extract_context, flext_create_trace, traced
from tests.recorded import Recorded, recording

REMOTE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


class Raising:
    """Raises on every attribute access."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class TestArguments:
    def test_extra_attributes_win_and_none_is_left_out(self, recorded: Recorded) -> None:
        with traced("work", {"a": 1, "b": 2}, b=3, c=None):
            pass
        assert recorded.span("work").attributes == {"a": 1, "b": 3}

    def test_without_attributes_there_are_none(self, recorded: Recorded) -> None:
        with traced("work"):
            pass
        assert recorded.span("work").attributes == {}

    def test_attributes_that_are_not_a_mapping_have_one_name(self, recorded: Recorded) -> None:
        items: Any = [1, 2]
        with traced("list", items), traced("list and more", items, a=1):
            pass
        assert recorded.span("list").attributes == {"value": (1, 2)}
        assert recorded.span("list and more").attributes == {"value": (1, 2), "a": 1}

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (SpanKind.SERVER, SpanKind.SERVER),
            ("client", SpanKind.CLIENT),
            ("PRODUCER", SpanKind.PRODUCER),
            ("unknown", SpanKind.INTERNAL),
            (5, SpanKind.INTERNAL),
        ],
    )
    def test_span_kind(self, recorded: Recorded, kind: Any, expected: SpanKind) -> None:
        with traced("work", span_kind=kind):
            pass
        assert recorded.span("work").kind is expected

    def test_links_from_spans_contexts_and_links(self, recorded: Recorded) -> None:
        with traced("one") as one, traced("two") as two, traced("three") as three:
            pass
        links: Any = [one, two.get_span_context(), Link(three.get_span_context(), {"why": "x"}), "unknown", None]
        with traced("linked", links=links):
            pass
        linked = recorded.span("linked").links
        assert [link.context for link in linked] == [span.get_span_context() for span in (one, two, three)]
        assert dict(linked[2].attributes or {}) == {"why": "x"}

    def test_links_that_raise_are_left_out(self, recorded: Recorded) -> None:
        def raising() -> Iterator[Any]:
            yield SpanContext(1, 1, is_remote=False)
            raise KeyError

        with traced("work", links=raising()):
            pass
        assert recorded.span("work").links == ()

    def test_links_that_are_not_iterable_are_left_out(self, recorded: Recorded) -> None:
        number: Any = 5
        with traced("work", links=number):
            pass
        assert list(recorded.span("work").links) == []

    @pytest.mark.parametrize("name", [None, 5, b"bytes", "\ud800", "x" * 1_000_000, ""])
    def test_any_name_becomes_text(self, recorded: Recorded, name: Any) -> None:
        block: Any = traced(name)
        with block:
            pass
        (span,) = recorded.spans()
        assert span.name.encode() is not None
        assert len(span.name) <= 1024


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int


class Model(BaseModel):
    y: int


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.10"), "1.10"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (Path("/tmp/x"), "/tmp/x"),
        (Colour.RED, "red"),
        (Point(1), '{"x":1}'),
        (Model(y=2), '{"y":2}'),
        (b"text", "text"),
        ({"a": [1, {"b": None}]}, '{"a":[1,{"b":null}]}'),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
    ],
)
def test_attribute_of_any_type(recorded: Recorded, value: Any, expected: str) -> None:
    with traced("work", item=value):
        pass
    assert recorded.span("work").attributes == {"item": expected}


def test_a_huge_attribute_is_truncated(recorded: Recorded) -> None:
    with traced("work", text="x" * 1_000_000):
        pass
    assert len(str((recorded.span("work").attributes or {})["text"])) <= 8192


class TestParent:
    def test_an_extracted_context_is_current_in_the_body(self, recorded: Recorded) -> None:
        with traced("work", parent=extract_context({**REMOTE, "baggage": "user=anna"})):
            from opentelemetry import baggage

            assert baggage.get_baggage("user") == "anna"
        parent = recorded.span("work").parent
        assert parent is not None
        assert (parent.is_remote, parent.trace_id) == (True, 0x0AF7651916CD43DD8448EB211C80319C)

    def test_span_span_context_and_started_trace(self, recorded: Recorded) -> None:
        with traced("parent") as span:
            pass
        context = span.get_span_context()
        trace = flext_create_trace("entity", "orders").unwrap()
        parents = (span, context, trace)
        for parent in parents:
            with traced("child", parent=parent):
                pass
        ids = [child.parent.span_id for child in recorded.spans("child") if child.parent]
        assert ids == [context.span_id, context.span_id, int(trace.span_id, 16)]

    def test_children_of_an_unsampled_trace_are_not_recorded(self) -> None:
        with recording(sample_ratio=0) as recorded:
            trace = flext_create_trace("entity", "orders").unwrap()
            assert trace.sampled is False
            with traced("child", parent=trace):
                pass
            assert recorded.spans() == []

    @pytest.mark.parametrize("parent", [5, "text", object()])
    def test_an_invalid_parent_is_ignored(self, recorded: Recorded, parent: Any) -> None:
        with traced("outer") as outer, traced("inner", parent=parent):
            pass
        inner = recorded.span("inner").parent
        assert inner is not None
        assert inner.span_id == outer.get_span_context().span_id

    def test_a_parent_that_raises_is_ignored(self, recorded: Recorded) -> None:
        parent: Any = Raising()
        with traced("work", parent=parent):
            pass
        assert recorded.span("work").parent is None

    def test_a_trace_that_is_not_started_is_ignored(self, recorded: Recorded) -> None:
        from flext_observability import FlextTrace

        with traced("work", parent=FlextTrace(operation_name="a", service_name="b")):
            pass
        assert recorded.span("work").parent is None
