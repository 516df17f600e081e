"""Stream: series by attributes of any type, numbers of any type, the limit and its overflow."""

from __future__ import annotations

import tracemalloc
from collections import UserDict
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from itertools import count
from math import inf, nan
from types import MappingProxyType
from typing import Any

import pytest

from flext_observability.engine.metrics.attributes import clean
from flext_observability.engine.metrics.limits import MAX_NAMED, metric_limits
from flext_observability.engine.metrics.stream import MAX_ORDERS
from tests.hostile import Hostile
from tests.unit.engine.metrics.parts import Metrics


class Level(IntEnum):
    """A number with a name."""

    HIGH = 3


class Half(float):
    """A float with methods of its own."""


class Name(str):
    """A text with methods of its own."""

    __slots__ = ()


class Text:
    """An object with a text of its own."""

    def __str__(self) -> str:
        return "text"


def test_types_are_kept_apart_and_orders_are_not() -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    for _ in range(2):
        for value in (1, 1.0, True, "1"):
            counter.add(1, {"a": value, "b": 2})
            counter.add(1, {"b": 2, "a": value})
    assert [point.value for point in metrics.points()] == [4, 4, 4, 4]


def test_equal_attributes_of_other_mappings_have_one_series() -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    same: tuple[Any, ...] = ({"a": 1}, MappingProxyType({"a": 1}), UserDict({"a": 1}), {Name("a"): 1}, {"a": True + 0})
    none: tuple[Any, ...] = (None, {}, MappingProxyType({}), 5, "ab", Hostile(), {"": 1})
    for attributes in (*same, *none):
        counter.add(1, attributes)
    counter.add(1)
    assert metrics.values() == {"{'a': 1}": 5, "{}": 8}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, "a"], (1, "a")),
        ({"x": [1]}, {"x": (1,)}),
        (b"a", b"a"),
        (bytearray(b"a"), (97,)),
        (None, None),
        (Level.HIGH, 3),
        (Half(0.5), 0.5),
        (Name("n"), "n"),
        (type("Raw", (bytes,), {})(b"r"), b"r"),
        (Text(), "text"),
        (object(), None),
        ({1}, "{1}"),
        (Decimal("1.5"), "1.5"),
    ],
)
def test_values_are_cleaned_as_by_the_sdk(value: object, expected: object) -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    counter.add(1, {"a": value})
    counter.add(1, {"a": value})
    ((found, total),) = [(point.attributes["a"], point.value) for point in metrics.points()]
    assert (found, type(found), total) == (expected, type(expected), 2)


def test_names_of_any_type_become_text_or_are_left_out() -> None:
    assert clean({5: 1, None: 2, object(): 3, Text(): 4}) == {"5": 1, "text": 4}


def test_nested_values_end() -> None:
    endless: list[object] = []
    endless.append(endless)
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    for value in (endless, deep):
        counter.add(1, {"a": value})
    assert sum(metrics.values().values()) == 2


def test_nan_is_one_series() -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    for _ in range(3):
        counter.add(1, {"a": float("nan")})
    assert [point.value for point in metrics.points()] == [3]


def test_changed_attributes_have_another_series() -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    attributes: dict[str, Any] = {"a": [1]}
    counter.add(1, attributes)
    attributes["a"].append(2)
    counter.add(1, attributes)
    assert metrics.values() == {"{'a': (1,)}": 1, "{'a': (1, 2)}": 1}


def test_buffers_with_equal_bytes_are_kept_apart() -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    for _ in range(2):
        for value in (b"ab", bytearray(b"ab"), memoryview(b"ab")):
            counter.add(1, {"a": value})
    assert [point.value for point in metrics.points()] == [2, 4]


@pytest.mark.parametrize("value", [-1, -0.5, nan, inf, -inf, 10**400, "1", b"1", None, [], 1j, Hostile])
def test_numbers_that_are_not_allowed_are_left_out(value: object, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    counter, histogram = metrics.meter.create_counter("c"), metrics.meter.create_histogram("h")
    given = Hostile() if value is Hostile else value
    for record in (counter.add, counter.bind().add, histogram.record, histogram.bind({"a": 1}).record):
        record(given)
        record(2)
    assert metrics.points()[0].value == 4
    assert [point.count for point in metrics.points()[1:]] == [1, 1]
    assert "c" in caplog.text


@pytest.mark.parametrize("value", [nan, inf, -inf, "1"])
def test_gauges_and_up_down_counters_accept_all_finite_numbers(value: object) -> None:
    metrics = Metrics()
    gauge, counter = metrics.meter.create_gauge("g"), metrics.meter.create_up_down_counter("u")
    for record in (gauge.set, gauge.bind({"a": 1}).set, counter.add, counter.bind({"a": 1}).add):
        record(-2.5)
        record(value)
    assert [point.value for point in metrics.points()] == [-2.5] * 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, 1), (Level.HIGH, 3), (Half(0.5), 0.5), (Decimal("1.5"), 1.5), (Fraction(1, 2), 0.5), (0, 0)],
)
def test_numbers_of_other_types_become_plain(value: Any, expected: float) -> None:
    metrics = Metrics()
    metrics.meter.create_counter("c").add(value)
    (point,) = metrics.points()
    assert (point.value, type(point.value)) == (expected, type(expected))


