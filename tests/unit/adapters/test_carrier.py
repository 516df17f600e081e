"""Carriers of many libraries → headers, and back."""

from __future__ import annotations

import http.client
import io
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from itertools import count
from types import MappingProxyType
from typing import Any, NoReturn
from urllib.request import Request
from wsgiref.headers import Headers as WsgiHeaders

import httpx
import pytest
import requests.structures
import starlette.datastructures
from opentelemetry.propagators.textmap import Getter, default_getter

from flext_observability.adapters.carrier import (
    MAX_HEADERS,
    HeaderGetter,
    HeaderSetter,
    TolerantGetter,
    read_carrier,
    to_values,
)
from tests.hostile import Hostile


class HostileList(list[str]):
    """A list whose methods raise."""

    def __iter__(self) -> NoReturn:
        raise OSError

    __len__ = __bool__ = __getitem__ = __iter__  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


FIELDS = ["traceparent", "baggage", "X-Correlation-ID"]
PARENT = "00-0000000000000000000000000000000a-000000000000000b-01"


def read(carrier: object) -> dict[str, list[str]]:
    return read_carrier(carrier, lambda: FIELDS).headers


def message(**headers: str) -> Message:
    made = http.client.HTTPMessage()
    for name, value in headers.items():
        made[name] = value
    return made


class OnlyGet:
    """Headers that can be read by name only."""

    def __init__(self, **headers: str) -> None:
        self._headers = headers

    def get(self, name: str) -> str | None:
        return self._headers.get(name)


class OnlyIndex:
    """Headers that can be read by index only."""

    def __getitem__(self, name: str) -> str:
        return {"traceparent": PARENT}[name]


class Failing(Mapping[str, str]):
    """A mapping whose named methods raise."""

    def __init__(self, *methods: str) -> None:
        self._methods = methods

    def _check(self, method: str) -> None:
        if method in self._methods:
            raise OSError(method)

    def items(self) -> Any:
        self._check("items")
        return super().items()

    def keys(self) -> Any:
        self._check("keys")
        return super().keys()

    def get(self, name: str, default: object = None) -> Any:
        self._check("get")
        return super().get(name)

    def __getitem__(self, name: str) -> str:
        if name == "bad":
            raise OSError(name)
        return {"Traceparent": PARENT, "bad": ""}[name]

    def __iter__(self) -> Iterator[str]:
        self._check("iter")
        return iter(["bad", "Traceparent"])

    def __len__(self) -> NoReturn:
        raise OSError


@pytest.mark.parametrize(
    "carrier",
    [
        {"traceparent": PARENT},
        {"Traceparent": PARENT},
        {"TRACEPARENT": PARENT},
        {"TraceParent": [PARENT]},
        {"HTTP_TRACEPARENT": PARENT, "wsgi.input": io.BytesIO(b"body"), "SERVER_PORT": 80},
        {b"traceparent": PARENT.encode()},
        {"traceparent": bytearray(PARENT.encode())},
        {"traceparent": memoryview(PARENT.encode())},
        {"traceparent": (None, 5, PARENT)},
        {"traceparent": frozenset([PARENT])},
        {"traceparent": ["", b"", PARENT]},
        {"tracestate": HostileList("a=1"), "traceparent": HostileList([PARENT])},
        [HostileList(["a", "b", "c"]), HostileList(["traceparent", PARENT])],
        OrderedDict(Traceparent=PARENT),
        MappingProxyType({"Traceparent": PARENT}),
        message(Traceparent=PARENT),
        WsgiHeaders([("Traceparent", PARENT)]),
        Request("http://localhost", headers={"traceparent": PARENT}).headers,
        requests.structures.CaseInsensitiveDict({"Traceparent": PARENT}),
        httpx.Headers({"Traceparent": PARENT}),
        starlette.datastructures.Headers({"Traceparent": PARENT}),
        starlette.datastructures.Headers(raw=[(b"traceparent", PARENT.encode())]),
        [("Traceparent", PARENT)],
        [("traceparent", PARENT.encode())],
        [[b"Traceparent", PARENT.encode()]],
        ((name, PARENT) for name in ("Traceparent",)),
        {"traceparent": PARENT}.items(),
        [None, "x", ("one",), ("a", "b", "c"), ("traceparent", None), ("traceparent", PARENT)],
        OnlyGet(traceparent=PARENT),
        OnlyGet(Traceparent=PARENT),
        OnlyIndex(),
        Failing("items"),
        Failing("items", "keys"),
        Failing("items", "get"),
        Failing("items", "keys", "get"),
        Failing(),
        {"Traceparent": "00-other", "traceparent": PARENT},
    ],
    ids=lambda carrier: f"{type(carrier).__name__}",
)
def test_headers_of_any_carrier(carrier: object) -> None:
    assert read(carrier).get("traceparent") == [PARENT]


