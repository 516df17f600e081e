"""Correlation ids: made, set, scoped, arrived from outside, and never invalid."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry import context, trace as otel_trace
from opentelemetry.trace import NonRecordingSpan, SpanContext

from flext_observability.adapters.correlation import (
    REMOTE_ID_KEY,
    correlation_scope,
    current_correlation_id,
    extract_context,
    flext_get_correlation_id,
    flext_set_correlation_id,
    inject_context,
    valid_correlation_id,
)


@pytest.fixture(autouse=True)
def _fresh_context() -> None:
    contextvars.copy_context()
    # Each test sets ids of its own; the variable is put back to nothing first.
    from flext_observability.adapters import correlation

    correlation._local_id.set(None)


def test_an_id_is_made_once_and_kept() -> None:
    first = flext_get_correlation_id()
    assert len(first) == 32
    assert flext_get_correlation_id() == first


def test_looking_makes_none() -> None:
    assert current_correlation_id() is None


def test_a_set_id_is_in_force() -> None:
    assert flext_set_correlation_id("order-7").unwrap() == "order-7"
    assert flext_get_correlation_id() == "order-7"


@pytest.mark.parametrize("bad", ["", "x" * 129, "a b", "line\nbreak", "tab\t", "ünï", None, 7, "\x00"])
def test_an_invalid_id_is_refused_and_changes_nothing(bad: object) -> None:
    flext_set_correlation_id("before")
    result = flext_set_correlation_id(bad)  # type: ignore[arg-type]  # bad input is what is tested
    assert result.code == "invalid_correlation_id"
    assert (result.error or "").startswith("Invalid correlation id")
    assert flext_get_correlation_id() == "before"


def test_a_scope_ends_with_its_body() -> None:
    with correlation_scope("inner") as value:
        assert value == "inner"
        assert flext_get_correlation_id() == "inner"
    assert current_correlation_id() is None


@pytest.mark.parametrize("bad", [None, "a b"])
def test_a_scope_replaces_what_is_no_id(bad: str | None) -> None:
    with correlation_scope(bad) as value:
        assert len(value) == 32


def test_tasks_have_ids_of_their_own() -> None:
    async def worker(name: str) -> str:
        with correlation_scope(name):
            await asyncio.sleep(0)
            return flext_get_correlation_id()

    async def main() -> list[str]:
        return list(await asyncio.gather(worker("a"), worker("b")))

    assert asyncio.run(main()) == ["a", "b"]


def test_a_scope_in_an_async_generator_closes_quietly_from_another_context() -> None:
    async def stream() -> AsyncIterator[int]:
        with correlation_scope("stream"):
            yield 1
            yield 2

    async def main() -> None:
        generator = stream()
        task = asyncio.ensure_future(anext(generator))
        assert await task == 1
        await generator.aclose()  # type: ignore[attr-defined]  # it is a generator

    asyncio.run(main())


def test_an_arrived_id_hides_an_older_own_one() -> None:
    flext_set_correlation_id("start-up")
    token = context.attach(context.set_value(REMOTE_ID_KEY, "request-1"))
    try:
        assert flext_get_correlation_id() == "request-1"
        flext_set_correlation_id("chosen-in-handler")
        assert flext_get_correlation_id() == "chosen-in-handler"
    finally:
        context.detach(token)
    assert current_correlation_id() is None


def test_a_given_context_is_looked_at() -> None:
    arrived = context.set_value(REMOTE_ID_KEY, "request-1")
    assert current_correlation_id(arrived) == "request-1"
    assert current_correlation_id() is None


def test_carriers_make_the_round_trip() -> None:
    carrier: dict[str, str] = {}
    assert inject_context(carrier) is carrier
    assert extract_context(carrier) == context.get_current()


@given(st.text())
def test_only_visible_ascii_is_an_id(text: str) -> None:
    allowed = 1 <= len(text) <= 128 and all("!" <= character <= "~" for character in text)
    assert (valid_correlation_id(text) is not None) is allowed


@pytest.mark.parametrize("carrier", [None, 5, ()])
def test_what_is_no_carrier_is_left_as_it_is_and_said_once(carrier: Any, caplog: pytest.LogCaptureFixture) -> None:
    flext_set_correlation_id("order-7")
    with otel_trace.use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=False))):
        assert inject_context(carrier) is carrier
    assert extract_context(carrier) == context.get_current()
    assert [record.message.partition(" failed: ")[0] for record in caplog.records] == [
        "Writing context into a carrier",
        "Reading context from a carrier",
    ]
