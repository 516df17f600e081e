from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.settings import types as kinds
from flext_observability.settings.types import Kind, PartialParseError


def refuses(read: Callable[[Any], object], value: object) -> bool:
    try:
        read(value)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.TEXT, "  shop ", "shop"),
        (kinds.TEXT, "a\udc80b", "a?b"),
        (kinds.FLAG, "TRUE", True),
        (kinds.FLAG, " false ", False),
        (kinds.COUNT, "17", 17),
        (kinds.LIMIT, "0", 0),
        (kinds.PORT, "65535", 65_535),
        (kinds.RATIO, "0.25", 0.25),
        (kinds.SECONDS, "0", 0.0),
        (kinds.TIMEOUT, "2.5", 2.5),
        (kinds.TIMEOUT, "0", kinds.LONGEST_SECONDS),
        (kinds.MILLISECOND_INTERVAL, "5000", 5.0),
        (kinds.MILLISECOND_TIMEOUT, "0", kinds.LONGEST_SECONDS),
        (kinds.NAMES, "a, b,,a", ("a", "b")),
        (kinds.PAIRS, "team=green%20field, url=a=b,empty=,", {"team": "green field", "url": "a=b", "empty": ""}),
        (kinds.HEADERS, "Authorization=Bearer%20x,X-Key=1+1", {"authorization": "Bearer x", "x-key": "1+1"}),
        (kinds.LEVEL, "warn", "WARNING"),
        (kinds.HEADER_NAME, "X-Request-ID", "X-Request-ID"),
        (kinds.choice_kind("gzip", "none"), "GZIP", "gzip"),
        (kinds.choice_kind("gzip", "none", off="none"), "off", "none"),
    ],
)
def test_good_text_is_read(kind: Kind[object], text: str, value: object) -> None:
    assert kind.parse(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kinds.FLAG, "1"),
        (kinds.FLAG, "yes"),
        (kinds.COUNT, "0"),
        (kinds.COUNT, "1.5"),
        (kinds.COUNT, "many"),
        (kinds.LIMIT, "-1"),
        (kinds.PORT, "65536"),
        (kinds.RATIO, "7"),
        (kinds.RATIO, "nan"),
        (kinds.SECONDS, "-0.1"),
        (kinds.SECONDS, "inf"),
        (kinds.INTERVAL, "0"),
        (kinds.MILLISECOND_INTERVAL, "0"),
        (kinds.LEVEL, "loud"),
        (kinds.HEADER_NAME, "X Request"),
        (kinds.choice_kind("gzip", "none"), "zip"),
    ],
)
def test_bad_text_is_refused(kind: Kind[object], text: str) -> None:
    assert refuses(kind.parse, text)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (kinds.TEXT, " x ", "x"),
        (kinds.FLAG, False, False),
        (kinds.COUNT, 3, 3),
        (kinds.LIMIT, None, None),
        (kinds.LIMIT, 5, 5),
        (kinds.RATIO, 1, 1.0),
        (kinds.NAMES, ["a", "b", "a"], ("a", "b")),
        (kinds.NAMES, "a,b", ("a", "b")),
        (kinds.PAIRS, {"a": 1, "b": True, "c": "x", "d": 0.5}, {"a": "1", "b": "true", "c": "x", "d": "0.5"}),
        (kinds.PAIRS, "a=1", {"a": "1"}),
        (kinds.HEADERS, {"X-A": "1", "x-a": "2"}, {"x-a": "2"}),
        (kinds.HEADERS, "X-A=1", {"x-a": "1"}),
        (kinds.LEVEL, 30, "WARNING"),
        (kinds.LEVEL, "fatal", "CRITICAL"),
    ],
)
def test_good_object_is_accepted(kind: Kind[object], given: object, value: object) -> None:
    assert kind.accept(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (kinds.TEXT, 1),
        (kinds.TEXT, b"x"),
        (kinds.FLAG, "true"),
        (kinds.FLAG, 1),
        (kinds.COUNT, True),
        (kinds.COUNT, 1.0),
        (kinds.RATIO, "0.5"),
        (kinds.RATIO, False),
        (kinds.SECONDS, float("nan")),
        (kinds.NAMES, b"a"),
        (kinds.NAMES, [1]),
        (kinds.NAMES, 3),
        (kinds.PAIRS, ["a"]),
        (kinds.PAIRS, {"a": None}),
        (kinds.PAIRS, {1: "a"}),
        (kinds.PAIRS, {" ": "a"}),
        (kinds.PAIRS, "a"),
        (kinds.HEADERS, {"a b": "c"}),
        (kinds.HEADERS, {"a": "line\nbreak"}),
        (kinds.LEVEL, 17),
        (kinds.LEVEL, True),
    ],
)
def test_bad_object_is_refused(kind: Kind[object], given: object) -> None:
    assert refuses(kind.accept, given)


def test_good_parts_of_a_list_survive_the_bad_ones() -> None:
    with pytest.raises(PartialParseError, match="2 of its parts") as caught:
        kinds.PAIRS.parse("a=1,b,=c,d=2")
    assert caught.value.value == {"a": "1", "d": "2"}


def test_headers_that_http_cannot_carry_are_left_out() -> None:
    with pytest.raises(PartialParseError, match="4 of its parts") as caught:
        kinds.HEADERS.parse("a=1,b c=2,d=x%0Ay,e,f=\u00e9")
    assert caught.value.value == {"a": "1"}


def test_allowed_names_range_and_unit_as_the_variable_takes_it() -> None:
    assert kinds.MILLISECOND_TIMEOUT.allowed == "a number from 0 to 1e+09, 0 for no limit"
    assert kinds.COUNT.allowed == "a whole number from 1 to 2147483647"
