from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.health_report import FlextHealthReport
from flext_observability.ops_server.exposition import CLASSIC_TYPE, OPENMETRICS_TYPE, wanted_type, write_report

ODD = 'quoted "name" \\ of\ntwo lines ☕'


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
def test_samples_are_for_who_asks_for_them(accept: str, expected: str) -> None:
    assert wanted_type(accept) == expected


@pytest.mark.parametrize(
    ("content_type", "parse"), [(CLASSIC_TYPE, parse_classic), (OPENMETRICS_TYPE, parse_openmetrics)]
)
def test_samples_are_read_by_the_parsers_of_prometheus(
    content_type: str, parse: Callable[[str], Iterable[Any]]
) -> None:
    statuses = {"a": "healthy", "b": "degraded", ODD: "unhealthy", "d": "unknown"}
    checks = tuple(FlextHealthCheck(name=name, status=status) for name, status in statuses.items())
    text = write_report(FlextHealthReport("degraded", (), checks), content_type).decode()
    samples = {
        (sample.name, sample.labels.get("flext_check", "")): sample.value
        for family in parse(text)
        for sample in family.samples
    }
    assert samples == {
        ("flext_health_overall", ""): 0.5,
        ("flext_health_status", "a"): 1,
        ("flext_health_status", "b"): 0.5,
        ("flext_health_status", ODD): 0,
    }
