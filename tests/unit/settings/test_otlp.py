from __future__ import annotations

from collections.abc import Mapping

import pytest

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.settings.config import FIELDS, with_defaults
from flext_observability.settings.otlp import (
    OTLP_FIELDS,
    OtlpSettings,
    Protocol,
    default_protocol,
    otlp_notices,
    otlp_settings,
)
from flext_observability.settings.resolve import resolve
from flext_observability.values.endpoint import Endpoint


def resolved_otlp(signal: Signal = "traces", /, **arguments: object) -> OtlpSettings:
    config = resolve(None, {"service_name": "shop", "environment": "test", **arguments}, {}).unwrap().config
    return otlp_settings(config, signal, default_protocol(config, signal))


def notices(environ: Mapping[str, str] | None = None, /, **arguments: object) -> tuple[Notice, ...]:
    arguments = {"service_name": "shop", "environment": "test", **arguments}
    return otlp_notices(resolve(None, arguments, environ or {}).unwrap().config)


def test_fields_exist_for_all_signals_and_for_each() -> None:
    for name in OTLP_FIELDS:
        assert {f"otlp_{name}", *(f"otlp_{signal}_{name}" for signal in SIGNALS)} <= set(FIELDS)


def test_defaults() -> None:
    assert resolved_otlp() == OtlpSettings(
        endpoint=Endpoint("http", "localhost", 4318, "/v1/traces"),
        headers={},
        certificate_file=None,
        client_key_file=None,
        client_certificate_file=None,
        encoding="protobuf",
        compression="none",
        gzip_level=3,
        timeout_seconds=10.0,
    )


def test_default_of_grpc() -> None:
    assert resolved_otlp(otlp_protocol="grpc").endpoint == Endpoint("http", "localhost", 4317)


def test_value_for_the_signal_has_precedence() -> None:
    settings = resolved_otlp(
        "logs",
        otlp_headers={"a": "general"},
        otlp_logs_headers={"b": "own"},
        otlp_compression="gzip",
        otlp_logs_compression="none",
        otlp_timeout_seconds=1,
        otlp_logs_timeout_seconds=2,
        otlp_certificate="ca.pem",
        otlp_client_key="key.pem",
        otlp_logs_client_certificate="own.pem",
    )
    assert (settings.headers, settings.compression, settings.timeout_seconds) == ({"b": "own"}, "none", 2.0)
    assert settings.certificate_file == "ca.pem"
    assert (settings.client_key_file, settings.client_certificate_file) == ("key.pem", "own.pem")


@pytest.mark.parametrize(
    ("arguments", "endpoint"),
    [
        ({"otlp_endpoint": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"otlp_endpoint": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"otlp_endpoint": "https://c/base/"}, "https://c/base/v1/traces"),
        ({"otlp_endpoint": "http://c:4318/b?tenant=a"}, "http://c:4318/b/v1/traces?tenant=a"),
        ({"otlp_endpoint": "c:4318"}, "http://c:4318/v1/traces"),
        ({"otlp_endpoint": "c:443"}, "https://c:443/v1/traces"),
        ({"otlp_endpoint": "http://[::1]:4318"}, "http://[::1]:4318/v1/traces"),
        ({"otlp_traces_endpoint": "http://c:4318/own"}, "http://c:4318/own"),
        ({"otlp_traces_endpoint": "http://c:4318/own/"}, "http://c:4318/own/"),
        ({"otlp_traces_endpoint": "http://c:4318"}, "http://c:4318/"),
        ({"otlp_endpoint": "http://c:4317"}, "http://c:4317"),
        ({"otlp_endpoint": "https://c/ignored?x=y", "otlp_protocol": "grpc"}, "https://c:443"),
        ({"otlp_endpoint": "c:4317"}, "https://c:4317"),
        ({"otlp_endpoint": "c:4317", "otlp_insecure": True}, "http://c:4317"),
        ({"otlp_endpoint": "c:4317", "otlp_insecure": True, "otlp_traces_insecure": False}, "https://c:4317"),
    ],
)
def test_endpoint(arguments: dict[str, object], endpoint: str) -> None:
    assert resolved_otlp(**arguments).endpoint.url == endpoint


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_endpoint_keeps_its_credentials(protocol: str) -> None:
    endpoint = resolved_otlp(otlp_endpoint="http://me:p%40ss@c:4318", otlp_protocol=protocol).endpoint
    assert endpoint.credentials == "me:p@ss"


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("grpc", "http://localhost:4317"), ("http/protobuf", "http://localhost:4318/v1/logs")]
)
def test_default_endpoint_depends_on_the_protocol_of_the_exporter(protocol: Protocol, endpoint: str) -> None:
    config = resolve(None, {"exporters": ["otlp_grpc", "otlp_http"]}, {}).unwrap().config
    assert otlp_settings(config, "logs", protocol).endpoint.url == endpoint


