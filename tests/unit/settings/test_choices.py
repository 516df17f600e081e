from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.settings.choices import EXPORTERS, PROPAGATORS, SAMPLER, signal_exporters_type


def rejects(read: Callable[[Any], object], value: object) -> bool:
    try:
        read(value)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("given", ["console", ["console"], ("Console", "console")])
def test_name_or_sequence_applies_to_all_signals(given: object) -> None:
    assert EXPORTERS.accept(given) == {"traces": ("console",), "metrics": ("console",), "logs": ("console",)}


def test_mapping_applies_to_its_keys() -> None:
    given = {"traces": ["otlp", "console"], "metrics": "none", "logs": None}
    assert EXPORTERS.accept(given) == {"traces": ("otlp", "console"), "metrics": ()}


@pytest.mark.parametrize("given", [[], "none", ["none"], "NONE"])
def test_none_or_empty_list_disables_exporters(given: object) -> None:
    assert EXPORTERS.accept(given) == {"traces": (), "metrics": (), "logs": ()}


@pytest.mark.parametrize("given", [{"spans": ["otlp"]}, {1: "otlp"}, "none,otlp", 3, {"traces": 3}, b"otlp"])
def test_invalid_exporters_are_rejected(given: object) -> None:
    assert rejects(EXPORTERS.accept, given)


def test_entry_point_names_keep_their_case() -> None:
    assert signal_exporters_type("logs").parse("MyVendor, OTLP") == {"logs": ("MyVendor", "otlp")}


def test_variable_for_all_signals() -> None:
    assert EXPORTERS.parse("memory") == {"traces": ("memory",), "metrics": ("memory",), "logs": ("memory",)}


@pytest.mark.parametrize(("given", "value"), [("ALWAYS_ON", "always_on"), (" MySampler ", "MySampler")])
def test_sampler_is_one_name(given: str, value: str) -> None:
    assert SAMPLER.accept(given) == value


@pytest.mark.parametrize("given", [1, "a,b", " ", ["always_on"]])
def test_invalid_sampler(given: object) -> None:
    assert rejects(SAMPLER.accept, given)


def test_propagators_are_distinct_and_none_disables_them() -> None:
    assert PROPAGATORS.accept(["B3", "tracecontext", "b3"]) == ("b3", "tracecontext")
    assert PROPAGATORS.parse("tracecontext,none") == ()
