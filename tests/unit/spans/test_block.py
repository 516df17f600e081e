"""traced: blocks, functions, coroutines, generators; attributes, parents, errors."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, format_span_id
from pydantic import BaseModel

from flext_observability import extract_context, flext_create_trace, traced
from flext_observability.spans.errors import end_span, record_error
from tests.recorded import Recorded, recording

REMOTE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


class Raising:
    """Raises whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def current_name() -> str:
    return str(getattr(otel_trace.get_current_span(), "name", ""))


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
        async with traced("async work"):
            await asyncio.sleep(0)
            assert current_name() == "async work"

    def test_async_block(self, recorded: Recorded) -> None:
        asyncio.run(self._use_async_block())
        assert recorded.span("async work").end_time is not None

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

    def test_leaving_without_entering_does_nothing(self, recorded: Recorded) -> None:
        traced("never").__exit__(None, None, None)
        assert recorded.spans() == []

    def test_more_attributes_win_and_none_is_left_out(self, recorded: Recorded) -> None:
        with traced("work", {"a": 1, "b": 2}, b=3, c=None):
            pass
        assert recorded.span("work").attributes == {"a": 1, "b": 3}

    def test_without_attributes_there_are_none(self, recorded: Recorded) -> None:
        with traced("work"):
            pass
        assert recorded.span("work").attributes == {}

    def test_attributes_that_are_no_mapping_are_kept_under_one_name(self, recorded: Recorded) -> None:
        odd: Any = [1, 2]
        with traced("list", odd), traced("list and more", odd, a=1):
            pass
        assert recorded.span("list").attributes == {"value": (1, 2)}
        assert recorded.span("list and more").attributes == {"value": (1, 2), "a": 1}

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (SpanKind.SERVER, SpanKind.SERVER),
            ("client", SpanKind.CLIENT),
            ("PRODUCER", SpanKind.PRODUCER),
            ("nonsense", SpanKind.INTERNAL),
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
        links: Any = [one, two.get_span_context(), Link(three.get_span_context(), {"why": "x"}), "nonsense", None]
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

    def test_links_that_are_no_sequence_are_left_out(self, recorded: Recorded) -> None:
        odd: Any = 5
        with traced("work", links=odd):
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
    with traced("work", odd=value):
        pass
    assert recorded.span("work").attributes == {"odd": expected}


def test_huge_attribute_is_cut(recorded: Recorded) -> None:
    with traced("work", text="x" * 1_000_000):
        pass
    assert len(str((recorded.span("work").attributes or {})["text"])) <= 8192


class TestParent:
    def test_extracted_context_holds_in_the_body(self, recorded: Recorded) -> None:
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

    def test_trace_that_is_not_sampled_is_no_parent_of_recorded_spans(self) -> None:
        with recording(sample_ratio=0) as recorded:
            trace = flext_create_trace("entity", "orders").unwrap()
            assert trace.sampled is False
            with traced("child", parent=trace):
                pass
            assert recorded.spans() == []

    @pytest.mark.parametrize("parent", [5, "text", object()])
    def test_what_is_no_parent_counts_as_none(self, recorded: Recorded, parent: Any) -> None:
        with traced("outer") as outer, traced("inner", parent=parent):
            pass
        inner = recorded.span("inner").parent
        assert inner is not None
        assert inner.span_id == outer.get_span_context().span_id

    def test_what_raises_when_it_is_looked_at_counts_as_none(self, recorded: Recorded) -> None:
        parent: Any = Raising()
        with traced("work", parent=parent):
            pass
        assert recorded.span("work").parent is None

    def test_trace_that_is_not_started_counts_as_none(self, recorded: Recorded) -> None:
        from flext_observability import FlextTrace

        with traced("work", parent=FlextTrace(operation_name="a", service_name="b")):
            pass
        assert recorded.span("work").parent is None


