"""Correlation ids: created, set, scoped, remote, and always valid."""

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
    # Each test starts without an id.
    from flext_observability.adapters import correlation

    correlation._local_id.set(None)


def test_an_id_is_created_once() -> None:
    first = flext_get_correlation_id()
    assert len(first) == 32
    assert flext_get_correlation_id() == first


def test_reading_the_current_id_creates_none() -> None:
    assert current_correlation_id() is None


def test_a_set_id_is_current() -> None:
    assert flext_set_correlation_id("order-7").unwrap() == "order-7"
    assert flext_get_correlation_id() == "order-7"


@pytest.mark.parametrize("bad", ["", "x" * 129, "a b", "line\nbreak", "tab\t", "ünï", None, 7, "\x00"])
def test_an_invalid_id_is_rejected_and_changes_nothing(bad: object) -> None:
    flext_set_correlation_id("before")
    result = flext_set_correlation_id(bad)  # type: ignore[arg-type]  # invalid on purpose
    assert result.code == "invalid_correlation_id"
    assert (result.error or "").startswith("Invalid correlation id: ")
    assert result.fix == "Use 1 to 128 visible ASCII characters without spaces"
    assert flext_get_correlation_id() == "before"


def test_a_scope_ends_with_its_body() -> None:
    with correlation_scope("inner") as value:
        assert value == "inner"
        assert flext_get_correlation_id() == "inner"
    assert current_correlation_id() is None


@pytest.mark.parametrize("bad", [None, "a b"])
def test_a_scope_replaces_an_invalid_id(bad: str | None) -> None:
    with correlation_scope(bad) as value:
        assert len(value) == 32


def test_each_task_has_its_own_id() -> None:
    async def worker(name: str) -> str:
        with correlation_scope(name):
            await asyncio.sleep(0)
            return flext_get_correlation_id()

    async def main() -> list[str]:
        return list(await asyncio.gather(worker("a"), worker("b")))

    assert asyncio.run(main()) == ["a", "b"]


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

    asyncio.run(main())


def test_a_remote_id_hides_an_older_local_id() -> None:
    flext_set_correlation_id("start-up")
    token = context.attach(context.set_value(REMOTE_ID_KEY, "request-1"))
    try:
        assert flext_get_correlation_id() == "request-1"
        flext_set_correlation_id("chosen-in-handler")
        assert flext_get_correlation_id() == "chosen-in-handler"
    finally:
        context.detach(token)
    assert current_correlation_id() is None


def test_the_id_is_read_from_a_given_context() -> None:
    remote = context.set_value(REMOTE_ID_KEY, "request-1")
    assert current_correlation_id(remote) == "request-1"
    assert current_correlation_id() is None


def test_carrier_round_trip() -> None:
    carrier: dict[str, str] = {}
    assert inject_context(carrier) is carrier
    assert extract_context(carrier) == context.get_current()


@given(st.text())
def test_only_visible_ascii_is_an_id(text: str) -> None:
    allowed = 1 <= len(text) <= 128 and all("!" <= character <= "~" for character in text)
    assert (valid_correlation_id(text) is not None) is allowed


@pytest.mark.parametrize("carrier", [None, 5, ()])
def test_an_invalid_carrier_is_unchanged_and_logged_once(carrier: Any, caplog: pytest.LogCaptureFixture) -> None:
    flext_set_correlation_id("order-7")
    with otel_trace.use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=False))):
        assert inject_context(carrier) is carrier
    assert extract_context(carrier) == context.get_current()
    assert [record.message.partition(" failed: ")[0] for record in caplog.records] == [
        "Writing context into a carrier",
        "Reading context from a carrier",
    ]
