"""Hostile arguments by name: objects that raise, never end, or report what they are not."""

from __future__ import annotations

import asyncio
import math
import types
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import PurePosixPath
from typing import Any, NoReturn
from unittest.mock import MagicMock, Mock

from flext_observability import FlextAlert, FlextMetric, FlextTrace
from tests.hostile import Hostile
from tests.hostility.kinds import (
    Array,
    BadFields,
    BadMember,
    BadModel,
    BadZone,
    ChangingHash,
    Custom,
    EndlessAttributes,
    EndlessDict,
    EndlessIterator,
    EndlessMapping,
    EndlessSequence,
    EndlessSet,
    LazyText,
    LocalProxy,
    Lying,
    LyingMapping,
    NamelessError,
    NegativeLength,
    RaisingClass,
    Unreadable,
)
from tests.hostility.limits import step

Make = Callable[[], object]


SPECIAL_METHODS = (
    *("__bool__", "__eq__", "__ne__", "__hash__", "__len__", "__iter__", "__next__", "__getitem__", "__contains__"),
    *("__str__", "__repr__", "__format__", "__int__", "__float__", "__index__", "__complex__", "__getattribute__"),
    *("__getattr__", "__call__", "__enter__", "__lt__", "__le__", "__gt__", "__add__", "__radd__", "__mul__"),
    *("__fspath__", "__bytes__", "__await__", "__reduce__", "__reduce_ex__", "__deepcopy__", "__copy__", "__get__"),
    *("__set_name__", "__dir__", "__sizeof__", "__length_hint__", "__reversed__", "__aenter__", "__aiter__"),
    *("__mro_entries__", "__class_getitem__", "__round__", "__trunc__", "__buffer__", "__setattr__"),
)
PROPERTIES = (
    *("__class__", "__dict__", "__name__", "__qualname__", "__module__", "__doc__", "__wrapped__", "__code__"),
    *("__func__", "__signature__", "__defaults__", "__annotations__", "__self__", "__isabstractmethod__"),
    *("notify", "get", "items", "keys", "store", "query", "lower", "trace_id", "model_fields", "utcoffset", "value"),
)
WITH_OTHER_EXCEPTIONS = ("__class__", "__bool__", "__eq__", "__str__", "__repr__", "__iter__", "__len__", "__hash__")
SUBCLASSED: tuple[tuple[type, Any], ...] = (
    *((str, "text"), (int, 7), (float, 1.5), (bytes, b"raw"), (tuple, (1,)), (list, [1]), (dict, {"a": 1})),
    *((set, {1}), (frozenset, {1}), (Decimal, "1.5"), (PurePosixPath, "a/b")),
)
OVERRIDDEN = (
    *("__bool__", "__eq__", "__ne__", "__hash__", "__len__", "__iter__", "__getitem__", "__contains__", "__str__"),
    *("__repr__", "__format__", "__int__", "__float__", "__lt__", "__le__", "__gt__", "__ge__", "__getattribute__"),
    *("items", "keys", "values", "get", "pop", "copy", "lower", "upper", "strip", "encode", "isascii", "startswith"),
    *("is_integer", "bit_length", "as_tuple", "__sub__", "__add__", "__radd__", "__mul__", "__neg__", "__mod__"),
)


def _raiser(error: type[BaseException]) -> Callable[..., NoReturn]:
    def raise_(*_arguments: object, **_more: object) -> NoReturn:
        raise error("hostile")

    return raise_


def _raising(name: str, error: type[BaseException] = RuntimeError) -> type:
    """Return a class whose instances raise at one special method or attribute."""
    raise_ = _raiser(error)

    def read(self: object, attribute: str) -> object:
        return raise_() if attribute == name else object.__getattribute__(self, attribute)

    if name not in SPECIAL_METHODS:
        return type("Raising", (), {"__getattribute__": read})
    more = {"__hash__": object.__hash__} if name == "__eq__" else {}
    return type("Raising", (), {name: raise_, **more})


def _call_raising(method: str) -> object:
    """Return an object that can be called, and raises at one attribute."""
    return type("CallRaising", (_raising(method),), {"__call__": lambda *_: None})()


def _subclass(base: type, *methods: str, error: type[BaseException] = RuntimeError) -> type:
    raise_ = _raiser(error)
    return type(f"Raising{base.__name__}", (base,), {name: raise_ for name in methods if hasattr(base, name)})


def _cycle(kind: str) -> object:
    found: Any = [] if kind == "list" else {}
    found.append(found) if kind == "list" else found.update(self=found)
    return found


def _deep() -> object:
    found: object = []
    for _ in range(100_000):
        found = [found]
    return found


def _dead_proxy() -> object:
    target = StringIO()
    proxy = weakref.proxy(target)
    del target
    return proxy


def _closed_file() -> object:
    file = StringIO("text")
    file.close()
    return file


async def _coroutine() -> None: ...


async def _async_generator() -> AsyncIterator[int]:
    while True:
        step()
        yield 1


class ClosedCoroutine:
    """A coroutine that was closed, so that Python does not warn about it."""

    def __new__(cls) -> Any:
        made = _coroutine()
        made.close()
        return made


def _generator() -> Iterator[int]:
    while True:
        step()
        yield 1


def _raising_generator(error: type[BaseException]) -> Iterator[int]:
    yield 1
    raise error("hostile")