@pytest.mark.parametrize(
    ("arguments", "protocol"),
    [
        ({}, "http/protobuf"),
        ({"otlp_protocol": "grpc"}, "grpc"),
        ({"otlp_protocol": "http/json"}, "http/protobuf"),
        ({"otlp_endpoint": "http://c:4317"}, "grpc"),
        ({"otlp_endpoint": "http://c:4317", "otlp_traces_endpoint": "http://c:4318"}, "http/protobuf"),
        ({"otlp_endpoint": "http://c:4317", "otlp_traces_protocol": "http/protobuf"}, "http/protobuf"),
    ],
)
def test_default_protocol(arguments: dict[str, object], protocol: Protocol) -> None:
    assert default_protocol(resolve(None, arguments, {}).unwrap().config, "traces") == protocol


def test_json_of_one_signal() -> None:
    settings = {"otlp_protocol": "http/json", "otlp_logs_protocol": "http/protobuf"}
    assert [resolved_otlp(signal, **settings).encoding for signal in SIGNALS] == ["json", "json", "protobuf"]


def test_a_wrong_gzip_level_is_an_error_with_the_allowed_ones() -> None:
    found = resolve(None, {"otlp_gzip_level": 10}, {})
    assert found.message is not None
    assert "otlp_gzip_level must be a whole number from 1 to 9" in found.message
    config = resolve(None, {}, {"FLEXT_OBSERVABILITY_OTLP_GZIP_LEVEL": "0"}).unwrap().config
    assert config.otlp_gzip_level == 3


class TestNotices:
    def test_valid_or_unused_endpoint(self) -> None:
        assert notices() == ()
        assert notices(otlp_endpoint="c", exporters="memory") == ()

    def test_missing_scheme(self) -> None:
        (notice,) = notices(otlp_endpoint="collector:4318")
        assert notice.signal == "all"
        assert "has no scheme: http://collector:4318 is used" in notice.message
        assert "http://collector:4318" in notice.fix
        assert notice.degrades

    def test_http_on_the_grpc_port(self) -> None:
        (notice,) = notices(otlp_endpoint="http://c:4317", otlp_protocol="http/protobuf")
        assert "OTLP over HTTP is sent to http://c:4317" in notice.message
        assert notice.fix == "Use port 4318, or set the protocol to grpc"
        assert notice.degrades

    def test_grpc_on_the_http_port(self) -> None:
        (notice,) = notices({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, exporters={"logs": "otlp_grpc"})
        assert (notice.signal, notice.degrades) == ("logs", True)
        assert "Use port 4317" in notice.fix

    def test_grpc_chosen_by_port(self) -> None:
        (notice,) = notices(otlp_endpoint="http://c:4317")
        assert "no protocol is set" in notice.message
        assert not notice.degrades

    def test_configured_grpc(self) -> None:
        assert notices(otlp_endpoint="http://c:4317", otlp_protocol="grpc") == ()

    def test_http_json(self) -> None:
        assert notices(otlp_protocol="http/json") == ()

    def test_http_endpoint_without_port(self) -> None:
        (notice,) = notices(otlp_endpoint="http://c")
        assert "80 is used" in notice.message
        assert "4318" in notice.fix

    def test_endpoint_of_one_signal_without_path(self) -> None:
        (notice,) = notices(otlp_metrics_endpoint="http://c:4318")
        assert notice.signal == "metrics"
        assert "http://c:4318/v1/metrics" in notice.fix

    def test_endpoint_for_all_signals_with_the_path_of_one(self) -> None:
        found = notices(otlp_endpoint="http://c:4318/v1/traces")
        assert [notice.signal for notice in found] == ["traces", "metrics", "logs"]
        assert "/v1/logs is added to http://c:4318/v1/traces" in found[2].message

    def test_no_credentials_in_messages(self) -> None:
        assert "s3cret" not in str(notices(otlp_endpoint="me:s3cret@c:4317", otlp_protocol="http/protobuf"))


def test_repr_of_settings_has_no_headers() -> None:
    config = with_defaults({"otlp_headers": {"x-key": "s3cret"}})
    assert repr(otlp_settings(config, "traces", "grpc")) == "OtlpSettings(Endpoint('http://localhost:4317'))"
