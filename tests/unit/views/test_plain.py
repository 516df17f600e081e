from __future__ import annotations

import math
from collections import OrderedDict
from enum import IntEnum
from types import MappingProxyType

import pytest

from flext_observability.views.plain import plain_attributes, plain_name, plain_quantity, plain_time, plain_value
from tests.hostile import Hostile


class Text(str):
    """Text whose methods raise."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Level(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), (5.9, 5), (Level.ONE, 1), (-3, -3), (None, 0), ("now", 0), (math.nan, 0), (math.inf, 0), (object(), 0)],
)
def test_time_is_a_whole_number(value: object, expected: int) -> None:
    assert plain_time(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(5, 5), (2.5, 2.5), (True, 1), (Level.ONE, 1)])
def test_quantity_is_a_number(value: object, expected: float) -> None:
    assert plain_quantity(value) == expected


@pytest.mark.parametrize("value", [None, "text", object()])
def test_quantity_of_another_type_is_nan(value: object) -> None:
    assert math.isnan(plain_quantity(value))


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "a"), ("\ud800", "\ud800"), (None, ""), (5, "5"), (Text("x"), "x")]
)
def test_name_is_text(value: object, expected: str) -> None:
    assert plain_name(value) == expected
    assert type(plain_name(value)) is str


@pytest.mark.parametrize("make", [Hostile, object])
def test_any_object_has_a_plain_form(make: type) -> None:
    assert {type(plain_name(make())), type(plain_value(make()))} == {str}
    assert (plain_time(make()), math.isnan(plain_quantity(make()))) == (0, True)


@pytest.mark.parametrize("value", [None, 1, 2.5, True, b"x", "x", [1], (1,), {"a": 1}])
def test_plain_value_is_kept(value: object) -> None:
    assert plain_value(value) is value


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Text("x"), "x"), (Level.ONE, 1), (MappingProxyType({"a": 1}), {"a": 1}), (OrderedDict(a=1), {"a": 1})],
)
def test_other_value_becomes_plain(value: object, expected: object) -> None:
    assert plain_value(value) == expected
    assert type(plain_value(value)) is type(expected)


def test_attributes_are_plain() -> None:
    attributes = plain_attributes({Text("a"): Text("x"), "b": Hostile()})
    assert {type(part) for pair in attributes.items() for part in pair} == {str}
    assert plain_attributes(None) == {}
