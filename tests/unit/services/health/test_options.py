from __future__ import annotations

from typing import Any

import pytest

from flext_observability.services.health.check import RegisteredCheck
from flext_observability.services.health.options import find_cycle, make_registered


def made(**options: Any) -> RegisteredCheck:
    return make_registered("db", lambda: True, options).unwrap()


def test_the_defaults() -> None:
    check = made()
    assert (check.critical, check.timeout_seconds, check.interval_seconds, check.cache_seconds) == (
        True,
        5.0,
        None,
        1.0,
    )
    assert (check.depends_on, check.probes) == ((), ("ready",))


@pytest.mark.parametrize("given", ["disk", ["disk"], ("disk",), {"disk"}])
def test_names_come_as_text_or_as_a_collection(given: Any) -> None:
    assert made(depends_on=given).depends_on == ("disk",)


@pytest.mark.parametrize(
    ("name", "call", "options", "word"),
    [
        ("", bool, {}, "name"),
        ("  ", bool, {}, "name"),
        (5, bool, {}, "name"),
        ("db", 5, {}, "callable"),
        *(
            ("db", bool, {"timeout_seconds": odd}, "timeout")
            for odd in (0, -1, "1", True, None, float("inf"), float("nan"))
        ),
        *(("db", bool, {"interval_seconds": odd}, "interval") for odd in (0, -1, "1", True, float("nan"))),
        *(("db", bool, {"cache_seconds": odd}, "cache") for odd in (-1, "1", True, None, float("inf"))),
        *(("db", bool, {"depends_on": odd}, "dependencies") for odd in (5, None, [5], [None])),
        *(("db", bool, {"probes": odd}, "probes") for odd in (5, None, "alive", ["ready", 5], ["ready", "alive"])),
        ("db", bool, {"tiemout": 5}, "option"),
    ],
)
def test_wrong_arguments_are_named(name: Any, call: Any, options: dict[str, Any], word: str) -> None:
    result = make_registered(name, call, options)
    assert result.code == "invalid_health_check"
    assert str(result.error).startswith(f"Invalid health check {word}")


@pytest.mark.parametrize(
    ("depends", "circle"),
    [
        ({}, ""),
        ({"a": ["b"], "b": ["c"], "c": ["d"]}, ""),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"]}, ""),
        ({"a": ["a"]}, "a → a"),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "a → b → c → a"),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ""),
    ],
)
def test_a_circle_is_found_from_the_check_that_closes_it(depends: dict[str, list[str]], circle: str) -> None:
    known = {name: RegisteredCheck(name, bool, depends_on=tuple(names)) for name, names in depends.items()}
    new = known.pop("a", RegisteredCheck("a", bool))
    assert find_cycle(new, known) == circle
