from __future__ import annotations

from collections.abc import Mapping

import pytest

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.settings.config import FIELDS
from flext_observability.settings.otlp import PARTS, OtlpSettings, otlp_notices, otlp_settings, protocol_of
from flext_observability.settings.resolve import resolve


def sent(signal: Signal = "traces", /, **arguments: object) -> OtlpSettings:
    config = resolve(None, {"service_name": "shop", "environment": "test", **arguments}, {}).unwrap().config
    return otlp_settings(config, signal)


def notices(environ: Mapping[str, str] | None = None, /, **arguments: object) -> tuple[Notice, ...]:
    arguments = {"service_name": "shop", "environment": "test", **arguments}
    return otlp_notices(resolve(None, arguments, environ or {}).unwrap().config)


def test_every_part_can_be_set_for_all_signals_and_for_each() -> None:
    for part in PARTS:
        assert {f"otlp_{part}", *(f"otlp_{signal}_{part}" for signal in SIGNALS)} <= set(FIELDS)


def test_defaults() -> None:
    assert sent() == OtlpSettings(
        endpoint="http://localhost:4318/v1/traces",
        protocol="http/protobuf",
        headers={},
        certificate_file=None,
        client_key_file=None,
        client_certificate_file=None,
        compression="none",
        timeout_seconds=10.0,
        insecure=True,
    )


def test_default_of_grpc() -> None:
    settings = sent(otlp_protocol="grpc")
    assert (settings.endpoint, settings.protocol, settings.insecure) == ("http://localhost:4317", "grpc", True)


def test_value_of_the_signal_beats_the_general_one() -> None:
    settings = sent(
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
    settings = sent(**arguments)
    assert settings.endpoint == endpoint
    assert settings.insecure == endpoint.startswith("http://")


def test_credentials_of_the_address_become_a_header() -> None:
    settings = sent(otlp_endpoint="http://me:p%40ss@c:4318")
    assert settings.endpoint == "http://c:4318/v1/traces"
    assert settings.headers == {"authorization": "Basic bWU6cEBzcw=="}


def test_a_header_beats_the_credentials_of_the_address() -> None:
    settings = sent(otlp_endpoint="http://me:p@c:4318", otlp_headers={"Authorization": "Bearer x"})
    assert settings.headers == {"authorization": "Bearer x"}


def test_the_exporter_that_asks_decides_the_protocol() -> None:
    config = resolve(None, {"exporters": ["otlp_grpc", "otlp_http"]}, {}).unwrap().config
    assert otlp_settings(config, "logs").protocol == "grpc"
    assert otlp_settings(config, "logs", "http/protobuf").endpoint == "http://localhost:4318/v1/logs"


def test_without_a_wired_exporter_the_settings_decide_the_protocol() -> None:
    config = resolve(None, {"exporters": "memory", "otlp_protocol": "grpc"}, {}).unwrap().config
    assert otlp_settings(config, "logs").protocol == "grpc"


def test_http_json_is_sent_as_protobuf() -> None:
    config = resolve(None, {"otlp_protocol": "http/json"}, {}).unwrap().config
    assert protocol_of(config, "traces") == "http/protobuf"


class TestNotices:
    def test_nothing_to_say(self) -> None:
        assert notices() == ()
        assert notices(otlp_endpoint="c", exporters="memory") == ()

    def test_missing_scheme(self) -> None:
        (notice,) = notices(otlp_endpoint="collector:4318")
        assert notice.signal == "all"
        assert "has no scheme: http://collector:4318 is used" in notice.message
        assert "http://collector:4318" in notice.fix
        assert notice.degrades

    def test_http_on_the_port_of_grpc(self) -> None:
        (notice,) = notices(otlp_endpoint="http://c:4317", otlp_protocol="http/protobuf")
        assert "over HTTP is sent to http://c:4317" in notice.message
        assert notice.fix == "Use port 4318, or set the protocol to grpc"
        assert notice.degrades

    def test_grpc_on_the_port_of_http(self) -> None:
        (notice,) = notices({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, exporters={"logs": "otlp_grpc"})
        assert (notice.signal, notice.degrades) == ("logs", True)
        assert "Use port 4317" in notice.fix

    def test_grpc_by_port_is_told(self) -> None:
        (notice,) = notices(otlp_endpoint="http://c:4317")
        assert "no protocol is set" in notice.message
        assert not notice.degrades

    def test_explicit_grpc_is_not(self) -> None:
        assert notices(otlp_endpoint="http://c:4317", otlp_protocol="grpc") == ()

    def test_http_json(self) -> None:
        (notice,) = notices(otlp_protocol="http/json")
        assert "http/json is not supported" in notice.message

    def test_http_without_port(self) -> None:
        (notice,) = notices(otlp_endpoint="http://c")
        assert "80 is used" in notice.message
        assert "4318" in notice.fix

    def test_address_of_one_signal_without_path(self) -> None:
        (notice,) = notices(otlp_metrics_endpoint="http://c:4318")
        assert notice.signal == "metrics"
        assert "http://c:4318/v1/metrics" in notice.fix

    def test_address_for_all_with_the_path_of_one(self) -> None:
        found = notices(otlp_endpoint="http://c:4318/v1/traces")
        assert [notice.signal for notice in found] == ["traces", "metrics", "logs"]
        assert "/v1/logs is added to http://c:4318/v1/traces" in found[2].message

    def test_no_credentials_in_messages(self) -> None:
        assert "s3cret" not in str(notices(otlp_endpoint="me:s3cret@c:4317", otlp_protocol="http/protobuf"))