def test_the_limit_is_reached_by_further_attributes_alone(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(limit=3)
    counter = metrics.meter.create_counter("c")
    for _ in range(2):
        for number in range(3):
            counter.add(1, {"user": number, "kind": "a"})
    assert len(metrics.points()) == 3
    assert metric_limits().notices() == ()
    counter.add(1, {"user": 4, "kind": "a"})
    counter.add(1, {"user": 5, "kind": "b"})
    counter.add(1)
    counter.bind({"user": 6}).add(1)
    assert metrics.values()["{'otel.metric.overflow': True}"] == 4
    (notice,) = metric_limits().notices()
    assert notice.message.startswith("The instrument c has 3 series, its limit: the attribute user has 3 values")
    assert caplog.text.count("its limit") == 1


def test_a_series_that_another_thread_creates_meanwhile_counts_once_towards_the_limit() -> None:
    metrics = Metrics(limit=2)
    counter = metrics.meter.create_counter("c")
    held: Any = counter.stream
    create, racing = held._new_series, [True]

    def create_after_the_other_thread(attributes: Any, lock: Any, limit: int) -> Any:
        if racing and racing.pop():
            counter.add(1, {"k": 1})
        return create(attributes, lock, limit)

    held._new_series = create_after_the_other_thread
    for value in (1, 2, 3):
        counter.add(1, {"k": value})
    assert metrics.values() == {"{'k': 1}": 2, "{'k': 2}": 1, "{'otel.metric.overflow': True}": 1}


def test_the_limit_may_be_reached_without_attributes() -> None:
    metrics = Metrics(limit=1)
    counter = metrics.meter.create_counter("c")
    counter.add(1)
    counter.add(1, {"a": 1})
    assert "its limit: the limit is 1" in metric_limits().notices()[0].message


def test_an_attribute_of_the_program_may_have_the_name_of_the_overflow() -> None:
    metrics = Metrics(limit=1)
    counter = metrics.meter.create_counter("c")
    counter.add(1, {"otel.metric.overflow": True})
    counter.add(1, {"a": 1})
    assert metrics.values() == {"{'otel.metric.overflow': True}": 2}


def test_notices_about_series_are_bounded() -> None:
    for number in range(MAX_NAMED + 3):
        metric_limits().add_series(f"i{number}", 1, [{}])
    assert len(metric_limits().notices()) == MAX_NAMED


def test_orders_of_attributes_are_remembered_up_to_a_limit() -> None:
    metrics = Metrics(limit=1)
    counter = metrics.meter.create_counter("c")
    names = [f"n{number}" for number in range(6)]
    for first in range(6):
        ordered = names[first:] + names[:first]
        for _ in range(2):
            counter.add(1, dict.fromkeys(ordered, 1))
    assert len(counter.stream.cache) == MAX_ORDERS
    assert [point.value for point in metrics.points()] == [12]


def test_memory_is_flat_for_any_number_of_attribute_sets() -> None:
    metrics = Metrics(limit=50)
    counter = metrics.meter.create_counter("c")

    def measure(first: int, count: int) -> int:
        for number in range(first, first + count):
            counter.add(1, {"user": number})
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = measure(0, 2000)
        assert measure(2000, 20_000) - before < 30_000
    finally:
        tracemalloc.stop()
    assert sum(metrics.values().values()) == 22_000


class Endless(UserDict[str, int]):
    """A mapping whose items do not end, or raise."""

    def __init__(self, error: BaseException | None) -> None:
        super().__init__({"a": 1})
        self._error = error

    def items(self) -> Any:
        if self._error is not None:
            raise self._error
        return ((f"k{number}", number) for number in count())


@pytest.mark.parametrize("error", [None, ValueError("no"), SystemExit(3)])
def test_mappings_that_do_not_end_or_raise_give_no_attributes(
    error: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    metrics.meter.create_counter("c").add(1, Endless(error))
    assert metrics.values() == {"{}": 1}
    assert "Reading the attributes of a measurement failed" in caplog.text


def test_attributes_that_another_thread_changes_are_not_remembered() -> None:
    attributes = {"a": 1}
    changes = iter((2,))

    def change_meanwhile(cleaned: dict[str, Any]) -> dict[str, Any]:
        attributes["a"] = next(changes, attributes["a"])
        return cleaned

    metrics = Metrics(redact=change_meanwhile)
    counter = metrics.meter.create_counter("c")
    counter.add(1, attributes)
    assert counter.stream.cache == {}
    counter.add(1, attributes)
    assert metrics.values() == {"{'a': 1}": 1, "{'a': 2}": 1}
