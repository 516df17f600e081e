"""Callable objects, partials and bound methods: the function that they call decides their kind."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import pytest

from flext_observability import flext_monitor_function, traced
from tests.recorded import Recorded

DECORATORS: dict[str, Callable[[Any], Any]] = {"traced": traced("called"), "monitor": flext_monitor_function("called")}


class Plain:
    def __call__(self, number: int) -> int:
        return number * 2


class Later:
    async def __call__(self, number: int) -> int:
        with traced("inner"):
            await asyncio.sleep(0)
        return number * 2

    async def method(self, number: int) -> int:
        return await self(number)


class Counting:
    def __call__(self, number: int) -> Iterator[int]:
        with traced("inner"):
            yield from range(number)


class CountingLater:
    async def __call__(self, number: int) -> AsyncIterator[int]:
        with traced("inner"):
            for each in range(number):
                yield each


@pytest.fixture(params=DECORATORS)
def decorate(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return DECORATORS[request.param]


def assert_covered(recorded: Recorded) -> None:
    """Assert that the span covered the whole body."""
    outer, inner = recorded.span("called"), recorded.span("inner")
    assert inner.parent == outer.context
    assert (outer.end_time or 0) >= (inner.end_time or 0) > 0


def test_an_object_with_a_plain_call(recorded: Recorded, decorate: Callable[[Any], Any]) -> None:
    assert decorate(Plain())(4) == 8
    assert recorded.span("called").end_time is not None


@pytest.mark.parametrize(
    "make", [Later, lambda: partial(Later(), 4), lambda: Later().method, lambda: partial(partial(Later().method), 4)]
)
def test_the_span_covers_a_coroutine(
    recorded: Recorded, decorate: Callable[[Any], Any], make: Callable[[], Any]
) -> None:
    target = make()
    wrapped = decorate(target)
    assert inspect.iscoroutinefunction(wrapped)

    async def main() -> int:
        result: int = await (wrapped() if isinstance(target, partial) else wrapped(4))
        return result

    assert asyncio.run(main()) == 8
    assert_covered(recorded)


def test_the_span_covers_a_generator(recorded: Recorded, decorate: Callable[[Any], Any]) -> None:
    wrapped = decorate(partial(Counting(), 3))
    assert inspect.isgeneratorfunction(wrapped)
    assert list(wrapped()) == [0, 1, 2]
    assert_covered(recorded)


def test_the_span_covers_an_async_generator(recorded: Recorded, decorate: Callable[[Any], Any]) -> None:
    async def main() -> list[int]:
        return [each async for each in decorate(CountingLater())(3)]

    assert asyncio.run(main()) == [0, 1, 2]
    assert_covered(recorded)


@pytest.mark.parametrize("target", [int, len, lru_cache(len), str.upper, "x".upper])
def test_classes_builtins_and_caches(recorded: Recorded, decorate: Callable[[Any], Any], target: Any) -> None:
    argument: Any = {int: "5", len: "four"}.get(target, "x")
    assert decorate(target)(*([] if target == "x".upper else [argument])) == target(
        *([] if target == "x".upper else [argument])
    )
    assert len(recorded.spans("called")) == 1


def test_an_object_that_is_not_callable_raises_on_the_call(decorate: Callable[[Any], Any]) -> None:
    wrapped = decorate(5)
    with pytest.raises(TypeError, match="not callable"):
        wrapped()
