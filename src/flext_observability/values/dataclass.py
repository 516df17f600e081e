"""Class with annotated fields → dataclass with slots, in a tenth of the import time of the standard one.

``dataclasses.dataclass`` compiles six functions for each class, half a millisecond each time that a program starts.
Classes of this module share these functions. Creating an object takes about twice as long, so classes with many short-
lived objects use the standard one.
"""

from __future__ import annotations

import dataclasses
import inspect  # dataclasses imports it
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

_set = object.__setattr__


class _Signature:
    """Makes the signature of a class when ``inspect`` and ``help`` ask for it."""

    def __get__(self, _instance: object, owner: type) -> inspect.Signature:
        kinds = {False: inspect.Parameter.POSITIONAL_OR_KEYWORD, True: inspect.Parameter.KEYWORD_ONLY}
        fields = (each for each in dataclasses.fields(cast("Any", owner)) if each.init)
        parameters = [
            inspect.Parameter(each.name, kinds[bool(each.kw_only)], default=_shown_default(each), annotation=each.type)
            for each in fields
        ]
        return inspect.Signature(parameters, return_annotation=None)


def _shown_default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default


def _init(self: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 - of any class
    fields = self.__dataclass_fields__
    names = self.__match_args__
    if len(arguments) > len(names):
        raise TypeError(f"{type(self).__name__}() takes {len(names)} positional arguments, got {len(arguments)}")
    given = dict(zip(names, arguments, strict=False))
    if not given.keys().isdisjoint(keywords):
        raise TypeError(f"{type(self).__name__}() got several values for one argument")
    given.update(keywords)
    for name, field in fields.items():
        if name in given and field.init:
            value = given.pop(name)
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            raise TypeError(f"{type(self).__name__}() needs the argument {name!r}")
        _set(self, name, value)
    if given:
        raise TypeError(f"{type(self).__name__}() got an unexpected argument {next(iter(given))!r}")


def _repr(self: Any) -> str:  # noqa: ANN401 - of any class
    shown = (f"{name}={getattr(self, name)!r}" for name, field in self.__dataclass_fields__.items() if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _compared(self: Any) -> tuple[object, ...]:  # noqa: ANN401 - of any class
    return tuple(getattr(self, name) for name, field in self.__dataclass_fields__.items() if field.compare)


def _eq(self: object, other: object) -> bool:
    return _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented


def _hash(self: object) -> int:
    return hash(_compared(self))


def _setattr(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[object]:  # noqa: ANN401 - of any class
    return [getattr(self, name) for name in self.__dataclass_fields__]


def _setstate(self: Any, state: list[object]) -> None:  # noqa: ANN401 - of any class
    for name, value in zip(self.__dataclass_fields__, state, strict=True):
        _set(self, name, value)


_INIT: Mapping[str, object] = {"__init__": _init, "__signature__": _Signature()}
_REPR: Mapping[str, object] = {"__repr__": _repr}
_FROZEN: Mapping[str, object] = {
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}


def fast_dataclass(
    *,
    slots: bool,
    frozen: bool = False,
    kw_only: bool = False,
    init: bool = True,
    repr: bool = True,  # noqa: A002
    eq: bool = True,
) -> Callable[[type], type]:
    """Return a class decorator like ``dataclasses.dataclass``, which type checkers see as ``dataclass`` of this module.

    ``fields``, ``replace``, ``asdict``, ``match``, pickling, copying and ``inspect.signature`` work as with it.

    Args:
        slots: Must be true.
        frozen: Whether to refuse assignments.
        kw_only: Whether the arguments are keyword-only.
        init: Whether to add ``__init__``.
        repr: Whether to add ``__repr__``.
        eq: Whether to add ``__eq__``, with ``__hash__`` for a frozen class. Others are not hashable then.
    """
    if not slots:
        raise TypeError("slots must be true")
    added = {**(_INIT if init else {}), **(_REPR if repr else {}), **(_FROZEN if frozen else {})}
    if eq:
        added |= {"__eq__": _eq, "__hash__": _hash if frozen else None}

    def decorate(cls: type) -> type:
        own = cls.__dict__.keys() - ({"__hash__"} if "__eq__" not in cls.__dict__ else ())
        made = cast(
            "type",
            dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls),
        )
        for name in added.keys() - own:
            setattr(made, name, added[name])
        return made

    return decorate


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = fast_dataclass

__all__ = ["dataclass", "fast_dataclass"]