class FrozenError(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class TestErrors:
    def test_error_is_recorded_and_goes_on(self, recorded: Recorded) -> None:
        with pytest.raises(ValueError, match="broken"), traced("work"):
            raise ValueError("broken")
        span = recorded.span("work")
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError: broken")
        assert [event.name for event in span.events] == ["exception"]

    def test_nested_spans_record_one_event_and_all_have_the_status(self, recorded: Recorded) -> None:
        with pytest.raises(ValueError, match="broken"), traced("outer"), traced("inner"):
            raise ValueError("broken")
        assert len(recorded.span("inner").events) == 1
        assert recorded.span("outer").events == ()
        assert recorded.span("outer").status.status_code is StatusCode.ERROR

    def test_same_exception_in_another_trace_is_recorded_again(self, recorded: Recorded) -> None:
        error = FrozenError("kept")
        for _ in range(2):
            with pytest.raises(FrozenError), traced("work"):
                raise error
        assert [len(span.events) for span in recorded.spans("work")] == [1, 1]

    def test_cancellation_is_no_error(self, recorded: Recorded) -> None:
        async def cancelled() -> None:
            async with traced("work"):
                await asyncio.sleep(60)

        async def main() -> None:
            task = asyncio.create_task(cancelled())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        span = recorded.span("work")
        assert span.status.status_code is StatusCode.UNSET
        assert span.attributes == {"flext.outcome": "cancelled"}

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(0), StopIteration(), GeneratorExit()])
    def test_what_ends_work_leaves_no_mark(self, recorded: Recorded, error: BaseException) -> None:
        with pytest.raises(type(error)), traced("work"):
            raise error
        span = recorded.span("work")
        assert (span.status.status_code, span.events, span.attributes) == (StatusCode.UNSET, (), {})

    def test_error_without_readable_message(self, recorded: Recorded) -> None:
        with pytest.raises(MuteError), traced("work"):
            raise MuteError
        span = recorded.span("work")
        assert span.status.description == "MuteError: <no readable message>"
        assert [(event.name, dict(event.attributes or {})["exception.type"]) for event in span.events] == [
            ("exception", f"{__name__}.MuteError")
        ]

    def test_error_on_a_span_that_records_nothing(self) -> None:
        record_error(NonRecordingSpan(SpanContext(1, 1, is_remote=False)), ValueError())


class BrokenSpan(NonRecordingSpan):
    def is_recording(self) -> bool:
        return True

    def set_status(self, *_: object, **__: object) -> None:
        raise RuntimeError("broken status")

    def end(self, end_time: int | None = None) -> None:
        raise RuntimeError("broken end")


class BrokenTracer:
    def start_span(self, *args: object, **options: object) -> Span:
        raise RuntimeError("broken start")


class TestForeignFaults:
    def test_span_that_cannot_end_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "flext_observability"):
            for _ in range(2):
                end_span(BrokenSpan(SpanContext(1, 1, is_remote=False)))
        assert caplog.text.count("Ending a span failed: RuntimeError") == 1

    def test_span_that_takes_no_status_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        record_error(BrokenSpan(SpanContext(1, 1, is_remote=False)), ValueError())
        assert "Recording an error on a span failed: RuntimeError: broken status" in caplog.text

    def test_tracer_that_raises_leaves_the_parent_in_place(self, caplog: pytest.LogCaptureFixture) -> None:
        """A provider of somebody else whose sampler raises: in a process of its own, since OTel's global is set once."""
        program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from flext_observability import traced

class Broken(Sampler):
    def should_sample(self, parent_context, trace_id, name, *rest, **more):
        if name == "bad":
            raise RuntimeError("broken sampler")
        return ALWAYS_ON.should_sample(parent_context, trace_id, name, *rest, **more)
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


@traced
def bare(x: int, *, y: int = 1) -> int:
    """Add."""
    return x + y


@traced("named", kind="sum")
def named(x: int) -> int:
    return x


class Service:
    @traced
    def method(self) -> str:
        return type(self).__name__

    @classmethod
    @traced
    def inside_classmethod(cls) -> str:
        return cls.__name__

    @traced
    @classmethod
    def outside_classmethod(cls) -> str:
        return cls.__name__

    @traced
    @staticmethod
    def outside_staticmethod() -> str:
        return "static"