def test_the_body_of_a_request_is_not_read() -> None:
    body = io.BytesIO(b"line\nline\n")
    read({"wsgi.input": body, "HTTP_TRACEPARENT": PARENT})
    assert body.tell() == 0


@pytest.mark.parametrize("bad", [None, 5, 1.5, object(), [], {}, [[PARENT]], "x" * 20_000, b"x" * 20_000])
def test_a_value_of_a_wrong_type_or_size_costs_only_itself(bad: object) -> None:
    assert read({"tracestate": bad, "traceparent": PARENT}) == {"traceparent": [PARENT]}


def test_a_value_that_always_raises_costs_only_itself() -> None:
    assert read({"tracestate": Hostile(), "traceparent": PARENT}) == {"traceparent": [PARENT]}
    assert read([(Hostile(), PARENT), Hostile(), ("traceparent", PARENT)]) == {"traceparent": [PARENT]}


@pytest.mark.parametrize("bad", [None, 5, (), object(), "x" * 300])
def test_a_name_of_a_wrong_type_or_size_costs_only_itself(bad: object) -> None:
    assert read({bad: "x", "traceparent": PARENT}) == {"traceparent": [PARENT]}


@pytest.mark.parametrize("carrier", [None, 5, "text", b"bytes", object(), (), [1, 2]])
def test_a_carrier_without_headers(carrier: object) -> None:
    assert read(carrier) == {}


def test_a_carrier_that_always_raises_has_no_headers() -> None:
    reading = read_carrier(Hostile(), lambda: FIELDS)
    assert (reading.headers, type(reading.error)) == ({}, RuntimeError)


def test_an_endless_carrier_is_read_up_to_a_limit() -> None:
    pairs = ((f"name-{number}", "x") for number in count())
    assert len(read(pairs)) == MAX_HEADERS
    assert len(read({"a": ["x"] * 1000, "A": ["y"] * 1000})["a"]) == 100


def test_headers_from_before_an_exception_are_kept() -> None:
    def pairs() -> Iterator[tuple[str, str]]:
        yield "Traceparent", PARENT
        raise OSError

    assert read(pairs()) == {"traceparent": [PARENT]}


def test_repeated_baggage_is_joined_within_its_limit() -> None:
    assert read([("Baggage", "a=1"), ("baggage", "b=2"), ("baggage", "c=3")]) == {"baggage": ["b=2,c=3"]}
    assert read({"baggage": ["a=1", "b=" + "x" * 8190, "c=3"]}) == {"baggage": ["a=1,c=3"]}


def test_text_that_cannot_be_encoded_is_replaced() -> None:
    assert to_values("a\ud800") == ["a?"]
    assert to_values(b"a\xff") == ["a\ufffd"]


class ForeignGetter(Getter[Any]):
    """Getter of another library, as scripted."""

    def __init__(self, get: Callable[[Any, str], Any], keys: Callable[[Any], Any]) -> None:
        self._get, self._keys = get, keys

    def get(self, carrier: Any, key: str) -> Any:
        return self._get(carrier, key)

    def keys(self, carrier: Any) -> Any:
        return self._keys(carrier)


def exact(carrier: dict[str, Any], key: str) -> Any:
    return carrier.get(key)


def fail(*_: object) -> NoReturn:
    raise OSError


