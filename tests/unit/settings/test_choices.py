from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.settings.choices import EXPORTERS, PROPAGATORS, SAMPLER, exporters_of


def refuses(read: Callable[[Any], object], value: object) -> bool:
    try:
        read(value)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("given", ["console", ["console"], ("Console", "console")])
def test_name_or_sequence_speaks_for_all_signals(given: object) -> None:
    assert EXPORTERS.accept(given) == {"traces": ("console",), "metrics": ("console",), "logs": ("console",)}


def test_mapping_speaks_for_its_keys_alone() -> None:
    given = {"traces": ["otlp", "console"], "metrics": "none", "logs": None}
    assert EXPORTERS.accept(given) == {"traces": ("otlp", "console"), "metrics": ()}


@pytest.mark.parametrize("given", [[], "none", ["none"], "NONE"])
def test_none_and_the_empty_list_are_off(given: object) -> None:
    assert EXPORTERS.accept(given) == {"traces": (), "metrics": (), "logs": ()}


@pytest.mark.parametrize("given", [{"spans": ["otlp"]}, {1: "otlp"}, "none,otlp", 3, {"traces": 3}, b"otlp"])
def test_wrong_exporter_choices_are_refused(given: object) -> None:
    assert refuses(EXPORTERS.accept, given)


def test_names_of_plug_ins_keep_their_case() -> None:
    assert exporters_of("logs").parse("MyVendor, OTLP") == {"logs": ("MyVendor", "otlp")}


def test_variable_for_all_signals() -> None:
    assert EXPORTERS.parse("memory") == {"traces": ("memory",), "metrics": ("memory",), "logs": ("memory",)}


@pytest.mark.parametrize(("given", "value"), [("ALWAYS_ON", "always_on"), (" MySampler ", "MySampler")])
def test_sampler_is_one_name(given: str, value: str) -> None:
    assert SAMPLER.accept(given) == value


@pytest.mark.parametrize("given", [1, "a,b", " ", ["always_on"]])
def test_what_is_no_sampler_name(given: object) -> None:
    assert refuses(SAMPLER.accept, given)


def test_propagators_without_doubles_and_none_switches_all_off() -> None:
    assert PROPAGATORS.accept(["B3", "tracecontext", "b3"]) == ("b3", "tracecontext")
    assert PROPAGATORS.parse("tracecontext,none") == ()