class TestDecorator:
    def test_bare_decorator_uses_the_qualified_name(self, recorded: Recorded) -> None:
        assert bare(1, y=2) == 3
        assert recorded.span("bare").status.status_code is StatusCode.UNSET

    def test_named_decorator_has_attributes(self, recorded: Recorded) -> None:
        assert [named(1), named(2)] == [1, 2]
        assert [span.attributes for span in recorded.spans("named")] == [{"kind": "sum"}] * 2

    def test_name_docstring_and_signature_stay(self) -> None:
        assert (bare.__name__, bare.__doc__) == ("bare", "Add.")
        assert str(inspect.signature(bare)) == "(x: 'int', *, y: 'int' = 1) -> 'int'"

    def test_methods_in_either_order(self, recorded: Recorded) -> None:
        service = Service()
        assert service.method() == "Service"
        assert service.inside_classmethod() == Service.outside_classmethod() == "Service"
        assert Service.outside_staticmethod() == service.outside_staticmethod() == "static"
        assert [span.name for span in recorded.spans()] == [
            "Service.method",
            "Service.inside_classmethod",
            "Service.outside_classmethod",
            "Service.outside_staticmethod",
            "Service.outside_staticmethod",
        ]

    def test_callable_without_a_name(self, recorded: Recorded) -> None:
        assert traced(partial(int, "5"))() == 5
        assert recorded.span("partial").end_time is not None

    def test_coroutine_function_stays_one(self, recorded: Recorded) -> None:
        @traced("coroutine")
        async def work() -> str:
            await asyncio.sleep(0)
            return current_name()

        assert inspect.iscoroutinefunction(work)
        assert asyncio.run(work()) == "coroutine"
        assert recorded.span("coroutine").end_time is not None

    def test_error_in_a_function(self, recorded: Recorded) -> None:
        @traced("failing")
        def fail() -> None:
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            fail()
        assert recorded.span("failing").status.description == "ValueError: broken"

    def test_before_the_start_and_after_the_end_functions_work_and_nothing_is_recorded(self) -> None:
        assert bare(1) == 2
        with recording() as started:
            assert bare(1) == 2
            assert len(started.spans("bare")) == 1
        assert bare(1) == 2

    def test_recursion(self, recorded: Recorded) -> None:
        @traced("down")
        def down(n: int) -> int:
            return n and down(n - 1)

        assert down(2) == 0
        assert [span.parent is None for span in recorded.spans("down")] == [False, False, True]


@traced("generator")
def counting(limit: int) -> Generator[str, int, str]:
    received = 0
    for _ in range(limit):
        received += (yield current_name()) or 0
    return f"sum {received}"


class TestGenerator:
    def test_it_stays_a_generator_function(self) -> None:
        assert inspect.isgeneratorfunction(counting)

    def test_span_is_current_only_while_the_body_runs(self, recorded: Recorded) -> None:
        with traced("caller"):
            for name in counting(2):
                assert (name, current_name()) == ("generator", "caller")
        span, caller = recorded.span("generator"), recorded.span("caller")
        assert span.parent is not None
        assert caller.context is not None
        assert span.parent.span_id == caller.context.span_id
        assert (span.end_time or 0) <= (caller.end_time or 0)

    def test_span_starts_with_the_body_and_covers_it(self, recorded: Recorded) -> None:
        generator = counting(1)
        assert recorded.spans() == []
        next(generator)
        assert recorded.spans() == []
        assert next(generator, "end") == "end"
        assert len(recorded.spans("generator")) == 1

    def test_values_sent_and_returned_pass_through(self, recorded: Recorded) -> None:
        def driver() -> Iterator[str]:
            result = yield from counting(2)
            yield result

        running: Any = driver()
        next(running)
        running.send(3)
        assert running.send(4) == "sum 7"

    def test_early_close_is_quiet_and_closes_the_body(
        self, recorded: Recorded, caplog: pytest.LogCaptureFixture
    ) -> None:
        closed: list[str] = []

        @traced("closing")
        def body() -> Iterator[int]:
            try:
                yield 1
                yield 2
            finally:
                closed.append(current_name())

        for _ in body():
            break
        gc.collect()
        assert closed == ["closing"]
        span = recorded.span("closing")
        assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())
        assert caplog.records == []

    def test_thrown_error_reaches_the_body(self, recorded: Recorded) -> None:
        @traced("catching")
        def body() -> Generator[str, None, None]:
            try:
                yield "ready"
            except KeyError:
                yield "caught"

        generator = body()
        next(generator)
        assert generator.throw(KeyError("x")) == "caught"
        with pytest.raises(ValueError, match="broken"):
            generator.throw(ValueError("broken"))
        assert recorded.span("catching").status.description == "ValueError: broken"

    def test_span_that_the_body_opens_does_not_leak_to_the_caller(self, recorded: Recorded) -> None:
        @traced("outer")
        def body() -> Iterator[str]:
            with traced("inner"):
                yield current_name()
                yield current_name()

        for name in body():
            assert (name, current_name()) == ("inner", "")
        outer, inner = recorded.span("outer"), recorded.span("inner")
        assert inner.parent == outer.context


