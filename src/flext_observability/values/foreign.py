"""Questions about objects of foreign code, whose special methods may raise, lie or never end.

``isinstance`` reads ``__class__``, ``in`` calls ``__eq__``, a condition calls ``__bool__``. Proxies without a target,
arrays and mocks raise there. These functions ask the type itself, or contain the exception. Standard library only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Final, TypeGuard, TypeVar, cast

from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")

MAX_ITEMS: Final = 10_000
"""Maximum number of items that are read from a foreign mapping or iterable, which may be endless."""


class TooManyItems(ValueError):
    """A foreign mapping or iterable has more than ``MAX_ITEMS`` items."""

    def __init__(self) -> None:
        super().__init__(f"there are more than {MAX_ITEMS} items")


def is_a(value: object, kind: type[T]) -> TypeGuard[T]:
    """Return whether the type of the value is ``kind`` or a subclass. A different ``__class__`` does not count."""
    return issubclass(type(value), kind)


def is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    """Return whether the value is a mapping, or a proxy of one."""
    if type(value) is dict:
        return True
    try:
        return isinstance(value, Mapping)
    except BaseException as error:  # noqa: BLE001 - a proxy may raise when asked for its class
        reraise_interrupt(error)
        return False


def plain_text(value: object) -> str | None:
    """Return text as ``str`` itself, without the methods of a subclass; None for anything else."""
    if type(value) is str:
        return value
    return str.__str__(value) if is_a(value, str) else None


def plain_number(value: object) -> float | None:
    """Return a number as ``int`` or ``float`` itself, without the methods of a subclass; None for anything else."""
    return float.__float__(value) if is_a(value, float) else plain_int(value)


def plain_int(value: object) -> int | None:
    """Return a whole number as ``int`` itself; None for anything else, and for a bool."""
    return int.__int__(value) if is_a(value, int) and type(value) is not bool else None


def is_one_of(value: object, words: Collection[str]) -> bool:
    """Return whether the value is text and one of the words."""
    text = plain_text(value)
    return text is not None and text in words


def type_name(value: object) -> str:
    """Return the name of the value's type, also when a metaclass hides it."""
    return cast("str", type.__dict__["__name__"].__get__(type(value)))


def type_qualname(value: object) -> str:
    """Return the qualified name of the value's type, also when a metaclass hides it."""
    return cast("str", type.__dict__["__qualname__"].__get__(type(value)))


def qualified_type_name(value: object) -> str:
    """Return module and qualified name of the value's type, also when a metaclass hides them."""
    module = type.__getattribute__(type(value), "__module__")
    return f"{module}.{type_qualname(value)}" if type(module) is str else type_qualname(value)


def is_true(value: object) -> bool:
    """Return the truth of a value; False when it raises."""
    try:
        return bool(value)
    except BaseException as error:  # noqa: BLE001 - the truth of an array is ambiguous
        reraise_interrupt(error)
        return False


def attribute(value: object, name: str) -> object:
    """Return an attribute; None when there is none or reading it raises."""
    try:
        return cast("object", getattr(value, name, None))
    except BaseException as error:  # noqa: BLE001 - a property or a proxy
        reraise_interrupt(error)
        return None


def has_methods(value: object, names: Iterable[str]) -> bool:
    """Return whether all attributes of these names can be called."""
    return all(callable(attribute(value, name)) for name in names)


def method(value: object, name: str) -> Callable[..., object] | None:
    """Return a method; None when the object has none of this name."""
    found = attribute(value, name)
    return found if callable(found) else None


def copy_mapping(value: Mapping[object, object]) -> dict[object, object]:
    """Return the items of a mapping.

    Raises:
        TooManyItems: There are more than ``MAX_ITEMS``, or the mapping is endless.
        BaseException: Any exception of the mapping.
    """
    if type(value) is dict:
        return cast("dict[object, object]", value).copy()
    return dict(read_all(value.items()))


def read_all(items: Iterable[T]) -> list[T]:
    """Return the items of an iterable.

    Raises:
        TooManyItems: There are more than ``MAX_ITEMS``, or the iterable is endless.
        BaseException: Any exception of the iterable.
    """
    found = list(islice(items, MAX_ITEMS + 1))
    if len(found) > MAX_ITEMS:
        raise TooManyItems
    return found


class ImportedType:
    """Type for ``isinstance`` checks that is not imported: without its module, nothing is of this type.

    Args:
        name: Full name: module, dot, class.
    """

    __slots__ = ("_class", "_module")

    def __init__(self, name: str) -> None:
        self._module, _, self._class = name.rpartition(".")

    def __instancecheck__(self, value: object) -> bool:
        """Return whether the value is of the type."""
        return isinstance(value, getattr(sys.modules.get(self._module), self._class, ()))