@pytest.mark.parametrize(
    ("carrier", "getter"),
    [
        ({"TraceParent": PARENT}, default_getter),
        ({"TRACEPARENT": [PARENT]}, ForeignGetter(exact, list)),
        ({"traceparent": PARENT}, ForeignGetter(exact, fail)),
        ({"traceparent": (5, PARENT.encode())}, ForeignGetter(exact, fail)),
        ({"Traceparent": PARENT}, ForeignGetter(exact, lambda carrier: [None, 5, *carrier])),
        ({"HTTP_TRACEPARENT": PARENT}, ForeignGetter(exact, list)),
    ],
)
def test_a_getter_of_another_library(carrier: Any, getter: Getter[Any]) -> None:
    assert TolerantGetter(getter).get(carrier, "traceparent") == [PARENT]


@pytest.mark.parametrize(
    "getter", [ForeignGetter(fail, fail), ForeignGetter(fail, list), ForeignGetter(lambda *_: 5, list)]
)
def test_a_getter_that_fails_finds_nothing(getter: Getter[Any]) -> None:
    assert TolerantGetter(getter).get({"traceparent": PARENT}, "traceparent") is None
    assert TolerantGetter(getter).get({"traceparent": PARENT}, "TraceParent") is None


def test_repeated_baggage_of_a_getter_is_joined() -> None:
    assert TolerantGetter(default_getter).get({"Baggage": ["a=1", "b=2"]}, "baggage") == ["a=1,b=2"]


def test_a_getter_of_another_library_names_its_headers() -> None:
    assert TolerantGetter(default_getter).keys({"A": "", b"b": "", 5: ""}) == ["A", "b"]
    assert HeaderGetter().keys({"a": ["1"]}) == ["a"]


# ---- writing ---------------------------------------------------------------------------------------------------------


def write(carrier: Any, name: str = "traceparent", value: str = "new") -> Any:
    setter = HeaderSetter()
    setter.set(carrier, name, value)
    assert setter.error is None
    return carrier


@pytest.mark.parametrize(
    ("carrier", "expected"),
    [
        ({}, {"traceparent": "new"}),
        ({"Traceparent": "old", "other": "x"}, {"Traceparent": "new", "other": "x"}),
        ({b"Traceparent": b"old"}, {b"Traceparent": b"new"}),
        ({b"other": b"x"}, {b"other": b"x", b"traceparent": b"new"}),
        ([], [("traceparent", b"new")]),
        ([("a", "x")], [("a", "x"), ("traceparent", "new")]),
        ([("a", b"x")], [("a", b"x"), ("traceparent", b"new")]),
        ([(b"a", b"x"), (b"TraceParent", b"old")], [(b"a", b"x"), (b"TraceParent", b"new")]),
        ({5: "x", "a" * 11: "x"}, {5: "x", "a" * 11: "x", "traceparent": "new"}),
    ],
)
def test_a_header_is_written_in_the_form_of_the_carrier(carrier: object, expected: object) -> None:
    assert write(carrier) == expected


def test_a_header_of_a_message_is_replaced() -> None:
    assert write(message(Traceparent="old")).get_all("traceparent") == ["new"]
    assert write(message()).get_all("traceparent") == ["new"]


def test_a_header_of_the_environment_is_written() -> None:
    environ: Any = os.environ  # not a subclass of dict
    try:
        assert write(environ)["traceparent"] == "new"
    finally:
        del environ["traceparent"]


@pytest.mark.parametrize("carrier", [None, 5, (), MappingProxyType({}), frozenset(), ["no pair"]])
def test_a_carrier_that_cannot_be_written_is_an_error(carrier: object) -> None:
    setter = HeaderSetter()
    setter.set(carrier, "traceparent", "new")
    first = setter.error
    assert isinstance(first, TypeError | ValueError)
    setter.set(carrier, "tracestate", "new")
    assert setter.error is first


def test_a_carrier_that_always_raises_is_an_error() -> None:
    setter = HeaderSetter()
    setter.set(Hostile(), "traceparent", "new")
    assert setter.error is not None
