from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from flext_observability import FlextHealthCheck, init_observability
from flext_observability.domain.health_report import FlextHealthReport
from flext_observability.ops_server.serialization import (
    check_to_dict,
    negotiate_format,
    render_report,
    settings_to_dict,
    to_json,
    to_jsonable,
)
from flext_observability.wire.prometheus.content_type import CLASSIC_TYPE, OPENMETRICS_TYPE, preferred_format

SPECIAL_NAME = 'quoted "name" \\ of\ntwo lines ☕'


@dataclass
class Part:
    name: str
    password: str


def test_any_value_becomes_json() -> None:
    value = {"a": [1, 2.5, None, True], 5: (b"x",), "part": Part("x", "hidden"), "kind": Part, "number": float("inf")}
    read = json.loads(to_json(value))
    assert read["part"] == {"name": "x", "password": "***"}
    assert (read["a"], read["5"], read["number"]) == ([1, 2.5, None, True], ["x"], "inf")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        *((name, True) for name in ("token", "API_KEY", "db.password", "client-secret", "Authorization", "access_key")),
        *((name, False) for name in ("tokens_total", "keyboard", "unauthorized", "passed", "monkey", "queue")),
    ],
)
def test_values_with_secret_names_are_masked(name: str, masked: bool) -> None:
    expected = "***" if masked or name == "tokens_total" else "x"
    assert to_jsonable({name: "x"}) == {name: expected}
    assert to_jsonable({name: {"inner": 1}}) == {name: {"inner": 1}}


def test_secrets_of_command_lines_are_masked() -> None:
    given = ("serve", "--db-password", "abc", "--port", "5", "--api-key=abc", "x", "token", "--secret")
    masked = ["serve", "--db-password", "***", "--port", "5", "--api-key=***", "x", "token", "--secret"]
    assert to_jsonable({"process.command_args": given}) == {"process.command_args": masked}


def test_settings_have_sources_and_no_secrets() -> None:
    with init_observability(
        exporters="memory",
        console=False,
        otlp_headers={"x-key": "hidden one"},
        otlp_endpoint="http://me:hidden@collector:4318",
        ops_token="hidden",
    ).unwrap() as handle:
        read = json.loads(to_json(settings_to_dict(handle.config, {"ops_token": "argument"})))
    assert read["ops_token"] == {"value": "***", "source": "argument"}
    assert read["ops_password"]["value"] == ""
    assert read["otlp_headers"]["value"] == {"x-key": "***"}
    assert read["otlp_endpoint"]["value"] == "http://***@collector:4318"
    assert "hidden" not in json.dumps(read)


def test_details_with_cycles() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    check = FlextHealthCheck(name="db", details={"rows": 5, "cycle": cycle, "password": "x", "none": None})
    read = json.loads(to_json(check_to_dict(check)))
    assert (read["details"]["rows"], read["details"]["password"], read["details"]["none"]) == (5, "***", None)
    assert read["duration_seconds"] == 0


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
    page = negotiate_format(accept)
    assert (page.content_type if page else "") == expected


@pytest.mark.parametrize(
    ("content_type", "parse"), [(CLASSIC_TYPE, parse_classic), (OPENMETRICS_TYPE, parse_openmetrics)]
)
def test_prometheus_parses_the_samples(content_type: str, parse: Callable[[str], Iterable[Any]]) -> None:
    statuses = {"a": "healthy", "b": "degraded", SPECIAL_NAME: "unhealthy", "d": "unknown"}
    checks = tuple(FlextHealthCheck(name=name, status=status) for name, status in statuses.items())
    text = render_report(FlextHealthReport("degraded", (), checks), preferred_format(content_type)).decode()
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
