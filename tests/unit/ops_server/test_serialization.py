from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from flext_observability import FlextHealthCheck, init_observability
from flext_observability.ops_server.serialization import plain, show_check, show_settings, to_json


@dataclass
class Part:
    name: str
    password: str


def test_everything_becomes_json() -> None:
    value = {"a": [1, 2.5, None, True], 5: (b"x",), "part": Part("x", "hidden"), "kind": Part, "odd": float("inf")}
    read = json.loads(to_json(value))
    assert read["part"] == {"name": "x", "password": "***"}
    assert (read["a"], read["5"], read["odd"]) == ([1, 2.5, None, True], ["x"], "inf")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        *((name, True) for name in ("token", "API_KEY", "db.password", "client-secret", "Authorization", "access_key")),
        *((name, False) for name in ("tokens_total", "keyboard", "unauthorized", "passed", "monkey", "queue")),
    ],
)
def test_values_under_names_of_secrets_are_masked(name: str, masked: bool) -> None:
    expected = "***" if masked or name == "tokens_total" else "x"
    assert plain({name: "x"}) == {name: expected}
    assert plain({name: {"inner": 1}}) == {name: {"inner": 1}}


def test_settings_are_shown_with_their_sources_and_without_secrets() -> None:
    with init_observability(
        exporters="memory",
        console=False,
        otlp_headers={"x-key": "hidden one"},
        otlp_endpoint="http://me:hidden@collector:4318",
        ops_token="hidden",
    ).unwrap() as handle:
        shown = json.loads(to_json(show_settings(handle.config, {"ops_token": "argument"})))
    assert shown["ops_token"] == {"value": "***", "source": "argument"}
    assert shown["ops_password"]["value"] == ""
    assert shown["otlp_headers"]["value"] == {"x-key": "***"}
    assert shown["otlp_endpoint"]["value"] == "http://***@collector:4318"
    assert "hidden" not in json.dumps(shown)


def test_details_of_a_check_may_hold_circles() -> None:
    circle: list[object] = []
    circle.append(circle)
    check = FlextHealthCheck(name="db", details={"rows": 5, "circle": circle, "password": "x", "none": None})
    shown = json.loads(to_json(show_check(check)))
    assert (shown["details"]["rows"], shown["details"]["password"], shown["details"]["none"]) == (5, "***", None)
    assert shown["duration_seconds"] == 0
