from __future__ import annotations

from collections.abc import Mapping

import pytest

from flext_observability.settings.config import FIELDS, FlextObservabilityConfig
from flext_observability.settings.endpoint import ALERTMANAGER, PUSH_GATEWAY
from flext_observability.settings.masking import preview_value
from flext_observability.settings.reading import PartialSettings, read
from flext_observability.settings.types import HEADERS, KEY_VALUE_LIST
from tests.hostile import Hostile


def values_of(
    arguments: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    given: FlextObservabilityConfig | None = None,
) -> PartialSettings:
    return read(given, arguments or {}, environ or {})


class HostileMapping(dict[str, str]):
    def items(self) -> object:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        raise RuntimeError("no")


def test_argument_beats_ours_beats_opentelemetry() -> None:
    environ = {"FLEXT_OBSERVABILITY_SERVICE_NAME": "ours", "OTEL_SERVICE_NAME": "theirs"}
    assert values_of({"service_name": "argument"}, environ).values["service_name"] == "argument"
    partial = values_of({}, environ)
    assert (partial.values["service_name"], partial.source("service_name")) == (
        "ours",
        "FLEXT_OBSERVABILITY_SERVICE_NAME",
    )
    partial = values_of({}, {"OTEL_SERVICE_NAME": "theirs"})
    assert (partial.values["service_name"], partial.source("service_name")) == ("theirs", "OTEL_SERVICE_NAME")


def test_keyword_argument_has_precedence_over_configuration() -> None:
    given = FlextObservabilityConfig(service_name="object", environment="object")
    values = values_of({"service_name": "keyword"}, given=given).values
    assert (values["service_name"], values["environment"]) == ("keyword", "object")


@pytest.mark.parametrize("variable", ["FLEXT_ENVIRONMENT", "FLEXT_OBSERVABILITY_ENVIRONMENT"])
def test_environment_has_two_variables(variable: str) -> None:
    assert values_of({}, {variable: "production"}).values["environment"] == "production"


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("FLEXT_LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("OBSERVABILITY_LOG_LEVEL", "info", "log_level", "INFO"),
        ("OBSERVABILITY_METRICS_ENABLED", "false", "metrics_enabled", False),
        ("OBSERVABILITY_TRACING_ENABLED", "false", "traces_enabled", False),
        ("FLEXT_OBSERVABILITY_TRACING_ENABLED", "false", "traces_enabled", False),
        ("OBSERVABILITY_CORRELATION_ID_HEADER", "X-Id", "correlation_id_header", "X-Id"),
        ("PROMETHEUS_PUSH_GATEWAY", "http://p:9091", "push_gateway", PUSH_GATEWAY.accept("http://p:9091")),
        ("ALERTMANAGER_URL", "http://a:9093", "alertmanager_url", ALERTMANAGER.accept("http://a:9093")),
        ("GRAFANA_URL", "http://g:3000", "grafana_url", "http://g:3000"),
        ("OTEL_SDK_DISABLED", "TRUE", "disabled", True),
        ("OTEL_LOG_LEVEL", "error", "internal_log_level", "ERROR"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250", "traces_schedule_delay_seconds", 0.25),
        ("FLEXT_OBSERVABILITY_TRACES_SCHEDULE_DELAY_SECONDS", "250", "traces_schedule_delay_seconds", 250.0),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3.5", "otlp_timeout_seconds", 3.5),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000", "metric_export_interval_seconds", 1.0),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "0", "prometheus_port", 0),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process,os", "resource_detectors", ("process", "os")),
    ],
)
def test_variable_is_read(variable: str, text: str, name: str, value: object) -> None:
    partial = values_of({}, {variable: text})
    assert (partial.values[name], partial.source(name), partial.notices) == (value, variable, [])


@pytest.mark.parametrize("text", ["", "  "])
def test_blank_variable_is_not_set(text: str) -> None:
    assert "service_name" not in values_of({}, {"OTEL_SERVICE_NAME": text}).values


def test_invalid_variable_is_a_notice_and_the_next_applies() -> None:
    partial = values_of({}, {"FLEXT_OBSERVABILITY_PROMETHEUS_PORT": "no", "OTEL_EXPORTER_PROMETHEUS_PORT": "9000"})
    assert partial.values["prometheus_port"] == 9000
    (notice,) = partial.notices
    assert notice.signal == "metrics"
    assert notice.message == (
        "FLEXT_OBSERVABILITY_PROMETHEUS_PORT='no' is ignored: it must be a whole number from 0 to 65535"
    )
    assert notice.fix == "Correct or unset it"
    assert notice.degrades


def test_variable_is_not_read_when_an_argument_is_given() -> None:
    assert values_of({"prometheus_port": 1}, {"OTEL_EXPORTER_PROMETHEUS_PORT": "no"}).notices == []


