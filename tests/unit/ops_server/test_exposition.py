from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.health_report import FlextHealthReport
from flext_observability.ops_server.exposition import negotiate_type, render_report
from flext_observability.wire.prometheus.content_type import CLASSIC_TYPE, OPENMETRICS_TYPE

SPECIAL_NAME = 'quoted "name" \\ of\ntwo lines ☕'


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", ""),
        ("*/*", ""),
        ("application/json", ""),
        ("text/html,*/*;q=0.8", ""),
        ("text/plain;version=0.0.4", CLASSIC_TYPE),
        ("application/openmetrics-text", OPENMETRICS_TYPE),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.5", CLASSIC_TYPE),
        ("application/json,text/plain;q=0.5", ""),
        ("application/json;q=0.1,text/plain;q=0.5", CLASSIC_TYPE),
    ],
)
def test_content_type_is_negotiated(accept: str, expected: str) -> None:
    assert negotiate_type(accept) == expected


@pytest.mark.parametrize(
    ("content_type", "parse"), [(CLASSIC_TYPE, parse_classic), (OPENMETRICS_TYPE, parse_openmetrics)]
)
def test_prometheus_parses_the_samples(content_type: str, parse: Callable[[str], Iterable[Any]]) -> None:
    statuses = {"a": "healthy", "b": "degraded", SPECIAL_NAME: "unhealthy", "d": "unknown"}
    checks = tuple(FlextHealthCheck(name=name, status=status) for name, status in statuses.items())
    text = render_report(FlextHealthReport("degraded", (), checks), content_type).decode()
    samples = {
        (sample.name, sample.labels.get("flext_check", "")): sample.value
        for family in parse(text)
        for sample in family.samples
    }
    assert samples == {
        ("flext_health_overall", ""): 0.5,
        ("flext_health_status", "a"): 1,
        ("flext_health_status", "b"): 0.5,
        ("flext_health_status", SPECIAL_NAME): 0,
    }
