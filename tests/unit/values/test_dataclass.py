"""Classes of ``fast_dataclass`` behave as those of ``dataclasses.dataclass`` with ``frozen`` and ``slots``."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.values.dataclass import fast_dataclass


class Fields:
    """Fields of the classes that are compared."""

    a: int
    b: str = "b"
    c: list[int] = dataclasses.field(default_factory=list[int], repr=False)
    d: int = dataclasses.field(default=4, compare=False)
    e: dict[str, int] = dataclasses.field(init=False, default_factory=dict[str, int])


def _make(decorate: Callable[[type], type], **further: object) -> Any:
    names = ("__annotations__", "b", "c", "d", "e")
    body = {name: Fields.__dict__[name] for name in names} | further
    return decorate(type("Point", (), {"__module__": __name__, "__doc__": "A point.", "__qualname__": "Point", **body}))


Point = _make(fast_dataclass(frozen=True, slots=True))
Standard = _make(dataclasses.dataclass(frozen=True, slots=True))


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ((1,), {}),
        ((1, "x", [2]), {"d": 5}),
        ((), {"a": 1, "d": 2}),
        ((), {}),
        ((1,), {"a": 2}),
        ((1,), {"e": {}}),
        ((1,), {"x": 2}),
        ((1, "b", [], 4, {}), {}),
    ],
)
def test_objects_are_created_and_shown_as_by_the_standard_one(arguments: Any, keywords: dict[str, Any]) -> None:
    def outcome(cls: Any) -> object:
        try:
            made = cls(*arguments, **keywords)
        except TypeError:
            return TypeError
        return repr(made), dataclasses.astuple(made)

    assert outcome(Point) == outcome(Standard)


def test_objects_are_compared_by_value_and_class() -> None:
    assert Point(1, d=1) == Point(1, d=2)
    assert Point(1) != Point(2)
    assert Point(1) != Standard(1)
    plain = fast_dataclass(frozen=True, slots=True)(type("Plain", (), {"__annotations__": {"a": "int"}, "a": 1}))
    assert hash(plain()) == hash(plain()) == hash((1,))
    with pytest.raises(TypeError):
        hash(Point(1))


def test_objects_are_frozen() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'a'"):
        point.a = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'a'"):
        del point.a


def test_objects_are_copied_pickled_and_replaced() -> None:
    point = Point(1, c=[2])
    pickled = pickle.loads(pickle.dumps(point))  # noqa: S301 - pickled here
    assert copy.deepcopy(point) == copy.copy(point) == pickled == point
    assert dataclasses.replace(point, a=5) == Point(5, c=[2])
    assert Point.__match_args__ == Standard.__match_args__
    assert Point.__slots__ == Standard.__slots__


def test_the_signature_is_that_of_the_standard_one() -> None:
    ours, standard = (inspect.signature(each) for each in (Point, Standard))
    assert list(ours.parameters) == list(standard.parameters)
    assert [each.kind for each in ours.parameters.values()] == [each.kind for each in standard.parameters.values()]
    assert ours.parameters["b"].default == "b"


def test_own_methods_and_unwanted_ones_are_left_alone() -> None:
    made = _make(fast_dataclass(frozen=True, slots=True, kw_only=True, eq=False), __repr__=lambda _: "own")
    assert repr(made(a=1)) == "own"
    assert made(a=1) != made(a=1)
    with pytest.raises(TypeError):
        made(1)
    bare = fast_dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)(type("Bare", (), {}))
    assert repr(bare()).startswith("<")


def test_objects_of_other_classes_are_mutable_and_not_hashable() -> None:
    made = _make(fast_dataclass(slots=True))
    point = made(1)
    point.a = 2
    assert point == made(2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(point)
    assert isinstance(hash(_make(fast_dataclass(slots=True, eq=False))(1)), int)
    assert copy.copy(point) == point


def test_classes_without_slots_are_refused() -> None:
    with pytest.raises(TypeError, match="slots must be true"):
        fast_dataclass(frozen=True, slots=False)
