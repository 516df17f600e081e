"""ObservableCallback: both forms of the API, results of any type, exceptions of any type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import repeat
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation

from flext_observability.engine import observable_callback as module
from flext_observability.engine.observable_callback import ObservableCallback, Observed
from tests.hostile import Hostile

OPTIONS = CallbackOptions(timeout_millis=1000)
ONE = Observation(1)


def guarded(callback: object) -> ObservableCallback:
    return ObservableCallback("x", callback, lambda _: ())


def call(callback: object) -> Observed:
    return guarded(callback).call(OPTIONS)


def counting() -> Generator[Iterable[Observation], CallbackOptions, None]:
    options = yield []
    for number in (1, 2):
        options = yield [Observation(number, {"timeout": options.timeout_millis})]


def test_a_function_gets_the_options() -> None:
    found = call(lambda options: [Observation(options.timeout_millis)])
    assert found == Observed([Observation(1000)], None)


def test_a_generator_function_yields_observations() -> None:
    def observe(_: CallbackOptions) -> Iterator[Observation]:
        yield ONE
        yield Observation(2, {"a": "b"})

    assert call(observe).observations == [ONE, Observation(2, {"a": "b"})]


def test_a_generator_starts_once_and_gets_the_options_of_each_call() -> None:
    callback = guarded(counting())
    found = [callback.call(OPTIONS).observations for _ in range(2)]
    assert found == [[Observation(number, {"timeout": 1000})] for number in (1, 2)]


def test_a_started_generator_continues_with_another_instrument() -> None:
    generator = counting()
    guarded(generator).call(OPTIONS)
    assert [each.value for each in call(generator).observations] == [2]


def test_a_generator_of_another_class_starts_once() -> None:
    class Delegating(Generator[Iterable[Observation], CallbackOptions, None]):
        def __init__(self) -> None:
            self._inner = counting()

        def send(self, value: Any) -> Iterable[Observation]:
            return self._inner.send(value)

        def throw(self, *error: Any) -> Iterable[Observation]:
            raise AssertionError("a collection throws nothing into a generator")

    callback = guarded(Delegating())
    assert [callback.call(OPTIONS).observations[0].value for _ in range(2)] == [1, 2]


def test_an_exhausted_generator_fails_and_is_named() -> None:
    callback = guarded(counting())
    failures = [callback.call(OPTIONS).failure for _ in range(4)]
    assert [str(each) for each in failures[2:]] == ["its generator has ended"] * 2


def test_a_raising_generator_fails() -> None:
    def failing() -> Generator[Iterable[Observation], CallbackOptions, None]:
        yield []
        raise ZeroDivisionError

    assert isinstance(call(failing()).failure, ZeroDivisionError)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_observations_before_an_exception_are_kept(kind: type[BaseException]) -> None:
    def observe(_: CallbackOptions) -> Iterator[Observation]:
        yield ONE
        raise kind

    with ThreadPoolExecutor() as threads:  # in the main thread, KeyboardInterrupt is Ctrl-C
        found = threads.submit(call, observe).result()
    assert found.observations == [ONE]
    assert isinstance(found.failure, kind)


def test_a_coroutine_function_is_a_failure_without_a_warning() -> None:
    async def observe(_: CallbackOptions) -> list[Observation]:
        raise AssertionError

    assert "coroutine function" in str(call(observe).failure)


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (lambda: None, "returned None"),
        (lambda: 5, "not iterable"),
        (Hostile, "__class__"),
        (lambda: ["text"], "an item of type str instead of an Observation"),
        (lambda: [Observation("5")], "a value of type str"),  # type: ignore[arg-type]
        (lambda: [Observation(None)], "NoneType"),  # type: ignore[arg-type]
        (lambda: [Observation(float("nan"))], "observed nan"),
        (lambda: [Observation(10**400)], "too large"),
        (lambda: [Hostile()], "__class__"),
        (lambda: [Observation(Hostile())], "__class__"),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_result_is_a_failure(result: Callable[[], object], problem: str) -> None:
    found = call(lambda _: result())
    assert not found.observations
    assert found.failure is not None
    assert problem in str(found.failure)


def test_an_object_that_cannot_be_called_is_a_failure() -> None:
    for each in (None, 5, Hostile()):
        assert call(each).failure is not None


def test_valid_items_beside_an_invalid_one_are_kept() -> None:
    found = call(lambda _: ["text", ONE, Observation(float("inf"))])
    assert found.observations == [ONE]
    assert str(found.failure) == "it observed inf"


def test_an_endless_iterator_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OBSERVATIONS", 10)
    for item in (ONE, "text"):
        found = call(lambda _, item=item: repeat(item))
        assert not found.observations
        assert str(found.failure) == "it returns more than 10 observations"
    assert len(call(lambda _: [ONE] * 10).observations) == 10


@pytest.mark.parametrize("value", [True, Decimal(1), 1.0, 1])
def test_numbers_of_any_type_are_plain_numbers(value: Any) -> None:
    (found,) = call(lambda _: [Observation(value)]).observations
    assert found.value == 1
    assert type(found.value) in {int, float}


def test_an_integer_beyond_64_bits_is_a_float() -> None:
    (found,) = call(lambda _: [Observation(1 << 63)]).observations
    assert type(found.value) is float


def test_attributes_are_encoded() -> None:
    given: Any = {"a": {"nested": [1]}, "b": "\ud800", "c": [1, 2], "d": Hostile()}
    (found,) = call(lambda _: [Observation(1, given)]).observations
    attributes = dict(found.attributes or {})
    assert attributes.pop("d").startswith("<unprintable")  # type: ignore[union-attr]
    assert attributes == {"a": '{"nested":[1]}', "b": "\ufffd", "c": (1, 2)}


def test_a_context_is_kept_and_another_object_is_not() -> None:
    context = Context({"a": 1})
    wrong: Any = Hostile()
    found = call(lambda _: [Observation(1, context=context), Observation(2, context=wrong)])
    assert [each.context for each in found.observations] == [context]
    assert found.failure is not None


def test_a_reader_gets_what_is_asked_for() -> None:
    callback = ObservableCallback(Hostile(), counting(), lambda _: [ONE])
    assert list(callback(OPTIONS)) == [ONE]
    assert callback.instrument.startswith("<unprintable")
