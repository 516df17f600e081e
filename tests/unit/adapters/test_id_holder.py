"""Holders of correlation ids in contexts and on spans."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from unittest.mock import MagicMock

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind

from flext_observability.adapters.correlation import (
    correlation_scope,
    current_correlation_id,
    flext_get_correlation_id,
    flext_set_correlation_id,
)
from flext_observability.adapters.id_holder import (
    IdHolder,
    context_with_holder,
    current_holder,
    holder_of_new_span,
    with_enclosing_holder,
    with_new_holder,
    with_span_holder,
)
from tests.hostile import Hostile

EMPTY = context.Context()


def span_in(parent: context.Context | None, kind: SpanKind = SpanKind.INTERNAL) -> trace.Span:
    """Return a span that was started as by our processor."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("work", parent, kind)
    holder_of_new_span(span, parent)  # type: ignore[arg-type]  # an SDK span
    return span


def test_an_id_is_created_once() -> None:
    holder = IdHolder()
    assert (holder.value_or("first"), holder.value_or("second"), holder.value) == ("first", "first", "first")


def test_a_span_that_is_current_without_its_context_has_its_id() -> None:
    flext_set_correlation_id("start-up")
    with trace.use_span(span_in(with_new_holder(EMPTY, "request-1"))):
        assert flext_get_correlation_id() == "request-1"
        with trace.use_span(span_in(None)):
            assert flext_get_correlation_id() == "request-1"
    assert flext_get_correlation_id() == "start-up"


def test_an_id_that_is_created_in_a_child_serves_the_spans_of_its_local_root() -> None:
    with trace.use_span(span_in(None)):
        with trace.use_span(span_in(None)):
            created = flext_get_correlation_id()
        assert flext_get_correlation_id() == created
    assert current_correlation_id() is None


def test_a_span_in_a_scope_has_its_holder() -> None:
    with correlation_scope("order-7"):
        holder = current_holder()
        assert holder is not None
        span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("work")
        assert holder_of_new_span(span, None) is holder  # type: ignore[arg-type]  # an SDK span


def test_a_scope_inside_a_span_wins_over_the_span() -> None:
    with trace.use_span(span_in(with_new_holder(EMPTY, "request-1"))):
        with correlation_scope("inner"):
            assert flext_get_correlation_id() == "inner"
        assert flext_get_correlation_id() == "request-1"


@pytest.mark.parametrize(("kind", "expected"), [(SpanKind.INTERNAL, "start-up"), (SpanKind.SERVER, None)])
def test_a_local_root_span_inherits_an_ambient_id_unless_it_is_a_request(kind: SpanKind, expected: str | None) -> None:
    flext_set_correlation_id("start-up")
    with trace.use_span(span_in(None, kind)):
        assert current_correlation_id() == expected


def test_a_span_without_our_processor_keeps_a_created_id_until_it_is_left() -> None:
    with trace.use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=False))):
        assert flext_get_correlation_id() == flext_get_correlation_id()
    assert current_correlation_id() is None


def test_a_foreign_span_that_raises_has_no_id() -> None:
    for span in (Hostile(), MagicMock(spec=trace.Span, _flext_correlation=5)):
        token = context.attach(trace.set_span_in_context(span))  # type: ignore[arg-type]  # foreign on purpose
        assert current_correlation_id() is None
        context.detach(token)


def test_a_context_with_a_holder_needs_no_other() -> None:
    with correlation_scope("order-7"):
        assert context_with_holder() is None
        assert with_span_holder(None, SpanKind.INTERNAL) is None
        given = with_new_holder(EMPTY, "other")
        assert with_span_holder(given, SpanKind.INTERNAL) is given


def test_a_parent_context_passes_its_holder_to_the_current_context() -> None:
    made = context_with_holder(with_new_holder(EMPTY, "request-1"), SpanKind.SERVER)
    assert made is not None
    assert current_correlation_id(made) == "request-1"


def test_a_parent_context_that_is_current_changes_nothing() -> None:
    token = context.attach(with_new_holder(EMPTY, "request-1"))
    assert context_with_holder(context.get_current(), SpanKind.SERVER) is None
    context.detach(token)


@pytest.mark.parametrize("make", [context_with_holder, lambda: with_span_holder(None, SpanKind.INTERNAL)])
def test_a_local_root_span_gets_a_holder(make: Callable[[], context.Context | None]) -> None:
    made = make()
    assert made is not None
    assert current_holder(made) is not None


def test_a_span_with_an_ambient_holder_on_its_parent_shares_it() -> None:
    with trace.use_span(span_in(None)) as span:
        flext_set_correlation_id("job")
        parent = trace.set_span_in_context(span, EMPTY)
        assert current_correlation_id(with_span_holder(parent, SpanKind.INTERNAL)) == "job"


def test_an_extracted_context_without_an_id_has_the_one_of_the_scope() -> None:
    request, named = with_new_holder(EMPTY, None), with_new_holder(EMPTY, "request-1")
    with correlation_scope("order-7"):
        assert current_correlation_id(with_enclosing_holder(request)) == "order-7"
        assert with_enclosing_holder(named) is named
        assert with_enclosing_holder(EMPTY) is EMPTY
    flext_set_correlation_id("start-up")
    assert with_enclosing_holder(request) is request


def test_tasks_that_start_the_next_task_keep_no_former_holders() -> None:
    async def step(number: int) -> None:
        with correlation_scope(f"scope-{number}"):
            flext_set_correlation_id(f"set-{number}")
            if number < 200:
                tasks.append(asyncio.create_task(step(number + 1)))
        flext_set_correlation_id(f"after-{number}")

    tasks: list[asyncio.Task[None]] = []

    async def main() -> int:
        context.attach(with_new_holder(EMPTY, "request-1"))
        await step(0)
        while tasks:
            await tasks.pop()
        gc.collect()
        return sum(type(each) is IdHolder for each in gc.get_objects())

    assert asyncio.run(main()) < 50


def test_a_task_of_a_task_branches_for_itself() -> None:
    async def child() -> list[str]:
        inner = context.attach(context.get_current())
        flext_set_correlation_id("child")
        context.detach(inner)
        return [flext_get_correlation_id()]

    async def parent() -> list[str]:
        inner = context.attach(context.get_current())
        flext_set_correlation_id("parent")
        context.detach(inner)
        return [*(await asyncio.create_task(child())), flext_get_correlation_id()]

    async def main() -> None:
        context.attach(with_new_holder(EMPTY, "request-1"))
        assert await asyncio.create_task(parent()) == ["child", "parent"]
        assert flext_get_correlation_id() == "request-1"

    asyncio.run(main())
