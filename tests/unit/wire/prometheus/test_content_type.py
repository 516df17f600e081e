from __future__ import annotations

import pytest

from flext_observability.wire.prometheus.content_type import (
    CLASSIC_TYPE,
    OPENMETRICS_TYPE,
    PROTOBUF_TYPE,
    page_quality,
    preferred_format,
)

PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


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
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", CLASSIC_TYPE),
        ("application/openmetrics-text;version=0.0.1", OPENMETRICS_TYPE.replace("1.0.0", "0.0.1")),
        ("text/plain;version=1.0.0", CLASSIC_TYPE.replace("0.0.4", "1.0.0")),
        ("text/plain;version=1.0.0;escaping=dots", f"{CLASSIC_TYPE.replace('0.0.4', '1.0.0')}; escaping=dots"),
        ('application/openmetrics-text;version="1.0.0";escaping="dots"', f"{OPENMETRICS_TYPE}; escaping=dots"),
        ("application/openmetrics-text;escaping=commas", OPENMETRICS_TYPE),
        ("application/openmetrics-text;q=0.1,*/*;q=0.5", CLASSIC_TYPE),
        ("application/openmetrics-text;q=0.5,*/*;q=0.1", OPENMETRICS_TYPE),
        ("application/openmetrics-text;q=0.1,text/*;q=0.5", CLASSIC_TYPE),
        ("text/plain;q=0.1,application/openmetrics-text;q=0.5,*/*;q=1", OPENMETRICS_TYPE),
        (f"{PROTOBUF};q=0.6,application/openmetrics-text;q=0.5,*/*;q=0.1", PROTOBUF_TYPE),
        (f"{PROTOBUF};escaping=values", f"{PROTOBUF_TYPE}; escaping=values"),
        (f"application/openmetrics-text,{PROTOBUF}", PROTOBUF_TYPE),
        ("application/vnd.google.protobuf", CLASSIC_TYPE),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", CLASSIC_TYPE),
        ("application/vnd.google.protobuf;proto=other;encoding=delimited", CLASSIC_TYPE),
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


def test_a_page_without_protobuf_has_the_next_format() -> None:
    accept = f"{PROTOBUF},application/openmetrics-text;q=0.5,*/*;q=0.1"
    assert preferred_format(accept, protobuf=False).content_type == OPENMETRICS_TYPE
