"""Decorated functions, methods, coroutines and generators: same kind, one span for each call."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from functools import partial
from typing import Any

import pytest
from opentelemetry import context as otel_context, trace as otel_trace
from opentelemetry.trace import StatusCode

from flext_observability import traced
from tests.recorded import Recorded, recording


def current_name() -> str:
    return str(getattr(otel_trace.get_current_span(), "name", ""))


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

    def test_name_docstring_and_signature_are_kept(self) -> None:
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

    def test_a_coroutine_function_is_kept(self, recorded: Recorded) -> None:
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
    def test_the_kind_is_kept(self) -> None:
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

    def test_sent_and_returned_values_pass_through(self, recorded: Recorded) -> None:
        def driver() -> Iterator[str]:
            result = yield from counting(2)
            yield result

        running: Any = driver()
        next(running)
        running.send(3)
        assert running.send(4) == "sum 7"

    def test_an_early_close_closes_the_body_without_an_error(
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
    def test_the_kind_is_kept(self) -> None:
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
    def test_a_break_is_not_an_error(
        self, recorded: Recorded, caplog: pytest.LogCaptureFixture, decorate: bool
    ) -> None:
        """Also when the event loop closes the generator in another task, where the token is invalid."""

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


def test_the_context_is_restored(recorded: Recorded) -> None:
    before = otel_context.get_current()
    list(counting(3))
    bare(1)
    with traced("x"):
        pass
    assert otel_context.get_current() == before
