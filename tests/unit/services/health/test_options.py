from __future__ import annotations

from typing import Any

import pytest

from flext_observability.services.health.check import RegisteredCheck
from flext_observability.services.health.options import find_cycle, make_registered


def registered(**options: Any) -> RegisteredCheck:
    return make_registered("db", lambda: True, options).unwrap()


def test_defaults() -> None:
    check = registered()
    assert (check.critical, check.timeout_seconds, check.interval_seconds, check.cache_seconds) == (
        True,
        5.0,
        None,
        1.0,
    )
    assert (check.depends_on, check.probes) == ((), ("ready",))


@pytest.mark.parametrize("given", ["disk", ["disk"], ("disk",), {"disk"}])
def test_names_are_a_text_or_a_collection(given: Any) -> None:
    assert registered(depends_on=given).depends_on == ("disk",)


@pytest.mark.parametrize(
    ("name", "call", "options", "field"),
    [
        ("", bool, {}, "name"),
        ("  ", bool, {}, "name"),
        (5, bool, {}, "name"),
        ("db", 5, {}, "callable"),
        *(
            ("db", bool, {"timeout_seconds": value}, "timeout")
            for value in (0, -1, "1", True, None, float("inf"), float("nan"), 10**400)
        ),
        *(("db", bool, {"interval_seconds": value}, "interval") for value in (0, -1, "1", True, float("nan"))),
        *(("db", bool, {"cache_seconds": value}, "cache") for value in (-1, "1", True, None, float("inf"))),
        *(("db", bool, {"depends_on": value}, "dependencies") for value in (5, None, [5], [None])),
        *(("db", bool, {"probes": value}, "probes") for value in (5, None, "alive", ["ready", 5], ["ready", "alive"])),
        ("db", bool, {"tiemout": 5}, "option"),
    ],
)
def test_an_invalid_argument_is_named(name: Any, call: Any, options: dict[str, Any], field: str) -> None:
    result = make_registered(name, call, options)
    assert result.code == "invalid_health_check"
    assert str(result.error).startswith(f"Invalid health check {field}")


@pytest.mark.parametrize(
    ("depends", "cycle"),
    [
        ({}, ""),
        ({"a": ["b"], "b": ["c"], "c": ["d"]}, ""),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"]}, ""),
        ({"a": ["a"]}, "a → a"),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "a → b → c → a"),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ""),
    ],
)
def test_a_cycle_is_found_from_the_check_that_closes_it(depends: dict[str, list[str]], cycle: str) -> None:
    known = {name: RegisteredCheck(name, bool, depends_on=tuple(names)) for name, names in depends.items()}
    new = known.pop("a", RegisteredCheck("a", bool))
    assert find_cycle(new, known) == cycle
