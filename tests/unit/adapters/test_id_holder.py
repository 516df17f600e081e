"""Holders of correlation ids in contexts and on spans."""

from __future__ import annotations

import asyncio
import gc
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
    HOLDER_KEY,
    IdHolder,
    context_with_span,
    current_holder,
    link_span,
    with_enclosing_holder,
    with_new_holder,
)
from tests.hostile import Hostile
from tests.threads import in_threads

EMPTY = context.Context()


def span_in(parent: context.Context | None, kind: SpanKind = SpanKind.INTERNAL) -> trace.Span:
    """Return a span that was started as by our processor."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("work", parent, kind)
    link_span(span, parent, kind)
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
        assert link_span(span, None, SpanKind.INTERNAL) is holder


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


UNLINKED = NonRecordingSpan(SpanContext(1, 1, is_remote=False))


def current_with(
    span: trace.Span, parent: context.Context | None, kind: SpanKind = SpanKind.INTERNAL
) -> context.Context:
    return context_with_span(span, context.get_current(), parent, kind)


def test_a_span_in_a_scope_shares_its_holder() -> None:
    with correlation_scope("order-7"):
        for span in (UNLINKED, span_in(None)):
            made = current_with(span, None)
            assert trace.get_current_span(made) is span
            assert current_holder(made) is current_holder()


def test_a_parent_context_passes_its_holder_to_the_current_context() -> None:
    parent = with_new_holder(EMPTY, "request-1")
    for span in (UNLINKED, span_in(parent, SpanKind.SERVER)):
        with correlation_scope("order-7"):
            made = current_with(span, parent, SpanKind.SERVER)
        assert trace.get_current_span(made) is span
        assert current_correlation_id(made) == "request-1"


def test_a_span_without_us_gets_a_holder_in_its_context() -> None:
    made = current_with(UNLINKED, None)
    assert current_holder(made) is not None
    assert current_holder(made) is current_holder(made)


def test_an_unlinked_span_with_an_ambient_holder_on_its_parent_shares_it() -> None:
    with trace.use_span(span_in(None)) as span:
        flext_set_correlation_id("job")
        parent = trace.set_span_in_context(span, EMPTY)
        assert current_correlation_id(context_with_span(UNLINKED, parent, None, SpanKind.INTERNAL)) == "job"


@pytest.mark.parametrize(("kind", "expected"), [(SpanKind.INTERNAL, "start-up"), (SpanKind.CONSUMER, None)])
def test_an_unlinked_span_inherits_an_ambient_id_unless_it_is_a_request(kind: SpanKind, expected: str | None) -> None:
    flext_set_correlation_id("start-up")
    assert current_correlation_id(current_with(UNLINKED, None, kind)) == expected


def test_a_root_span_with_an_explicit_context_has_the_id_of_the_caller() -> None:
    with correlation_scope("order-7"):
        span = span_in(EMPTY)
    with trace.use_span(span):
        assert flext_get_correlation_id() == "order-7"


def test_threads_that_ask_at_once_get_the_same_id() -> None:
    for _ in range(20):
        made, parent = set[str](), trace.set_span_in_context(span_in(None))

        def ask(_: int, made: set[str] = made, parent: context.Context = parent) -> None:
            context.attach(parent)
            made.add(flext_get_correlation_id())

        in_threads(ask)
        assert len(made) == 1


def test_a_child_of_a_root_span_with_an_id_shares_it_after_its_end() -> None:
    with trace.use_span(span_in(None), end_on_exit=True) as root:
        child = span_in(None)
        created = flext_get_correlation_id()
        late = span_in(None)
    assert not root.is_recording()
    for span in (child, late):
        with trace.use_span(span):
            assert current_correlation_id() == created


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


def test_a_linked_span_needs_no_holder_in_its_context() -> None:
    made = current_with(span_in(None), None)
    assert HOLDER_KEY not in made
    assert current_holder(made) is current_holder(made)


def test_a_linked_span_wins_over_an_ambient_id() -> None:
    flext_set_correlation_id("start-up")
    span = span_in(with_new_holder(EMPTY, "request-1"))
    assert current_correlation_id(current_with(span, None)) == "request-1"


def test_a_hostile_span_gets_a_holder_in_its_context() -> None:
    made = current_with(Hostile(), None)  # type: ignore[arg-type]  # foreign on purpose
    assert current_holder(made) is not None
