from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable

import pytest

from flext_observability.settings.config import FIELDS, FlextObservabilityConfig, set_fields, with_defaults
from flext_observability.settings.endpoint import ENDPOINT
from flext_observability.settings.fields import UNSET, Field
from flext_observability.values.endpoint import Endpoint


def test_set_fields() -> None:
    config = FlextObservabilityConfig(service_name="shop", console=None)
    assert set_fields(config) == {"service_name": "shop", "console": None}


def test_repr_has_the_set_fields_without_secrets() -> None:
    config = FlextObservabilityConfig(
        service_name="shop", otlp_headers={"api-key": "s3cret"}, otlp_endpoint="http://me:s3cret@host"
    )
    assert repr(config) == (
        "FlextObservabilityConfig("
        "service_name='shop', otlp_endpoint='http://***@host', otlp_headers={'api-key': '***'})"
    )


def test_repr_hides_headers_given_as_text() -> None:
    values = {**dict.fromkeys(FIELDS, UNSET), "otlp_headers": "api-key=s3cret"}
    assert "s3cret" not in repr(with_defaults(values))


def pickle_copy(config: FlextObservabilityConfig) -> FlextObservabilityConfig:
    again: FlextObservabilityConfig = pickle.loads(pickle.dumps(config))  # noqa: S301 - our own bytes
    return again


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle_copy])
def test_copies_are_equal_with_the_same_set_fields(
    duplicate: Callable[[FlextObservabilityConfig], FlextObservabilityConfig],
) -> None:
    config = FlextObservabilityConfig(service_name="shop")
    again = duplicate(config)
    assert again == config
    assert set_fields(again) == {"service_name": "shop"}


def test_with_defaults_keeps_text_and_parts_of_endpoints() -> None:
    config = with_defaults({"otlp_endpoint": ENDPOINT.accept("http://me:s3cret@h:1/")})
    assert config.otlp_endpoint == "http://me:s3cret@h:1/"
    assert config.endpoints == {"otlp_endpoint": Endpoint("http", "h", 1, "/", credentials="me:s3cret")}
    assert dataclasses.replace(config, service_name="shop").endpoints == {}


def test_configuration_is_frozen() -> None:
    config = FlextObservabilityConfig(service_name="shop")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.service_name = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_repr_of_an_unset_field() -> None:
    assert repr(FlextObservabilityConfig().service_name) == "UNSET"


def test_with_defaults_sets_every_field_and_shares_no_mapping() -> None:
    one, two = with_defaults({}), with_defaults({"prometheus_port": 1})
    assert UNSET not in {id(value): value for value in set_fields(one).values()}.values()
    assert len(set_fields(one)) == len(FIELDS)
    assert (one.prometheus_port, two.prometheus_port) == (9464, 1)
    assert one.otlp_headers == {}
    assert one.otlp_headers is not two.otlp_headers


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_every_default_is_valid_or_empty(row: Field) -> None:
    if row.default not in (None, "", {}):
        assert row.type.accept(row.default) == row.default


def test_every_variable_belongs_to_one_field() -> None:
    names = [variable.name for row in FIELDS.values() for variable in row.variables]
    assert len(names) == len(set(names))


def test_our_variables_have_precedence_over_opentelemetry() -> None:
    for row in FIELDS.values():
        groups = [variable.name.startswith("OTEL_") for variable in row.variables]
        assert groups == sorted(groups)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_a_variable_with_its_name(name: str) -> None:
    assert [variable.name for variable in FIELDS[name].variables].count(f"FLEXT_OBSERVABILITY_{name.upper()}") == 1


@pytest.mark.parametrize("name", FIELDS)
def test_help_describes_every_setting(name: str) -> None:
    row = FIELDS[name]
    (line,) = (each for each in str(FlextObservabilityConfig.__doc__).splitlines() if each.startswith(f"    {name}: "))
    assert row.doc in line
    assert f"Type: {row.type.name}" in line
    assert f" in {row.unit}. Default" in line or not row.unit
    assert f"Default: {row.default!r}." in line
    assert all(variable.name in line for variable in row.variables)