def test_one_is_not_a_valid_bool() -> None:
    partial = values_of({}, {"OTEL_SDK_DISABLED": "1"})
    assert "disabled" not in partial.values
    assert partial.notices[0].message == "OTEL_SDK_DISABLED='1' is ignored: it must be true or false"


def test_valid_items_of_resource_attributes_are_kept() -> None:
    partial = values_of({}, {"OTEL_RESOURCE_ATTRIBUTES": "team=a,broken"})
    assert partial.values["resource_attributes"] == {"team": "a"}
    assert "is partly ignored: 1 of its parts has no name or no '='" in partial.notices[0].message


def test_resource_attributes_are_merged_from_all_sources() -> None:
    partial = values_of(
        {"resource_attributes": {"a": "argument"}},
        {"OTEL_RESOURCE_ATTRIBUTES": "a=1,b=2,c=3", "FLEXT_OBSERVABILITY_RESOURCE_ATTRIBUTES": "b=ours"},
    )
    assert partial.values["resource_attributes"] == {"a": "argument", "b": "ours", "c": "3"}
    assert partial.sources["resource_attributes"] == "argument"
    assert partial.sources["resource_attributes.c"] == "OTEL_RESOURCE_ATTRIBUTES"


def test_unknown_variable_is_a_notice_with_a_suggestion() -> None:
    (notice,) = values_of({}, {"FLEXT_OBSERVABILITY_SERVCE_NAME": "x", "OTEL_UNHEARD_OF": "x", "PATH": "/"}).notices
    assert "FLEXT_OBSERVABILITY_SERVCE_NAME is not a setting" in notice.message
    assert "did you mean FLEXT_OBSERVABILITY_SERVICE_NAME" in notice.message


def test_unknown_argument_is_an_error_with_a_suggestion() -> None:
    assert values_of({"exporter": "otlp"}).errors == ["'exporter' is not a setting (did you mean exporters?)"]
    assert values_of({"zzzzzzzz": 1}).errors == ["'zzzzzzzz' is not a setting"]


def test_tracing_enabled_is_an_alias() -> None:
    assert values_of({"tracing_enabled": False}).values["traces_enabled"] is False
    assert values_of({"tracing_enabled": False, "traces_enabled": False}).errors == []
    assert values_of({"tracing_enabled": False, "traces_enabled": True}).errors == [
        "traces_enabled is given under two names, with different values"
    ]


@pytest.mark.parametrize("name", ["service_name", "sample_ratio", "exporters", "prometheus_port", "console"])
def test_none_is_not_set(name: str) -> None:
    assert name not in values_of({name: None}).values


def test_none_disables_a_limit() -> None:
    assert values_of({"span_attribute_count_limit": None}).values == {"span_attribute_count_limit": None}


def test_empty_text_is_not_set() -> None:
    given = FlextObservabilityConfig(service_name="")
    assert values_of({"environment": ""}, {"OTEL_SERVICE_NAME": "shop"}, given).values == {"service_name": "shop"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"sample_ratio": 7}, "sample_ratio must be a number from 0 to 1, got 7"),
        ({"prometheus_port": "x"}, "prometheus_port must be a whole number from 0 to 65535, got 'x'"),
        (
            {"traces_max_queue_size": 10**400},
            "traces_max_queue_size must be a whole number from 1 to 2147483647, got int",
        ),
        ({"otlp_headers": "secret"}, f"otlp_headers must be {HEADERS.allowed}, got …"),
        ({"otlp_headers": 3}, f"otlp_headers must be {HEADERS.allowed}, got int"),
        (
            {"otlp_endpoint": "ftp://me:pw@h"},
            (
                "otlp_endpoint must be an endpoint like http://localhost:4318 (its scheme is not http or https), "
                "got 'ftp://***@h'"
            ),
        ),
        (
            {"exporters": "none,otlp"},
            f"exporters must be {FIELDS['exporters'].type.allowed} ('none' excludes other names), got 'none,otlp'",
        ),
        (
            {"resource_attributes": HostileMapping(a="b")},
            f"resource_attributes must be {KEY_VALUE_LIST.allowed}, got HostileMapping",
        ),
    ],
)
def test_message_of_an_invalid_argument(arguments: dict[str, object], error: str) -> None:
    partial = values_of(arguments)
    assert partial.errors == [error]
    assert partial.values == {}


@pytest.mark.parametrize("name", FIELDS)
def test_object_that_raises_on_every_access_is_an_error(name: str) -> None:
    (error,) = values_of({name: Hostile()}).errors
    assert error.startswith(f"{name} must be ")
    assert error.endswith("got Hostile")


def test_every_invalid_argument_is_listed() -> None:
    assert len(values_of({"sample_ratio": 7, "console": "yes", "unknown": 1}).errors) == 3


def test_long_values_are_truncated() -> None:
    assert preview_value("x" * 100, FIELDS["sampler"].type) == f"'{'x' * 59}…"
