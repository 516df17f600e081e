from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable

import pytest

from flext_observability.settings.config import FIELDS, FlextObservabilityConfig, concrete, set_fields
from flext_observability.settings.fields import UNSET, Field


def test_a_configuration_knows_what_was_given() -> None:
    config = FlextObservabilityConfig(service_name="shop", console=None)
    assert set_fields(config) == {"service_name": "shop", "console": None}


def test_repr_shows_the_given_alone_and_no_secret() -> None:
    config = FlextObservabilityConfig(
        service_name="shop", otlp_headers={"api-key": "s3cret"}, otlp_endpoint="http://me:s3cret@host"
    )
    assert repr(config) == (
        "FlextObservabilityConfig(service_name='shop', otlp_endpoint='http://***@host', otlp_headers={'api-key': '***'})"
    )


def test_repr_hides_headers_given_as_text() -> None:
    values = {**dict.fromkeys(FIELDS, UNSET), "otlp_headers": "api-key=s3cret"}
    assert "s3cret" not in repr(concrete(values))


def pickled(config: FlextObservabilityConfig) -> FlextObservabilityConfig:
    again: FlextObservabilityConfig = pickle.loads(pickle.dumps(config))  # noqa: S301 - our own bytes
    return again


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_copies_are_equal_and_still_know_what_was_given(
    duplicate: Callable[[FlextObservabilityConfig], FlextObservabilityConfig],
) -> None:
    config = FlextObservabilityConfig(service_name="shop")
    again = duplicate(config)
    assert again == config
    assert set_fields(again) == {"service_name": "shop"}


def test_a_configuration_is_frozen() -> None:
    config = FlextObservabilityConfig(service_name="shop")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.service_name = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_unset_fields_are_named_so() -> None:
    assert repr(FlextObservabilityConfig().service_name) == "UNSET"


def test_concrete_holds_every_default_and_shares_no_mapping() -> None:
    one, two = concrete({}), concrete({"prometheus_port": 1})
    assert UNSET not in {id(value): value for value in set_fields(one).values()}.values()
    assert len(set_fields(one)) == len(FIELDS)
    assert (one.prometheus_port, two.prometheus_port) == (9464, 1)
    assert one.otlp_headers == {}
    assert one.otlp_headers is not two.otlp_headers


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_every_default_is_a_value_that_the_field_accepts_or_says_nothing(row: Field) -> None:
    if row.default not in (None, "", {}):
        assert row.kind.accept(row.default) == row.default


def test_no_variable_speaks_for_two_fields() -> None:
    names = [variable.name for row in FIELDS.values() for variable in row.variables]
    assert len(names) == len(set(names))


def test_our_variables_come_before_those_of_opentelemetry() -> None:
    for row in FIELDS.values():
        groups = [variable.name.startswith("OTEL_") for variable in row.variables]
        assert groups == sorted(groups)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_a_variable_of_its_name(name: str) -> None:
    assert [variable.name for variable in FIELDS[name].variables].count(f"FLEXT_OBSERVABILITY_{name.upper()}") == 1


@pytest.mark.parametrize("name", FIELDS)
def test_help_tells_of_every_setting_with_unit_default_and_variables(name: str) -> None:
    row = FIELDS[name]
    (line,) = (each for each in str(FlextObservabilityConfig.__doc__).splitlines() if each.startswith(f"    {name}: "))
    assert row.doc.rstrip(".") in line
    assert f"in {row.unit}" in line or not row.unit
    assert f"Default: {row.default!r}." in line
    assert all(variable.name in line for variable in row.variables)
