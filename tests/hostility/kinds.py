"""Classes of hostile objects: proxies, arrays, endless and lying containers, unreadable values."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from enum import Enum
from typing import Any, NoReturn

from pydantic import BaseModel

from tests.hostile import Hostile
from tests.hostility.limits import step


class Custom(BaseException):
    """An exception that is not an ``Exception``."""


class Unreadable(Exception):
    """An exception whose message raises."""

    def __str__(self) -> str:
        raise RuntimeError("no message")

    __repr__ = __str__


class LocalProxy:  # noqa: PLW1641 - all in one line below
    """A proxy without a target, as werkzeug's ``LocalProxy`` outside a request."""

    __slots__ = ()

    @property
    def __class__(self) -> type:
        raise RuntimeError("working outside of request context")

    @__class__.setter
    def __class__(self, _: type) -> None: ...

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"working outside of request context: {name}")

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "<LocalProxy unbound>"

    def __eq__(self, other: object) -> NoReturn:
        raise RuntimeError("working outside of request context")

    __hash__ = __iter__ = __len__ = __str__ = __int__ = __float__ = __call__ = __eq__  # type: ignore[assignment]


class LazyText:
    """Text that is computed on use, as Django's ``gettext_lazy``."""

    def __getattr__(self, name: str) -> object:
        return getattr("lazy", name)

    def __str__(self) -> str:
        raise RuntimeError("the translation is not ready")

    def __eq__(self, other: object) -> bool:
        return str(self) == other

    def __hash__(self) -> int:
        return hash(str(self))


class Array:
    """An array of NumPy: comparisons give arrays, whose truth is ambiguous."""

    dtype, shape, ndim = "float64", (2,), 1

    def __bool__(self) -> bool:
        raise ValueError("The truth value of an array with more than one element is ambiguous")

    def __eq__(self, other: object) -> Array:  # type: ignore[override]
        return Array()

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __mul__ = __eq__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[float]:
        return iter((1.0, 2.0))

    def __float__(self) -> float:
        raise TypeError("only length-1 arrays can be converted")


class EndlessIterator:
    """An iterator without an end."""

    def __iter__(self) -> EndlessIterator:
        return self

    def __next__(self) -> int:
        step()
        return 1

    def __aiter__(self) -> EndlessIterator:
        return self

    async def __anext__(self) -> int:
        return next(self)


class EndlessSequence(Sequence[int]):
    """A sequence whose length is not the number of its items."""

    def __getitem__(self, index: Any) -> Any:
        step()
        return 1

    def __len__(self) -> int:
        return 3


class EndlessMapping(Mapping[str, int]):
    """A mapping that never ends."""

    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            step()
            number += 1
            yield f"key{number}"

    def __len__(self) -> int:
        return 1


class EndlessSet(AbstractSet[int]):
    """A set that never ends."""

    def __contains__(self, item: object) -> bool:
        return True

    def __iter__(self) -> Iterator[int]:
        return EndlessIterator()

    def __len__(self) -> int:
        return 2


class EndlessDict(dict[str, Any]):
    """A dictionary whose views never end."""

    def items(self) -> Any:
        return ((f"key{number}", number) for number in EndlessIterator())

    def __iter__(self) -> Iterator[Any]:
        return EndlessIterator()

    keys = values = __iter__  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return True


class EndlessAttributes:
    """An object whose attributes, items and results are itself."""

    def __getattr__(self, name: str) -> EndlessAttributes:
        step()
        return self

    def __call__(self, *_: object, **__: object) -> EndlessAttributes:
        step()
        return self

    __getitem__ = __call__

    def __await__(self) -> Iterator[object]:
        return EndlessIterator()


class Lying:
    """An object whose ``__class__`` is another one."""

    def __init__(self, kind: type) -> None:
        self.__dict__["kind"] = kind

    @property
    def __class__(self) -> Any:
        return self.__dict__["kind"]

    @__class__.setter
    def __class__(self, _: type) -> None: ...


class LyingMapping(Mapping[Any, Any]):
    """A mapping with keys that it does not have, which are not text."""

    def __getitem__(self, key: object) -> NoReturn:
        raise KeyError(key)

    def __iter__(self) -> Iterator[object]:
        return iter((1, None, b"x", "a", Hostile))

    def __len__(self) -> int:
        return sys.maxsize


class ChangingHash(str):  # noqa: SLOT000 - used as a plain class
    """Text with another hash each time."""

    hashes = iter(range(1 << 60))

    def __hash__(self) -> int:
        return next(self.hashes)

    __eq__ = str.__eq__


class NegativeLength(list[int]):
    """A list with a negative length."""

    def __len__(self) -> int:
        return -1  # noqa: PLE0303 - the point


class BadZone(tzinfo):
    """A time zone that raises."""

    def utcoffset(self, _: object) -> timedelta:
        raise RuntimeError("no zone")

    dst = tzname = utcoffset  # type: ignore[assignment]


class BadMember(Enum):
    """An enumeration whose member has no readable value."""

    ONE = "one"

    @property
    def value(self) -> NoReturn:
        raise RuntimeError("no value")


@dataclass
class BadFields:
    """A dataclass with a field that raises."""

    x: int = 0

    def __getattribute__(self, name: str) -> object:
        if name == "x":
            raise RuntimeError(name)
        return object.__getattribute__(self, name)


class BadModel(BaseModel):
    """A model with a field that raises."""

    number: int = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "number":
            raise RuntimeError(name)
        return super().__getattribute__(name)


class _RaisingMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        raise RuntimeError("instancecheck")

    __subclasscheck__ = __instancecheck__

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("name")

    def __str__(cls) -> str:
        raise RuntimeError("str")

    def __repr__(cls) -> str:
        raise RuntimeError("repr")


RaisingClass = _RaisingMeta("RaisingClass", (), {})


class NamelessError(Exception, metaclass=_RaisingMeta):
    """An exception whose type has no readable name."""