def _claims(kind: type) -> Make:
    return lambda: Lying(kind)


def _plain() -> dict[str, Make]:
    """Return objects that are only unusual."""
    values: dict[str, object] = {
        "None": None,
        "ellipsis": ...,
        "NotImplemented": NotImplemented,
        "true": True,
        "zero": 0,
        "minus one": -1,
        "nan": math.nan,
        "inf": math.inf,
        "-inf": -math.inf,
        "huge int": 10**5000,
        "-huge int": -(10**5000),
        "int64": 1 << 63,
        "complex": 1j,
        "decimal nan": Decimal("sNaN"),
        "decimal inf": Decimal("-Infinity"),
        "decimal huge": Decimal("1e999999"),
        "surrogate": "\ud800",
        "zero byte": "a\x00b",
        "blank": " ",
        "empty": "",
        "10 MB": "x" * 10_000_000,
        "line end": "a\r\nb: c",
        "bytes": b"\xff\xfe",
        "empty bytes": b"",
        "bytearray": bytearray(b"x"),
        "memoryview": memoryview(b"x"),
        "type": int,
        "module": math,
        "object": object(),
        "function": len,
        "lambda": lambda: 1,
        "exception": ValueError("x"),
        "unreadable": Unreadable(),
        "nameless": NamelessError(),
        "class": RaisingClass,
        "datetime": datetime(1, 1, 1, tzinfo=BadZone()),
        "naive": datetime(2026, 1, 1),  # noqa: DTZ001 - the point
        "timezone": UTC,
        "timedelta": timedelta.max,
        "range": range(10**18),
        "slice": slice(None),
        "property": property(),
        "staticmethod": staticmethod(len),
        "namespace": types.SimpleNamespace(),
        "set": {1, "a"},
        "odd mapping": {None: 1, 2: [3], b"x": {}},
        "empty list": [],
        "empty dict": {},
    }
    return {name: lambda value=value: value for name, value in values.items()}  # type: ignore[misc]


def hostile_objects() -> dict[str, Make]:
    """Return a function for each hostile object, by name."""
    objects: dict[str, Make] = {
        "everything raises": Hostile,
        **{f"raises at {name}": _raising(name) for name in SPECIAL_METHODS},
        **{f"raises at {name}": _raising(name) for name in PROPERTIES},
        **{f"function, raises at {name}": partial(_call_raising, name) for name in PROPERTIES},
    }
    for error in (SystemExit, asyncio.CancelledError, Custom, Unreadable, NamelessError, StopIteration):
        kind = "NamelessError" if error is NamelessError else error.__name__
        for name in WITH_OTHER_EXCEPTIONS:
            objects[f"{kind} at {name}"] = _raising(name, error)
    for base, value in SUBCLASSED:
        for name in OVERRIDDEN:
            if hasattr(base, name) and (base, name) != (PurePosixPath, "__getattribute__"):  # cannot be made
                objects[f"{base.__name__}, raises at {name}"] = lambda base=base, name=name, value=value: _subclass(
                    base, name
                )(value)  # type: ignore[misc]
        everything = [name for name in OVERRIDDEN if name != "__getattribute__"]
        objects[f"{base.__name__}, raises at all"] = lambda base=base, names=everything, value=value: _subclass(
            base, *names, error=Custom
        )(value)  # type: ignore[misc]
    objects |= {
        "LocalProxy": LocalProxy,
        "LazyText": LazyText,
        "array": Array,
        "dead proxy": _dead_proxy,
        "endless iterator": EndlessIterator,
        "endless generator": _generator,
        "endless sequence": EndlessSequence,
        "endless mapping": EndlessMapping,
        "endless dict": lambda: EndlessDict(a=1),
        "endless set": EndlessSet,
        "endless attributes": EndlessAttributes,
        "lying mapping": LyingMapping,
        "changing hash": lambda: ChangingHash("a"),
        "negative length": NegativeLength,
        "raising generator": lambda: _raising_generator(RuntimeError),
        "exiting generator": lambda: _raising_generator(SystemExit),
        "async generator": _async_generator,
        "list in itself": lambda: _cycle("list"),
        "dict in itself": lambda: _cycle("dict"),
        "deep list": _deep,
        "closed file": _closed_file,
        "coroutine": ClosedCoroutine,
        "MagicMock": MagicMock,
        "Mock of a metric": lambda: Mock(spec=FlextMetric),
        "member": lambda: BadMember.ONE,
        "dataclass": BadFields,
        "model": BadModel,
        "list of hostile": lambda: [Hostile()],
        "tuple of hostile": lambda: (Hostile(), Hostile()),
        "mapping to hostile": lambda: dict.fromkeys(("a", "labels", "parent_trace_id", "level", "value"), Hostile()),
        "returns hostile": lambda: lambda *_, **__: Hostile(),
        "raises when called": lambda: _raiser(RuntimeError),
        "exits when called": lambda: _raiser(SystemExit),
        "unreadable when called": lambda: _raiser(Unreadable),
        "nameless when called": lambda: _raiser(NamelessError),
        **{f"claims to be {kind.__name__}": _claims(kind) for kind in (str, int, dict, list)},
        **{f"claims to be {kind.__name__}": _claims(kind) for kind in (FlextMetric, FlextTrace, FlextAlert)},
    }
    return objects | _plain()
