"""Correlation ids: created, set, scoped, limited to their request, and always valid."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind

from flext_observability.adapters.correlation import (
    correlation_id_in,
    correlation_scope,
    current_correlation_id,
    flext_get_correlation_id,
    flext_set_correlation_id,
    valid_correlation_id,
)
from flext_observability.adapters.id_holder import HOLDER_KEY, IdHolder, with_new_holder
from flext_observability.decorators.traced import traced
from tests.hostile import Hostile


def request(correlation_id: str | None = None) -> context.Context:
    """Return the context of a request with this header."""
    return with_new_holder(context.get_current(), correlation_id)


def within(given: context.Context, call: Callable[[], str | None]) -> str | None:
    token = context.attach(given)
    try:
        return call()
    finally:
        context.detach(token)


def test_an_id_is_created_once() -> None:
    first = flext_get_correlation_id()
    assert len(first) == 32
    assert flext_get_correlation_id() == first


def test_reading_the_current_id_creates_none() -> None:
    assert current_correlation_id() is None


def test_a_set_id_is_current() -> None:
    assert flext_set_correlation_id("order-7").unwrap() == "order-7"
    assert flext_get_correlation_id() == "order-7"
    flext_set_correlation_id("order-8")
    assert flext_get_correlation_id() == "order-8"


@pytest.mark.parametrize("bad", ["", "x" * 129, "a b", "line\nbreak", "tab\t", "ünï", None, 7, "\x00"])
def test_an_invalid_id_is_rejected_and_changes_nothing(bad: object) -> None:
    flext_set_correlation_id("before")
    result = flext_set_correlation_id(bad)  # type: ignore[arg-type]  # invalid on purpose
    assert result.code == "invalid_correlation_id"
    assert (result.error or "").startswith("Invalid correlation id: ")
    assert result.fix == "Use 1 to 128 visible ASCII characters without spaces"
    assert flext_get_correlation_id() == "before"


def test_an_object_that_always_raises_is_rejected() -> None:
    hostile: Any = Hostile()
    assert flext_set_correlation_id(hostile).code == "invalid_correlation_id"
    with correlation_scope(hostile) as value:
        assert len(value) == 32


def test_a_subclass_of_text_is_stored_as_text() -> None:
    class Lazy(str):
        __slots__ = ()

        def __str__(self) -> str:
            raise RuntimeError

    assert type(flext_set_correlation_id(Lazy("order-7")).unwrap()) is str


@given(st.text())
def test_only_visible_ascii_is_an_id(text: str) -> None:
    allowed = 1 <= len(text) <= 128 and all("!" <= character <= "~" for character in text)
    assert (valid_correlation_id(text) is not None) is allowed


# ---- scopes ----------------------------------------------------------------------------------------------------------


def test_a_scope_ends_with_its_body() -> None:
    with correlation_scope("inner") as value:
        assert value == "inner"
        assert flext_get_correlation_id() == "inner"
    assert current_correlation_id() is None


def test_a_scope_restores_the_previous_id_after_an_exception() -> None:
    flext_set_correlation_id("before")
    with pytest.raises(ValueError, match="'no'"), correlation_scope("inner"):
        int(flext_set_correlation_id("no").unwrap())
    assert flext_get_correlation_id() == "before"


@pytest.mark.parametrize("bad", [None, "a b"])
def test_a_scope_replaces_an_invalid_id(bad: str | None) -> None:
    with correlation_scope(bad) as value:
        assert len(value) == 32


def test_a_scope_of_a_generator_that_ends_in_another_scope_changes_nothing_there() -> None:
    def items() -> Iterator[int]:
        with correlation_scope("generator"):
            yield 1
            yield 2

    flext_set_correlation_id("before")
    generator = items()
    next(generator)
    with correlation_scope("consumer"):
        assert list(generator) == [2]
        assert flext_get_correlation_id() == "consumer"
    assert flext_get_correlation_id() == "before"


def test_a_span_that_is_current_at_the_end_of_a_foreign_scope_stays_current() -> None:
    def items() -> Iterator[int]:
        with correlation_scope("generator"):
            yield 1

    generator = items()
    next(generator)
    with traced("consumer") as span:
        assert list(generator) == []
        assert trace.get_current_span() is span
        assert current_correlation_id() != "generator"


def test_a_scope_in_an_async_generator_can_be_closed_in_another_context() -> None:
    async def stream() -> AsyncIterator[int]:
        with correlation_scope("stream"):
            yield 1
            yield 2

    async def main() -> None:
        generator = stream()
        task = asyncio.ensure_future(anext(generator))
        assert await task == 1
        await generator.aclose()  # type: ignore[attr-defined]  # it is a generator
        assert current_correlation_id() is None

    asyncio.run(main())


def test_a_scope_that_is_left_in_a_copy_of_its_context_has_ended_everywhere() -> None:
    scope = correlation_scope("copied")
    scope.__enter__()
    contextvars.copy_context().run(scope.__exit__, None, None, None)
    assert current_correlation_id() is None


# ---- requests --------------------------------------------------------------------------------------------------------


def test_an_id_from_start_up_never_hides_the_id_of_a_request() -> None:
    flext_set_correlation_id("start-up")
    assert within(request("request-1"), flext_get_correlation_id) == "request-1"
    assert within(request(), current_correlation_id) is None
    assert flext_get_correlation_id() == "start-up"


def test_an_id_that_is_created_in_a_request_ends_with_it() -> None:
    first = within(request(), flext_get_correlation_id)
    second = within(request(), flext_get_correlation_id)
    assert first != second
    assert current_correlation_id() is None


def test_an_id_that_is_created_in_an_inner_span_serves_the_whole_request() -> None:
    def handle() -> str:
        with traced("inner"):
            created = flext_get_correlation_id()
        assert flext_get_correlation_id() == created
        return created

    assert len(within(request(), handle) or "") == 32


def test_an_id_that_is_set_in_an_inner_span_serves_the_whole_request_and_ends_with_it() -> None:
    def handle() -> str:
        with traced("inner"):
            flext_set_correlation_id("chosen")
        return flext_get_correlation_id()

    assert within(request("request-1"), handle) == "chosen"
    assert current_correlation_id() is None


def test_the_id_is_read_from_a_given_context() -> None:
    assert current_correlation_id(request("request-1")) == "request-1"
    assert current_correlation_id() is None


def test_a_given_context_without_an_id_has_the_current_one() -> None:
    with correlation_scope("order-7"):
        assert current_correlation_id(context.Context()) == "order-7"


@pytest.mark.parametrize("ambient", [False, True])
@pytest.mark.parametrize("ended", [False, True])
def test_the_short_way_to_the_current_id_gives_the_same_one(*, ambient: bool, ended: bool) -> None:
    holder = IdHolder("order-7", ambient=ambient)
    if ended:
        holder.leave(None)
    token = context.attach(context.set_value(HOLDER_KEY, holder))
    try:
        here = context.get_current()
        assert correlation_id_in(here) == current_correlation_id(here) == (None if ended else "order-7")
    finally:
        context.detach(token)
    assert correlation_id_in(context.Context()) is None


# ---- spans -----------------------------------------------------------------------------------------------------------


def test_an_id_that_is_created_in_a_span_ends_with_the_local_root_span() -> None:
    ids: list[str] = []
    for _ in range(2):
        with traced("root"):
            with traced("first"):
                ids.append(flext_get_correlation_id())
            with traced("second"):
                assert flext_get_correlation_id() == ids[-1]
    assert ids[0] != ids[1]
    assert current_correlation_id() is None


def test_an_id_from_outside_is_valid_in_a_span_and_is_back_after_it() -> None:
    flext_set_correlation_id("batch-1")
    with traced("step"):
        assert flext_get_correlation_id() == "batch-1"
        flext_set_correlation_id("item-1")
    assert flext_get_correlation_id() == "batch-1"


@pytest.mark.parametrize("kind", [SpanKind.SERVER, SpanKind.CONSUMER])
def test_a_server_span_without_a_request_context_has_its_own_id(kind: SpanKind) -> None:
    flext_set_correlation_id("start-up")
    with traced("GET /", span_kind=kind):
        assert current_correlation_id() is None
    with correlation_scope("job"), traced("GET /", span_kind=kind):
        assert current_correlation_id() == "job"


# ---- tasks and threads -----------------------------------------------------------------------------------------------


def test_each_task_has_its_own_scope() -> None:
    async def worker(name: str) -> str:
        with correlation_scope(name):
            await asyncio.sleep(0)
            return flext_get_correlation_id()

    async def main() -> list[str]:
        return list(await asyncio.gather(worker("a"), worker("b")))

    assert asyncio.run(main()) == ["a", "b"]


@pytest.mark.parametrize("before", [None, "main"])
def test_tasks_set_their_ids_independently_and_pass_them_on(before: str | None) -> None:
    async def child() -> str:
        return flext_get_correlation_id()

    async def worker(name: str) -> list[str]:
        with traced("inner"):
            flext_set_correlation_id(name)
        await asyncio.sleep(0)
        seen = flext_get_correlation_id(), await asyncio.create_task(child())
        flext_set_correlation_id(f"{name}-2")
        return [*seen, flext_get_correlation_id()]

    async def main() -> None:
        if before is not None:
            flext_set_correlation_id(before)
        with traced("root"):
            first, second = await asyncio.gather(worker("a"), worker("b"))
            assert (first, second) == (["a", "a", "a-2"], ["b", "b", "b-2"])
            assert before in {None, flext_get_correlation_id()}

    asyncio.run(main())


def test_a_task_does_not_change_the_created_id_of_its_parent() -> None:
    async def child() -> None:
        flext_set_correlation_id("child")

    async def main() -> None:
        created = flext_get_correlation_id()
        await asyncio.create_task(child())
        assert flext_get_correlation_id() == created

    asyncio.run(main())


def test_all_tasks_of_a_request_share_an_id_that_is_created_later() -> None:
    async def handle() -> str:
        await asyncio.sleep(0)
        return flext_get_correlation_id()

    async def main() -> None:
        token = context.attach(request())
        ids = await asyncio.gather(*(handle() for _ in range(5)))
        assert set(ids) == {flext_get_correlation_id()}
        context.detach(token)

    asyncio.run(main())


def test_a_thread_with_a_copy_of_the_context_keeps_the_id_of_its_parent() -> None:
    seen: list[str] = []
    with correlation_scope("order-7"):
        copied = contextvars.copy_context()
    thread = threading.Thread(target=copied.run, args=(lambda: seen.append(flext_get_correlation_id()),))
    thread.start()
    thread.join()
    assert seen == ["order-7"]


def test_a_thread_with_the_attached_context_of_otel_keeps_the_id_of_its_parent() -> None:
    with correlation_scope("order-7"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(within, context.get_current(), flext_get_correlation_id).result() == "order-7"


def stay() -> tuple[str, str]:
    return flext_get_correlation_id(), flext_get_correlation_id()


def choose() -> tuple[str, str]:
    before = current_correlation_id()
    flext_set_correlation_id("chosen")
    return before or "none", flext_get_correlation_id()


def fail() -> None:
    flext_get_correlation_id()
    raise ValueError("no")


def test_an_id_that_is_created_in_a_pool_ends_with_the_submitted_call() -> None:
    with ThreadPoolExecutor(1) as pool:
        first, second = (pool.submit(stay).result() for _ in range(2))
        assert len({*first, *second}) == 2
        with pytest.raises(ValueError, match="no"):
            pool.submit(fail).result()
        assert pool.submit(current_correlation_id).result() is None


def test_an_id_that_is_set_in_a_pool_ends_with_the_submitted_call() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert [pool.submit(choose).result() for _ in range(2)] == [("none", "chosen")] * 2


def test_an_id_in_a_plain_thread_lasts_as_long_as_the_thread() -> None:
    seen: list[tuple[str, str]] = []
    thread = threading.Thread(target=lambda: seen.append(stay()))
    thread.start()
    thread.join()
    assert seen[0][0] == seen[0][1]


def test_ids_that_threads_of_a_request_create_at_once_are_the_same() -> None:
    given, barrier = request(), threading.Barrier(8)

    def create() -> str:
        barrier.wait()
        return flext_get_correlation_id()

    with ThreadPoolExecutor(8) as pool:
        ids = [call.result() for call in [pool.submit(within, given, create) for _ in range(8)]]
    assert len(set(ids)) == 1
