from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from flext_observability import FlextHealthCheck, init_observability
from flext_observability.ops_server.serialization import check_to_dict, settings_to_dict, to_json, to_jsonable


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
