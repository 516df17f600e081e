"""Questions about foreign objects have an answer, also when the object raises, lies or never ends."""

from __future__ import annotations

import sys
from collections import UserDict
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, cast

import pytest

from flext_observability import FlextMetric
from flext_observability.values import foreign
from tests.hostile import Hostile
from tests.hostility.kinds import (
    Array,
    EndlessIterator,
    EndlessMapping,
    LocalProxy,
    Lying,
    NamelessError,
    RaisingClass,
)


class Word(StrEnum):
    RED = "red"


class Number(IntEnum):
    SEVEN = 7


class Shouting(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("str")

    __eq__ = __hash__ = lower = __str__  # type: ignore[assignment]


def test_an_object_is_an_instance_of_its_own_type_only() -> None:
    values: list[object] = [Hostile(), LocalProxy(), Lying(str), Lying(FlextMetric), None, 5]
    for value in values:
        assert not foreign.is_a(value, str)
        assert not foreign.is_a(value, FlextMetric)
        assert foreign.plain_text(value) is None


def test_mappings_and_proxies_of_mappings_are_mappings() -> None:
    assert foreign.is_mapping({})
    assert foreign.is_mapping(UserDict())
    assert foreign.is_mapping(Lying(dict))
    assert not foreign.is_mapping([])
    assert not foreign.is_mapping(Hostile())


def test_text_loses_the_methods_of_its_class() -> None:
    for text in ("red", Word.RED, Shouting("red")):
        plain = foreign.plain_text(text)
        assert (type(plain), plain) == (str, "red")
        assert foreign.is_one_of(text, ("red", "green"))
    assert not foreign.is_one_of("blue", ("red", "green"))
    assert not foreign.is_one_of(Array(), ("red", "green"))


def test_numbers_lose_the_methods_of_their_class() -> None:
    values: list[object] = [7, Number.SEVEN, 1.5, True, "7", Hostile(), Array()]
    found = [foreign.plain_number(value) for value in values]
    assert found == [7, 7, 1.5, None, None, None, None]
    assert [type(number) for number in found[:3]] == [int, int, float]


def test_a_float_is_not_a_whole_number() -> None:
    assert foreign.plain_int(1.0) is None
    assert foreign.plain_int(Number.SEVEN) == 7


def test_names_of_types_do_not_ask_the_metaclass() -> None:
    assert foreign.type_name(NamelessError()) == "NamelessError"
    assert foreign.type_name(RaisingClass()) == "RaisingClass"
    assert foreign.qualified_type_name(NamelessError()) == "tests.hostility.kinds.NamelessError"
    assert foreign.type_qualname(Hostile()) == "Hostile"
    assert foreign.qualified_type_name(type("Odd", (), {"__module__": 5})()) == "Odd"


def test_truth_is_false_when_it_raises() -> None:
    values: list[object] = [1, 0, [], Array(), Hostile()]
    assert [foreign.is_true(value) for value in values] == [True, False, False, False, False]


def test_attributes_that_raise_are_missing() -> None:
    assert foreign.attribute(5, "real") == 5
    assert foreign.attribute(5, "missing") is foreign.attribute(Hostile(), "real") is None
    assert foreign.has_methods({}, ("get", "items"))
    assert not foreign.has_methods(Hostile(), ("get",))
    assert foreign.method({}, "__doc__") is None
    assert foreign.method({"a": 1}, "copy") is not None


def test_mappings_and_iterables_are_copied() -> None:
    assert foreign.copy_mapping({"a": 1}) == foreign.copy_mapping(UserDict({"a": 1})) == {"a": 1}
    assert foreign.read_all(range(foreign.MAX_ITEMS)) == list(range(foreign.MAX_ITEMS))


@pytest.mark.parametrize(
    "read", [lambda: foreign.read_all(EndlessIterator()), lambda: foreign.copy_mapping(cast("Any", EndlessMapping()))]
)
def test_endless_objects_are_an_error(read: Callable[[], Any]) -> None:
    with pytest.raises(foreign.TooManyItems, match="more than 10000 items"):
        read()


@pytest.mark.parametrize("question", [foreign.is_true, foreign.is_mapping, lambda value: foreign.attribute(value, "x")])
def test_an_interrupt_propagates(question: Callable[[object], object]) -> None:
    class Interrupted:
        def __getattribute__(self, name: str) -> object:
            raise KeyboardInterrupt

        def __bool__(self) -> bool:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        question(Interrupted())


def test_a_type_that_is_not_imported_has_no_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: Any = foreign.ImportedType("decimal.Decimal")
    assert isinstance(Decimal(1), wanted)
    assert not isinstance(1, wanted)
    assert isinstance(Decimal(1), (str, wanted))
    monkeypatch.delitem(sys.modules, "decimal")
    assert not isinstance(Decimal(1), wanted)
