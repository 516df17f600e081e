from __future__ import annotations

import enum
import json
import math
import subprocess
import sys
import uuid
from array import array
from collections import OrderedDict, UserDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, Field, SecretStr

from flext_observability.values.encoding import (
    AttributeValue,
    EncodedAttributes,
    encode_attribute,
    encode_attributes,
    encode_span_attributes,
    encode_tag,
    is_container,
    preview,
)


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class Order(BaseModel):
    number: int = 1
    token: SecretStr = SecretStr("hidden")
    internal: str = Field(default="x", repr=False)


@dataclass
class Line:
    item: object
    password: str = field(default="secret", repr=False)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


class Broken(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __len__(self) -> int:
        return 1


class Point(NamedTuple):
    x: int
    y: int


def size(value: AttributeValue) -> int:
    """Return the size of an encoded value in bytes. A number counts 8."""
    if isinstance(value, str):
        return len(value.encode())
    return sum(map(size, value)) if isinstance(value, tuple) else 8


@pytest.mark.parametrize("value", ["", "text", "é", True, False, 0, -(2**63), 2**63 - 1, 1.5, math.inf])
def test_simple_values_are_unchanged(value: AttributeValue) -> None:
    encoded = encode_attribute(value)

    assert encoded == value
    assert type(encoded) is type(value)


def test_nan_is_unchanged() -> None:
    encoded = encode_attribute(math.nan)
    assert isinstance(encoded, float)
    assert math.isnan(encoded)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (Word("word"), "word"),
        (Colour.RED, "red"),
        (Colour.PAIR, (1, 2)),
        (Level.HIGH, 3),
        (Decimal("1.50"), "1.50"),
        (Fraction(1, 2), 0.5),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/tmp/x"), "/tmp/x"),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "2024-02-29T12:00:00+00:00"),
        (date(2024, 2, 29), "2024-02-29"),
        (time(12, 30), "12:30:00"),
        (timedelta(minutes=1, milliseconds=500), 60.5),
        (b"text", "text"),
        (bytearray(b"text"), "text"),
        (memoryview(b"text"), "text"),
        (b"\xff\x00", "/wA="),
        ([], ()),
        ((), ()),
        (set[int](), ()),
        ({}, "{}"),
        ([1, 2], (1, 2)),
        ((True, False), (True, False)),
        ([1.0, 2.0], (1.0, 2.0)),
        (["a", "b"], ("a", "b")),
        (deque(["a"]), ("a",)),
        (range(3), (0, 1, 2)),
        ([uuid.UUID(int=0)], ("00000000-0000-0000-0000-000000000000",)),
        (Point(1, 2), (1, 2)),
        ({3, 1, 2}, (1, 2, 3)),
        (frozenset("ba"), ("a", "b")),
        ([1, True], "[1,true]"),
        ([1, 2.0], "[1,2.0]"),
        (["a", None], '["a",null]'),
        ([[1], [2]], "[[1],[2]]"),
        ({"a": 1, "b": [True, None]}, '{"a":1,"b":[true,null]}'),
        ({1: "x"}, '{"1":"x"}'),
        ({"z": {2, 1}}, '{"z":[1,2]}'),
        ({"n": math.nan, "i": math.inf, "m": -math.inf}, '{"n":"NaN","i":"Infinity","m":"-Infinity"}'),
        (OrderedDict(a=1), '{"a":1}'),
        (UserDict({"a": 1}), '{"a":1}'),
        ({1, "a"}, '["a",1]'),
        (frozenset({frozenset({2}), frozenset({1})}), "[[1],[2]]"),
        (Order(), '{"number":1,"token":"**********"}'),
        (Line("x"), '{"item":"x"}'),
        ([Line(1), Line(2)], '[{"item":1},{"item":2}]'),
        (Line, "<class 'tests.unit.values.test_encoding.Line'>"),
        (ValueError("no"), "ValueError('no')"),
        (object(), "<object object>"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_other_values_are_encoded(value: object, expected: AttributeValue) -> None:
    encoded = encode_attribute(value)

    if value is Line:
        expected = f"<class '{__name__}.Line'>"
    assert encoded == expected
    assert type(encoded) is type(expected)


def test_numbers_of_other_libraries_become_plain_numbers() -> None:
    class Whole:
        def __int__(self) -> int:
            return 7

    import numbers

    numbers.Integral.register(Whole)

    assert encode_attribute(Whole()) == 7


def test_huge_integers_become_bounded_text() -> None:
    assert encode_attribute(2**20_000, max_bytes=10) == "0x10000…"


def test_lone_surrogates_become_the_replacement_character() -> None:
    assert encode_attribute("a\ud800b") == "a\ufffdb"
    assert encode_attribute({"k\ud800": ["\udfff", 1]}) == '{"k\ufffd":["\ufffd",1]}'
    assert encode_attribute(["\ud800"]) == ("\ufffd",)


def test_long_text_ends_in_an_ellipsis_and_splits_no_character() -> None:
    assert encode_attribute("x" * 20, max_bytes=10) == "xxxxxxx…"
    assert encode_attribute("é" * 20, max_bytes=10) == "ééé…"
    assert encode_attribute("é" * 5, max_bytes=10) == "ééééé"


@pytest.mark.parametrize("raw", [b"x" * 20, "é".encode() * 20, "x€€€€€€€€".encode()])
def test_long_bytes_are_cut_as_text(raw: bytes) -> None:
    encoded = encode_attribute(raw, max_bytes=10)

    assert isinstance(encoded, str)
    assert raw.decode().startswith(encoded.removesuffix("…"))
    assert len(encoded.encode()) <= 10


def test_long_sequences_become_truncated_json() -> None:
    assert encode_attribute(list(range(100)), max_bytes=20) == "[0,1,2,3,4,5,6,7,…"
    assert encode_attribute(["abc"] * 100, max_bytes=20) == '["abc","abc","abc…'


def test_sets_over_the_limit_are_replaced_by_their_size() -> None:
    assert encode_attribute(set(range(100)), max_bytes=40) == "<set of 100 items>"
    assert encode_attribute({"a": set(range(30))}, max_bytes=60) == '{"a":"<set of 30 items>"}'
    nested = frozenset({frozenset({"x" * 30, 1}), frozenset({"y" * 30, 2})})
    assert encode_attribute(nested, max_bytes=50) == '"<frozenset of 2 items>"'


def test_cycles_end() -> None:
    loop: list[object] = [1]
    loop.append(loop)
    line = Line(None)
    line.item = {"again": line}

    assert encode_attribute(loop) == '[1,"…"]'
    assert encode_attribute(line) == '{"item":{"again":"…"}}'


def test_depth_is_bounded() -> None:
    deep: list[Any] = [1, "a"]
    for _ in range(1000):
        deep = [deep, 0]

    assert str(encode_attribute(deep)).startswith("[" * 16 + '"…"')


def test_values_whose_code_raises_are_named() -> None:
    assert encode_attribute(Unprintable()) == f"<unprintable {__name__}.Unprintable>"
    assert encode_attribute(Broken()) == f"<unprintable {__name__}.Broken>"
    assert encode_attribute(memoryview(array("i", [1, 2, 3]))[::2]) == "<unprintable builtins.memoryview>"


def test_memory_addresses_are_left_out() -> None:
    assert "0x" not in str(encode_attribute(lambda: 1))
    assert "0x" not in str(encode_attribute(Line(object())))


def test_sets_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "from flext_observability.values.encoding import encode_attribute;"
        "print(encode_attribute({('a', 1), ('b', 2), 'c', 4, frozenset({'x', 'y', 1})}))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(seen) == 1


def test_attributes_have_text_names_and_no_none() -> None:
    attributes: Any = {"a": 1, 2: "x", None: 1.5, "n": None, "k\ud800": True}
    assert encode_attributes(attributes) == {"a": 1, "2": "x", "null": 1.5, "k\ufffd": True}


@pytest.mark.parametrize(
    "attributes", [{"a": "é"}, {"a": "x" * 9000}, {"a": 1 << 70}, {"a": 1 << 62, "é": 1}, {"": 1}, {"a": None}]
)
def test_attributes_that_are_not_plain_are_encoded_the_complete_way(attributes: dict[str, object]) -> None:
    encoded = encode_span_attributes(attributes)
    assert type(encoded) is dict
    assert encoded == encode_attributes(attributes)


def test_many_names_of_attributes_are_unchanged() -> None:
    """More than are remembered, and one that is too long to be."""
    attributes: Mapping[str, object] = {f"name {number}": number for number in range(1100)} | {"n" * 200: 1}
    assert encode_span_attributes(attributes) == attributes
    assert type(encode_span_attributes(attributes)) is EncodedAttributes


def test_a_name_that_equals_a_remembered_one_becomes_text() -> None:
    assert type(encode_span_attributes({"first": 1})) is EncodedAttributes
    (name,) = encode_span_attributes({Word("first"): 1})
    assert type(name) is str


def test_attributes_of_any_type_are_encoded() -> None:
    assert encode_attributes(None) == {}
    assert encode_attributes({}) == {}
    assert encode_attributes(UserDict({"a": 1})) == {"a": 1}
    line: Any = Line(1)
    assert encode_attributes(line) == {"item": 1}
    items: Any = [1]
    assert encode_attributes(items) == {"value": (1,)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "x"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (1, "1"),
        (1.5, "1.5"),
        (Decimal("1.0"), "1.0"),
        ([1], "[1]"),
    ],
)
def test_tags_are_text(value: object, expected: str) -> None:
    assert encode_tag(value) == expected


@pytest.mark.parametrize("value", [[], {}, set[int](), (1,), Line(1), Order(), Colour.PAIR, range(2)])
def test_containers_are_detected(value: object) -> None:
    assert is_container(value)


@pytest.mark.parametrize(
    "value", ["x", None, 1, 2**70, 1.5, True, b"\xff", Decimal(1), object(), Colour.RED, Unprintable()]
)
def test_scalars_are_not_containers(value: object) -> None:
    assert not is_container(value)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.decimals()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from([*Colour, *Level, object, Unprintable()])
)
HASHABLE_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
HASHABLE = HASHABLE_SCALARS | st.frozensets(HASHABLE_SCALARS, max_size=3) | st.tuples(HASHABLE_SCALARS)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
        | st.builds(Line, inner)
    ),
    max_leaves=6,
)


