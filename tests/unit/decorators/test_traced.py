"""traced around a block: the current span, re-entry, sharing by tasks, async blocks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping

import pytest
from opentelemetry import context as otel_context, trace as otel_trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, SpanContext, SpanKind, format_span_id

from flext_observability import traced
from tests.recorded import Recorded


class TestBlock:
    def test_span_is_current_inside_and_not_after(self, recorded: Recorded) -> None:
        with traced("work") as span:
            assert otel_trace.get_current_span() is span
        assert otel_trace.get_current_span() is not span
        assert recorded.span("work").kind is SpanKind.INTERNAL

    def test_inner_span_is_a_child(self, recorded: Recorded) -> None:
        with traced("outer") as outer, traced("inner"):
            pass
        parent = recorded.span("inner").parent
        assert parent is not None
        assert parent.span_id == outer.get_span_context().span_id

    async def _use_async_block(self) -> None:
        async with traced("async work") as span:
            await asyncio.sleep(0)
            assert otel_trace.get_current_span() is span

    def test_async_block(self, recorded: Recorded) -> None:
        asyncio.run(self._use_async_block())
        assert recorded.span("async work").end_time is not None

    def test_a_shared_block_ends_the_span_of_a_body_that_leaves_another_context(self, recorded: Recorded) -> None:
        block = traced("shared")
        first = block.__enter__()
        token = otel_context.attach(otel_trace.set_span_in_context(otel_trace.INVALID_SPAN))
        block.__enter__()
        otel_context.detach(token)
        otel_context.attach(otel_context.set_value("key", "value"))
        assert otel_trace.get_current_span() is first
        block.__exit__(None, None, None)
        assert recorded.span("shared").context == first.get_span_context()
        block.__exit__(None, None, None)

    def test_one_block_can_be_entered_again_and_inside_itself(self, recorded: Recorded) -> None:
        block = traced("again")
        with block, block:
            pass
        with block:
            pass
        inner, outer, later = recorded.spans("again")
        assert inner.parent is not None
        assert outer.context is not None
        assert inner.parent.span_id == outer.context.span_id
        assert outer.parent is None
        assert later.parent is None

    def test_one_block_can_be_shared_by_tasks(self, recorded: Recorded) -> None:
        block = traced("shared")
        order: list[str] = []

        async def work(name: str, mine: asyncio.Event, next_one: asyncio.Event) -> None:
            async with block as span:
                next_one.set()
                await mine.wait()
                assert otel_trace.get_current_span() is span
                order.append(format_span_id(span.get_span_context().span_id))
            assert not otel_trace.get_current_span().get_span_context().is_valid

        async def main() -> None:
            first, second, both = asyncio.Event(), asyncio.Event(), asyncio.Event()
            tasks = [asyncio.create_task(work("a", first, second))]
            await second.wait()
            tasks.append(asyncio.create_task(work("b", both, first)))  # the first leaves while the second is inside
            await tasks[0]
            both.set()
            await tasks[1]

        asyncio.run(main())
        assert [format_span_id(span.context.span_id) for span in recorded.spans("shared") if span.context] == order

    def test_a_dict_is_read_when_a_span_starts(self, recorded: Recorded) -> None:
        attributes = {"a": 1}
        block = traced("block", attributes)
        attributes["a"] = 2
        with block as span:
            attributes["a"] = 3
            assert recorded_attributes(span) == {"a": 2}
        with block as span:
            assert recorded_attributes(span) == {"a": 3}

    def test_a_dict_is_read_when_it_decorates(self, recorded: Recorded) -> None:
        attributes = {"a": 1}
        function = traced("call", attributes)(abs)
        attributes["a"] = 2
        assert function(-1) == 1
        assert dict(recorded.span("call").attributes or {}) == {"a": 1}

    def test_exit_without_enter_does_nothing(self, recorded: Recorded) -> None:
        traced("never").__exit__(None, None, None)
        assert recorded.spans() == []

    def test_a_tracer_that_raises_keeps_the_parent(self, caplog: pytest.LogCaptureFixture) -> None:
        """A foreign sampler raises. In a new process, because OTel's global is set once."""
        program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from flext_observability import traced

class Broken(Sampler):
    def should_sample(self, parent_context, trace_id, name, *args, **options):
        if name == "bad":
            raise RuntimeError("broken sampler")
        return ALWAYS_ON.should_sample(parent_context, trace_id, name, *args, **options)
    def get_description(self):
        return "broken"

trace.set_tracer_provider(TracerProvider(sampler=Broken()))
with traced("good") as good:
    with traced("bad") as bad:
        assert bad.get_span_context() == good.get_span_context()
    assert good.is_recording()
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("Starting a span failed: RuntimeError") == 1

    def test_a_processor_that_raises_costs_nothing_of_the_program(self) -> None:
        """A foreign processor raises at the end. In a new process, because OTel's global is set once."""
        program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from flext_observability import traced

class Broken(SpanProcessor):
    def on_end(self, span):
        raise RuntimeError("broken processor")

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(Broken())
with traced("block", {"a": {"b": 1}}) as block:
    assert dict(block.attributes) == {"a": '{"b":1}'}
assert traced("function")(len)("four") == 4
assert not trace.get_current_span().is_recording()
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("Ending a span failed: RuntimeError") == 1


def recorded_attributes(span: object) -> Mapping[str, object]:
    assert isinstance(span, ReadableSpan)
    return dict(span.attributes or {})


class BrokenSpan(NonRecordingSpan):
    def get_span_context(self) -> SpanContext:
        raise RuntimeError("no context")


def test_a_parent_that_raises_costs_the_parent_only(recorded: Recorded) -> None:
    broken = BrokenSpan(INVALID_SPAN_CONTEXT)
    with traced("of a span", parent=broken):
        pass
    assert recorded.span("of a span").parent is None
    with traced("of a context", parent=otel_trace.set_span_in_context(broken)) as span:
        assert not span.get_span_context().is_valid
