"""Queries with variables and macros → queries as Grafana sends them."""

from __future__ import annotations

import pytest

from monitoring.tester.catalogue.interpolation import UnknownVariableError, Value, interpolate, seconds
from monitoring.tester.model import Scope

NOW = 1_800_000_000.0
SCOPE = Scope("shop", range_seconds=1800)
VALUES = {
    "one": Value(("a.b",)),
    "some": Value(("a.b", "c"), is_multiple=True),
    "only": Value(("a.b",), is_multiple=True),
    "all": Value(("a", "b"), is_multiple=True, all_value=".+", is_all=True),
    "each": Value(("a", "b"), is_multiple=True, is_all=True),
}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ('up{job="$one"}', 'up{job="a.b"}'),
        ('up{job=~"$some"}', 'up{job=~"(a\\\\.b|c)"}'),
        ('up{job=~"$only"}', 'up{job=~"a\\\\.b"}'),
        ('up{job=~"$all"}', 'up{job=~".+"}'),
        ('up{job=~"${each}"}', 'up{job=~"(a|b)"}'),
        ('up{job=~"${some:pipe}"}', 'up{job=~"a.b|c"}'),
        ('up{job=~"${one:regex}"}', 'up{job=~"a\\\\.b"}'),
        ("${some:csv}", "a.b,c"),
        ("${some:doublequote}", '"a.b","c"'),
        ("${some:singlequote}", "'a.b','c'"),
        ("${one:raw}", "a.b"),
        ('label_replace(up, "x", "$1", "job", "(.*)")', 'label_replace(up, "x", "$1", "job", "(.*)")'),
        ("rate(x[$__rate_interval])", "rate(x[60s])"),
        ("rate(x[$__interval]) $__interval_ms", "rate(x[15s]) 15000"),
        ("increase(x[$__range]) $__range_s ${__range_ms}", "increase(x[1800s]) 1800 1800000"),
        ("${__from} $__to $__dashboard", "1799998200000 1800000000000 shop"),
    ],
)
def test_promql(text: str, query: str) -> None:
    assert interpolate(text, VALUES, SCOPE, now=NOW) == query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("service:in($some)", 'service:in("a.b","c")'),
        ("service:in($all)", "service:in(*)"),
        ("service:=$one", "service:=a.b"),
        ('{service=~"$all"}', '{service=~".+"}'),
        ('{service=~"$each"} $one', '{service=~"(a|b)"} a.b'),
    ],
)
def test_logsql(text: str, query: str) -> None:
    assert interpolate(text, VALUES, SCOPE, now=NOW, is_logsql=True) == query


def test_an_undefined_variable_is_named() -> None:
    with pytest.raises(UnknownVariableError, match=r"variable \$servce is not defined"):
        interpolate('up{job="$servce"}', VALUES, SCOPE, now=NOW)


@pytest.mark.parametrize(
    ("scope", "step", "window"),
    [
        (Scope(range_seconds=1800), 15, 60),
        (Scope(range_seconds=86400), 86, 101),
        (Scope(range_seconds=1800, min_step_seconds=120), 120, 135),
        (Scope(range_seconds=1800, max_points=10), 180, 195),
    ],
)
def test_a_rate_covers_four_scrapes_or_a_step_and_a_scrape(scope: Scope, step: float, window: float) -> None:
    assert (scope.step_seconds, scope.rate_seconds) == (step, window)


@pytest.mark.parametrize(
    ("text", "value"),
    [("", 0), ("now-30m", 1800), ("1d", 86400), ("500ms", 0.5), (">1m", 60), ("$__rate_interval", 60)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text, SCOPE) == value


def test_an_invalid_duration_is_an_error() -> None:
    with pytest.raises(ValueError, match="invalid duration '3 fortnights'"):
        seconds("3 fortnights", SCOPE)