@given(ANYTHING, st.integers(3, 200))
def test_encoding_never_raises_is_deterministic_and_within_the_limit(value: object, max_bytes: int) -> None:
    encoded = encode_attribute(value, max_bytes=max_bytes)

    assert repr(encoded) == repr(encode_attribute(value, max_bytes=max_bytes))
    if isinstance(encoded, str | tuple):
        assert size(encoded) <= max_bytes
    if isinstance(encoded, tuple):
        assert len({type(item) for item in encoded}) <= 1


@given(st.dictionaries(HASHABLE, SCALARS, max_size=3))
def test_encoded_attributes_are_valid_for_any_exporter(attributes: dict[Any, object]) -> None:
    for name, value in encode_attributes(attributes).items():
        name.encode()
        assert isinstance(value, str | bool | int | float | tuple)


@given(st.dictionaries(st.text(), st.lists(st.integers() | st.none() | st.text() | st.booleans(), min_size=1)))
def test_nested_values_within_the_limit_are_json(value: dict[str, object]) -> None:
    encoded = encode_attribute(value, max_bytes=1_000_000)

    assert isinstance(encoded, str)
    assert json.loads(encoded).keys() == {encode_tag(name) for name in value}


def test_previews_are_short() -> None:
    assert len(preview("x" * 1000)) < 90
    assert len(preview(10**10_000)) < 90
