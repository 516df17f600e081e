"""The OpenTelemetry project's own OTLP exporters, against real receivers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace

from flext_observability import init_observability
from flext_observability.exporters.otlp.sdk import create_exporter, grpc_factory, http_factory
from flext_observability.extensions.ports import ExporterUnavailable
from flext_observability.settings.config import with_defaults
from flext_observability.settings.resolve import resolve
from tests.backends.certificates import make_certificates
from tests.backends.collector import collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.backends.telemetry import make_spans


def record() -> None:
    trace.get_tracer("t").start_span("sell").end()
    metrics.get_meter("t").create_counter("sold").add(2)
    logging.getLogger("shop").warning("sold")


def test_three_signals_arrive_over_http_with_our_settings() -> None:
    with collector() as receiver:
        settings: dict[str, Any] = {"otlp_headers": {"x-team": "a"}, "otlp_compression": "gzip", "console": False}
        endpoint = receiver.url.replace("://", "://user:secret@")
        handle = init_observability(exporters="otlp_sdk_http", otlp_endpoint=endpoint, **settings).unwrap()
        record()
        assert not handle.shutdown(10).unwrap().dropped
        assert [span.name for span in receiver.spans()] == ["sell"]
        assert [record.body.string_value for record in receiver.log_records()] == ["sold"]
        assert "sold" in {metric.name for metric in receiver.metrics()}
        headers = receiver.requests[0].headers
        assert (headers["x-team"], headers["content-encoding"]) == ("a", "gzip")
        assert headers["authorization"] == "Basic dXNlcjpzZWNyZXQ="


def test_three_signals_arrive_over_grpc_with_our_settings() -> None:
    with grpc_collector() as receiver:
        settings: dict[str, Any] = {"otlp_headers": {"x-team": "a"}, "console": False}
        handle = init_observability(exporters="otlp_sdk_grpc", otlp_endpoint=receiver.url, **settings).unwrap()
        record()
        assert not handle.shutdown(10).unwrap().dropped
        assert [span.name for span in receiver.spans()] == ["sell"]
        assert receiver.metadata[0]["x-team"] == "a"


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_certificates_of_our_settings_are_used(protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests prefers them to the file of the exporter
        monkeypatch.delenv(variable, raising=False)
    certificates = make_certificates(tmp_path)
    factory = http_factory if protocol == "http" else grpc_factory
    serve = (
        collector(context=certificates.server_context(ask_client=True))
        if protocol == "http"
        else grpc_collector(certificates, ask_client=True)
    )
    with serve as receiver:
        files = {
            "otlp_certificate": str(certificates.authority),
            "otlp_client_certificate": str(certificates.client),
            "otlp_client_key": str(certificates.client_key),
        }
        config = resolve(None, {"otlp_endpoint": receiver.url, **files}, {}).unwrap().config
        exporter = factory.create("traces", config)
        try:
            assert exporter.export(make_spans(2), 5).accepted == 2
        finally:
            exporter.close()
        assert len(receiver.spans()) == 2


def test_a_refusing_collector_is_a_failure_with_a_fix() -> None:
    with refusing_port() as port:
        settings = {"otlp_endpoint": f"http://127.0.0.1:{port}", "otlp_timeout_seconds": 0.2}
        exporter = http_factory.create("traces", resolve(None, settings, {}).unwrap().config)
        outcome = exporter.export(make_spans(1), 5)
        exporter.close()
    assert (outcome.accepted, outcome.reason) == (0, "error")
    assert outcome.fix


def test_a_missing_package_names_its_install_line() -> None:
    with pytest.raises(ExporterUnavailable) as caught:
        create_exporter("otlp_sdk_pigeon", "http/protobuf", "otlp_proto_pigeon", "traces", with_defaults({}))
    assert caught.value.fix == "pip install opentelemetry-exporter-otlp-proto-pigeon"


def test_a_missing_file_degrades_the_signal(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"otlp_endpoint": "https://127.0.0.1:1", "console": False}
    handle = init_observability(exporters="otlp_sdk_grpc", otlp_certificate=str(tmp_path / "none.pem"), **settings)
    status = handle.unwrap().status()["traces"]
    assert status.state == "degraded"
    assert "none.pem" in status.reason
