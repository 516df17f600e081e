from __future__ import annotations

import pytest

from flext_observability.wire.http.accept import weight


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
def test_the_weight_of_a_choice(header: str, expected: float | None) -> None:
    assert weight(header, "gzip") == expected
