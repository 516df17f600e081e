"""Registry of open spans: what it holds, its limit, and spans of earlier pipelines."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from flext_observability.engine import open_spans, span_options
from flext_observability.engine.open_spans import OpenSpans
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracer, EngineTracerProvider


class Line:
    """A tracer, its registry, and the spans that reached the exporters."""

    def __init__(self) -> None:
        self.open = OpenSpans()
        self.finished: list[Any] = []
        self.sink = SpanSink(self.finished.append, open=self.open.engine)
        self.provider = EngineTracerProvider(
            resource=Resource({}),
            sampler=ALWAYS_ON,
            rule=SamplingRule(1 << 64, parent_based=False),
            limits=SpanLimits(),
            sink=self.sink,
        )

    @property
    def tracer(self) -> EngineTracer:
        return self.provider.get_tracer("t")

    def names(self) -> list[str]:
        return [span.name for span in self.open.spans()]


def test_spans_are_open_from_their_start_to_their_end() -> None:
    line = Line()
    first, second = line.tracer.start_span("first"), line.tracer.start_span("second")
    assert (line.names(), len(line.open)) == (["first", "second"], 2)
    first.end()
    assert (line.names(), len(line.open)) == (["second"], 1)
    second.end()
    assert (line.names(), len(line.open)) == ([], 0)


def test_spans_beyond_the_limit_are_left_to_the_program(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(span_options, "MAX_OPEN", 2)
    line = Line()
    spans = [line.tracer.start_span(str(number)) for number in range(4)]
    options = line.tracer.options
    assert options is not None
    options.prune()
    options.prune()
    assert line.names() == ["2", "3"]
    for span in (*spans, *spans):
        span.end()
    assert [span.name for span in line.finished] == ["0", "1", "2", "3"]
    assert [record.message for record in caplog.records] == ["Calling end() on an ended span."] * 4


def test_spans_that_are_lost_are_removed_while_spans_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_options, "MAX_OPEN", 10)
    line = Line()
    line.provider.redirect(line.sink._replace(started=iter(range(1, open_spans.PRUNE_MASK + 2))))
    for _ in range(open_spans.PRUNE_MASK + 1):
        line.tracer.start_span("lost")
    assert len(line.open) == 11


def test_the_program_may_end_what_this_library_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    span = Line().tracer.start_span("work")
    span.is_cut_short = True  # type: ignore[attr-defined]  # of the engine
    for _ in range(2):
        span.end()
        span.set_attribute("late", 1)
    assert caplog.records == []


def test_spans_of_earlier_pipelines_are_open_in_the_last_one() -> None:
    lines = [Line() for _ in range(4)]
    for number, line in enumerate(lines[:3]):
        line.tracer.start_span(f"open in {number}")
        if number:
            line.open.follow(lines[number - 1].open)
    lines[0].open.spans()[0].end()
    last = lines[3].open
    last.follow(lines[2].open)
    assert [span.name for span in last.spans()] == ["open in 1", "open in 2"]
    last.redirect_former(lines[3].sink)
    for span in last.spans():
        span.end()
    assert [span.name for span in lines[3].finished] == ["open in 1", "open in 2"]
    assert len(last) == 0


def test_the_number_of_spans_of_the_sdk_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_spans, "MAX_OPEN", 2)
    registry = OpenSpans()
    span: Any = Line().tracer.start_span("work")
    for number in range(4):
        registry.add_sdk(number, span)
    assert list(registry.sdk) == [2, 3]


class Ending(int):
    """A time whose comparison ends a span, as another thread may."""

    span: Any

    def __ge__(self, other: int) -> bool:
        self.span.end()
        return True


def test_a_span_that_ends_meanwhile_is_not_long_open() -> None:
    line, limit = Line(), Ending(0)
    limit.span = line.tracer.start_span("work")
    assert line.open.long_open(limit, 10) == []
    assert (len(line.open), len(line.finished)) == (0, 1)


def test_a_span_that_ends_while_a_later_pipeline_adopts_it_is_not_long_open() -> None:
    former, later = OpenSpans(), OpenSpans()

    class Span:
        @property
        def before_end(self) -> None:
            former.long.pop(1)

    former.long[1] = Span()
    later.follow(former)
    assert later.long_open(0, 10) == []
    assert len(later) == 0
