"""Named tuples equal those of ``typing``."""

from __future__ import annotations

import pickle
import typing
from typing import Any

import pytest

from flext_observability.values.named_tuple import NamedTuple


class Ours(NamedTuple):
    """Two fields."""

    name: str
    number: int | None = 3

    @property
    def text(self) -> str:
        """Name and number."""
        return f"{self.name} {self.number}"

    def twice(self) -> Ours:
        """Return a copy."""
        return self._replace(name=self.name * 2)


class Standard(typing.NamedTuple):
    """Two fields."""

    name: str
    number: int | None = 3


def test_objects_equal_those_of_the_standard_class() -> None:
    made: Any = Ours  # wrong calls are meant
    ours: Any = made("a")
    standard: Any = Standard("a")
    assert ours == standard == ("a", 3)
    assert hash(ours) == hash(standard)
    assert repr(ours) == repr(standard).replace("Standard", "Ours")
    assert ours._asdict() == standard._asdict()
    assert (ours.name, ours.number, made(number=None, name="b")) == ("a", 3, ("b", None))
    with pytest.raises(TypeError):
        made()
    with pytest.raises(AttributeError):
        ours.name = "b"


def test_methods_and_properties_stay() -> None:
    assert (Ours("a", 1).text, Ours("a", 1).twice()) == ("a 1", ("aa", 1))


@pytest.mark.parametrize(
    "attribute", ["__doc__", "__module__", "_fields", "_field_defaults", "__match_args__", "__bases__", "__slots__"]
)
def test_classes_have_the_attributes_of_the_standard_class(attribute: str) -> None:
    assert getattr(Ours, attribute) == getattr(Standard, attribute)


def test_a_copy_of_a_pickle_is_equal() -> None:
    copied: Any = pickle.loads(pickle.dumps(Ours("a", 2)))  # noqa: S301 - our own
    assert (type(copied), copied) == (Ours, ("a", 2))
    assert (Ours.__qualname__, typing.get_type_hints(Ours)) == ("Ours", {"name": str, "number": int | None})
