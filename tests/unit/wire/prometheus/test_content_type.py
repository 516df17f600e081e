from __future__ import annotations

import pytest

from flext_observability.wire.prometheus.content_type import (
    CLASSIC_TYPE,
    OPENMETRICS_TYPE,
    page_quality,
    preferred_format,
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", CLASSIC_TYPE),
        ("text/plain", CLASSIC_TYPE),
        ("application/openmetrics-text", OPENMETRICS_TYPE),
        ("Application/OpenMetrics-Text; version=1.0.0", OPENMETRICS_TYPE),
        ("application/openmetrics-text;q=0", CLASSIC_TYPE),
        ("application/openmetrics-text;q=oops", CLASSIC_TYPE),
        ("text/plain;q=0.9, application/openmetrics-text;q=0.2", CLASSIC_TYPE),
        ("text/plain;q=0.2, application/openmetrics-text;q=0.2", OPENMETRICS_TYPE),
    ],
)
def test_the_preferred_format(accept: str, expected: str) -> None:
    assert preferred_format(accept).content_type == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("", 0), ("application/json", 0), ("text/plain;q=0.3", 0.3), ("text/plain;q=0.3,application/openmetrics-text", 1)],
)
def test_page_quality(accept: str, expected: float) -> None:
    assert page_quality(accept) == expected
