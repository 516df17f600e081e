"""Values of every unusual kind, each created by a function, for attributes, names, units, times and measurements."""

from __future__ import annotations

import enum
import uuid
from array import array
from collections import OrderedDict, UserDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from tests.hostile import Hostile


class Text(str):
    """A subclass of str with its own text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "own text"


class Whole(int):
    """A subclass of int."""


class Real(float):
    """A subclass of float."""


class Plain(bytes):
    """A subclass of bytes."""


class Names(dict[Any, Any]):
    """A subclass of dict."""


class Items(list[Any]):
    """A subclass of list."""


class Color(enum.Enum):
    """An enum."""

    RED = 1


class Level(enum.IntEnum):
    """An enum of int."""

    LOW = 1


class Word(enum.StrEnum):
    """An enum of str."""

    YES = "yes"


@dataclass
class Point:
    """A dataclass."""

    x: int = 1


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def nested_mappings(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def endless() -> object:
    items: list[object] = []
    items.append(items)
    return items


UNUSUAL: Mapping[str, Callable[[], Any]] = {
    "none": lambda: None,
    "text": lambda: "text",
    "no text": lambda: "",
    "not ascii": lambda: "\N{SNOWMAN}\N{GRINNING FACE}",
    "surrogate": lambda: "a\ud800b",
    "null character": lambda: "a\0b",
    "long text": lambda: "x" * 20_000,
    "text of a subclass": lambda: Text("t"),
    "bytes": lambda: b"raw",
    "bytes that are not text": lambda: b"\xff\xfe",
    "bytes of a subclass": lambda: Plain(b"raw"),
    "bytearray": lambda: bytearray(b"raw"),
    "memoryview": lambda: memoryview(b"raw"),
    "array": lambda: array("d", [1.0, 2.0]),
    "true": lambda: True,
    "zero": lambda: 0,
    "one": lambda: 1,
    "one as a float": lambda: 1.0,
    "negative": lambda: -5,
    "negative zero": lambda: -0.0,
    "greatest int64": lambda: 2**63 - 1,
    "beyond int64": lambda: 2**63,
    "below int64": lambda: -(2**63) - 1,
    "beyond floats": lambda: 10**400,
    "int of a subclass": lambda: Whole(7),
    "float of a subclass": lambda: Real(7.5),
    "tiny": lambda: 5e-324,
    "greatest float": lambda: 1.7976931348623157e308,
    "nan": lambda: float("nan"),
    "infinite": lambda: float("inf"),
    "complex": lambda: 1 + 2j,
    "decimal": lambda: Decimal("1.50"),
    "decimal nan": lambda: Decimal("NaN"),
    "fraction": lambda: Fraction(1, 3),
    "enum": lambda: Color.RED,
    "int enum": lambda: Level.LOW,
    "str enum": lambda: Word.YES,
    "time": lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "duration": lambda: timedelta(seconds=1.5),
    "uuid": lambda: uuid.UUID(int=5),
    "path": lambda: PurePosixPath("/tmp/x"),
    "dataclass": Point,
    "list": lambda: [1, 2],
    "empty list": list,
    "list of text": lambda: ["a", "b"],
    "list of none": lambda: [None, None],
    "list with none": lambda: ["a", None],
    "mixed list": lambda: [1, "a", 2.5, True],
    "int and float": lambda: [1, 2.5],
    "int and bool": lambda: [1, True],
    "list of lists": lambda: [[1], ["a"]],
    "list of a subclass": lambda: Items([1, 2]),
    "list of surrogates": lambda: ["\ud800", "a"],
    "list of big ints": lambda: [2**63, 1],
    "list of objects": lambda: [Decimal(1), Color.RED],
    "tuple": lambda: (1.5, 2.5),
    "range": lambda: range(3),
    "set": lambda: {1},
    "frozenset": lambda: frozenset(("a",)),
    "generator": lambda: (each for each in (1, 2)),
    "mapping": lambda: {"a": 1},
    "empty mapping": dict,
    "mapping of a subclass": lambda: Names(a=1),
    "ordered mapping": lambda: OrderedDict(b=1, a=2),
    "user mapping": lambda: UserDict(a=1),
    "read-only mapping": lambda: MappingProxyType({"a": 1}),
    "mapping with other keys": lambda: {1: "a", None: "b", ("c",): "d"},
    "mapping with an empty key": lambda: {"": 1},
    "mapping of mappings": lambda: {"a": {"b": {"c": [1, {"d": None}]}}},
    "20 lists": lambda: nested(20),
    "20 mappings": lambda: nested_mappings(20),
    "endless list": endless,
    "object": lambda: PurePosixPath,
    "function": lambda: nested,
    "hostile": Hostile,
}
"""Name → function that makes the value."""
