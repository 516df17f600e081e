from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from flext_observability.values.units import to_ucum


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("", ""),
        ("count", "{count}"),
        ("ratio", "1"),
        ("percent", "%"),
        ("milliseconds", "ms"),
        ("Milliseconds", "ms"),
        ("seconds", "s"),
        ("second", "s"),
        ("celsius", "Cel"),
        ("bytes", "By"),
        ("USD", "{USD}"),
        ("requests", "{requests}"),
        ("bytes/second", "By/s"),
        ("requests/s", "{requests}/s"),
        (" ms ", "ms"),
        ("a b", "{a_b}"),
        ("a{b", "{a_b}"),
        ("/s", "{/s}"),
    ],
)
def test_words_become_ucum(unit: str, expected: str) -> None:
    assert to_ucum(unit) == expected


@pytest.mark.parametrize(
    "unit", ["1", "%", "s", "ms", "us", "ns", "min", "h", "d", "By", "KiBy", "MBy", "By/s", "{request}", "Cel", "Hz"]
)
def test_ucum_codes_are_unchanged(unit: str) -> None:
    assert to_ucum(unit) == unit


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=80))
def test_every_result_is_a_valid_instrument_unit(unit: str) -> None:
    assert len(to_ucum(unit)) <= 63


@given(st.text(max_size=20))
def test_translation_is_idempotent(unit: str) -> None:
    assert to_ucum(to_ucum(unit)) == to_ucum(unit)
