from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from flext_observability.wire.http.headers import parse_retry_after, quality


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("br, deflate", None),
        ("gzip", 1),
        ("GZIP ; Q=0.5", 0.5),
        ("gzip;level=2;q=0.25, br", 0.25),
        ("gzip;q=0", 0),
        ("gzip;q=much", 0),
        ("gzip;q=0.1, gzip;q=0.9", 0.9),
    ],
)
def test_quality_of_a_choice(header: str, expected: float | None) -> None:
    assert quality(header, "gzip") == expected


def test_retry_after_seconds_or_date() -> None:
    assert parse_retry_after(" 12 ") == 12.0
    assert parse_retry_after("9" * 30) == 999_999_999.0
    later = parse_retry_after(formatdate(time.time() + 30, usegmt=True))
    assert later is not None
    assert 25 < later <= 30
    assert parse_retry_after(formatdate(time.time() - 30, usegmt=True)) == 0.0


@pytest.mark.parametrize("value", ["", "soon", "-3", "1.5", "٣", "Mon, 99 Foo 2020 00:00:00 GMT"])
def test_invalid_retry_after(value: str) -> None:
    assert parse_retry_after(value) is None
