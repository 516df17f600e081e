from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.settings import types
from flext_observability.settings.types import FieldType, PartialParseError


def rejects(read: Callable[[Any], object], value: object) -> bool:
    try:
        read(value)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("field_type", "text", "value"),
    [
        (types.TEXT, "  shop ", "shop"),
        (types.TEXT, "a\udc80b", "a?b"),
        (types.BOOL, "TRUE", True),
        (types.BOOL, " false ", False),
        (types.COUNT, "17", 17),
        (types.LIMIT, "0", 0),
        (types.PORT, "65535", 65_535),
        (types.RATIO, "0.25", 0.25),
        (types.SECONDS, "0", 0.0),
        (types.TIMEOUT, "2.5", 2.5),
        (types.TIMEOUT, "0", types.MAX_SECONDS),
        (types.MILLISECOND_INTERVAL, "5000", 5.0),
        (types.MILLISECOND_TIMEOUT, "0", types.MAX_SECONDS),
        (types.NAMES, "a, b,,a", ("a", "b")),
        (
            types.KEY_VALUE_LIST,
            "team=green%20field, url=a=b,empty=,",
            {"team": "green field", "url": "a=b", "empty": ""},
        ),
        (types.HEADERS, "Authorization=Bearer%20x,X-Key=1+1", {"authorization": "Bearer x", "x-key": "1+1"}),
        (types.LEVEL, "warn", "WARNING"),
        (types.HEADER_NAME, "X-Request-ID", "X-Request-ID"),
        (types.choice_type("gzip", "none"), "GZIP", "gzip"),
    ],
)
def test_valid_text(field_type: FieldType[object], text: str, value: object) -> None:
    assert field_type.parse(text) == value


@pytest.mark.parametrize(
    ("field_type", "text"),
    [
        (types.BOOL, "1"),
        (types.BOOL, "yes"),
        (types.COUNT, "0"),
        (types.COUNT, "1.5"),
        (types.COUNT, "many"),
        (types.LIMIT, "-1"),
        (types.PORT, "65536"),
        (types.RATIO, "7"),
        (types.RATIO, "nan"),
        (types.SECONDS, "-0.1"),
        (types.SECONDS, "inf"),
        (types.INTERVAL, "0"),
        (types.MILLISECOND_INTERVAL, "0"),
        (types.LEVEL, "loud"),
        (types.HEADER_NAME, "X Request"),
        (types.choice_type("gzip", "none"), "zip"),
    ],
)
def test_invalid_text(field_type: FieldType[object], text: str) -> None:
    assert rejects(field_type.parse, text)


@pytest.mark.parametrize(
    ("field_type", "given", "value"),
    [
        (types.TEXT, " x ", "x"),
        (types.BOOL, False, False),
        (types.COUNT, 3, 3),
        (types.LIMIT, None, None),
        (types.LIMIT, 5, 5),
        (types.RATIO, 1, 1.0),
        (types.NAMES, ["a", "b", "a"], ("a", "b")),
        (types.NAMES, "a,b", ("a", "b")),
        (types.KEY_VALUE_LIST, {"a": 1, "b": True, "c": "x", "d": 0.5}, {"a": "1", "b": "true", "c": "x", "d": "0.5"}),
        (types.KEY_VALUE_LIST, "a=1", {"a": "1"}),
        (types.HEADERS, {"X-A": "1", "x-a": "2"}, {"x-a": "2"}),
        (types.HEADERS, "X-A=1", {"x-a": "1"}),
        (types.LEVEL, 30, "WARNING"),
        (types.LEVEL, "fatal", "CRITICAL"),
    ],
)
def test_valid_object(field_type: FieldType[object], given: object, value: object) -> None:
    assert field_type.accept(given) == value


@pytest.mark.parametrize(
    ("field_type", "given"),
    [
        (types.TEXT, 1),
        (types.TEXT, b"x"),
        (types.BOOL, "true"),
        (types.BOOL, 1),
        (types.COUNT, True),
        (types.COUNT, 1.0),
        (types.RATIO, "0.5"),
        (types.RATIO, False),
        (types.SECONDS, float("nan")),
        (types.NAMES, b"a"),
        (types.NAMES, [1]),
        (types.NAMES, 3),
        (types.NAMES, "console,http://me:pass@host"),
        (types.KEY_VALUE_LIST, ["a"]),
        (types.KEY_VALUE_LIST, {"a": None}),
        (types.KEY_VALUE_LIST, {1: "a"}),
        (types.KEY_VALUE_LIST, {" ": "a"}),
        (types.KEY_VALUE_LIST, "a"),
        (types.HEADERS, {"a b": "c"}),
        (types.HEADERS, {"a": "line\nbreak"}),
        (types.LEVEL, 17),
        (types.LEVEL, True),
    ],
)
def test_invalid_object(field_type: FieldType[object], given: object) -> None:
    assert rejects(field_type.accept, given)


def test_valid_items_of_a_list_are_kept() -> None:
    with pytest.raises(PartialParseError, match="2 of its parts") as caught:
        types.KEY_VALUE_LIST.parse("a=1,b,=c,d=2")
    assert caught.value.value == {"a": "1", "d": "2"}


def test_invalid_headers_are_dropped() -> None:
    with pytest.raises(PartialParseError, match="4 of its parts") as caught:
        types.HEADERS.parse("a=1,b c=2,d=x%0Ay,e,f=\u00e9")
    assert caught.value.value == {"a": "1"}


def test_allowed_range_has_the_unit_of_the_variable() -> None:
    assert types.MILLISECOND_TIMEOUT.allowed == "a number from 0 to 1e+09, 0 for no limit"
    assert types.COUNT.allowed == "a whole number from 1 to 2147483647"
