from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from flext_observability.views.text import (
    first_line,
    format_count,
    format_duration,
    format_quantity,
    format_time,
    format_value,
    sanitize,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("right\u202eleft", "right\\u202eleft"),
        ("half \ud800", "half \\ud800"),
        ("[bold]kept[/bold]", "[bold]kept[/bold]"),
        ("é漢😀", "é漢😀"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert sanitize(text) == shown


def test_long_text_is_cut_at_the_limit() -> None:
    assert sanitize("x" * 1_000_000, 5) == "xxxx…"
    assert sanitize("xxxxx", 5) == "xxxxx"


@given(st.text())
def test_sanitized_text_has_no_control_characters(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f]", sanitize(text))


def test_lines_after_the_first_are_counted() -> None:
    assert first_line("\n one \ntwo\nthree\n") == "one  (+2 lines)"
    assert first_line("  ") == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("word", "word"),
        ("two words", '"two words"'),
        ("", '""'),
        (True, "true"),
        (None, "null"),
        (42, "42"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        (b"\x00\xff", "0x00ff"),
        pytest.param(10**5000, "<integer of 16610 bits>", id="huge"),
        ({"a": [1, "b"]}, '{a: [1, "b"]}'),
        ((1, 2), "[1, 2]"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]"),
        (dict.fromkeys("abcdefghijkl", 1), "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, …}"),
        ([[[[1]]]], "[[[…]]]"),
        (object(), "object"),
    ],
)
def test_values_are_short_text(value: object, shown: str) -> None:
    assert format_value(value, 70) == shown


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [
        (0, "0 ns"),
        (950, "950 ns"),
        (1_420, "1.42 µs"),
        (999_700, "1 ms"),
        (12_340_000, "12.3 ms"),
        (142_000_000, "142 ms"),
        (1_500_000_000, "1.5 s"),
        (59_990_000_000, "1 m 00 s"),
        (123_000_000_000, "2 m 03 s"),
        (19_200_000_000_000, "5 h 20 m"),
        (-3_000_000, "-3 ms"),
        (2**64 * 1000, "1.84e+13 s"),
    ],
)
def test_durations_have_three_digits_and_a_suitable_unit(nanoseconds: int, shown: str) -> None:
    assert format_duration(nanoseconds) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.1234, "s", "123 ms"),
        (12, "ms", "12 ms"),
        (58_000_000, "By", "58 MB"),
        (5.0e15, "By", "5,000 TB"),
        (1_234_567, "{order}", "1,234,567"),
        (12.0, "", "12"),
        (1234.567, "", "1,234.57"),
        (0.12345, "1", "0.1235"),
        (float("inf"), "s", "inf"),
        (2**200, "s", "<integer of 201 bits>"),
    ],
)
def test_quantities_have_a_suitable_unit(value: float, unit: str, shown: str) -> None:
    assert format_quantity(value, unit) == shown


@pytest.mark.parametrize("time_ns", [0, -5, 1_763_673_556_120_000_000, 2**64 - 1])
def test_any_time_is_formatted(time_ns: int) -> None:
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", format_time(time_ns))


def test_counts_agree_with_their_noun() -> None:
    assert [format_count(1, "span"), format_count(2000, "span")] == ["1 span", "2,000 spans"]