@traced("async generator")
async def ticking(limit: int) -> AsyncGenerator[str, int]:
    for _ in range(limit):
        await asyncio.sleep(0)
        yield current_name()


class TestAsyncGenerator:
    def test_it_stays_an_async_generator_function(self) -> None:
        assert inspect.isasyncgenfunction(ticking)

    def test_span_is_current_only_while_the_body_runs(self, recorded: Recorded) -> None:
        async def main() -> None:
            with traced("caller"):
                async for name in ticking(2):
                    assert (name, current_name()) == ("async generator", "caller")

        asyncio.run(main())
        assert recorded.span("async generator").parent == recorded.span("caller").context

    def test_values_and_errors_pass_through(self, recorded: Recorded) -> None:
        @traced("echo")
        async def echo() -> AsyncGenerator[str, str]:
            try:
                received = yield "ready"
                yield received
            except KeyError:
                yield "caught"

        async def main() -> list[str]:
            generator = echo()
            got = [await anext(generator), await generator.asend("hello"), await generator.athrow(KeyError("x"))]
            with pytest.raises(StopAsyncIteration):
                await anext(generator)
            return got

        assert asyncio.run(main()) == ["ready", "hello", "caught"]
        assert recorded.span("echo").status.status_code is StatusCode.UNSET

    def test_error_in_the_body(self, recorded: Recorded) -> None:
        @traced("failing")
        async def fail() -> AsyncIterator[int]:
            yield 1
            raise ValueError("broken")

        async def main() -> None:
            with pytest.raises(ValueError, match="broken"):
                async for _ in fail():
                    pass

        asyncio.run(main())
        assert recorded.span("failing").status.description == "ValueError: broken"

    @pytest.mark.parametrize("decorate", [True, False])
    def test_break_is_quiet(self, recorded: Recorded, caplog: pytest.LogCaptureFixture, decorate: bool) -> None:
        """Also when the loop closes the generator from a task of its own, where the token of a block is not valid."""

        async def body() -> AsyncIterator[int]:
            with traced("inner"):
                yield 1
                yield 2

        function: Callable[[], AsyncIterator[int]] = traced("outer")(body) if decorate else body

        async def main() -> None:
            async def consume() -> None:
                async for _ in function():
                    break

            await asyncio.create_task(consume())
            gc.collect()
            for _ in range(5):
                await asyncio.sleep(0)

        asyncio.run(main())
        assert recorded.span("inner").status.status_code is StatusCode.UNSET
        assert len(recorded.spans("outer")) == int(decorate)
        assert [record for record in caplog.records if "detach" in record.getMessage()] == []


def test_context_is_whole_again_after_everything(recorded: Recorded) -> None:
    before = otel_context.get_current()
    list(counting(3))
    bare(1)
    with traced("x"):
        pass
    assert otel_context.get_current() == before
