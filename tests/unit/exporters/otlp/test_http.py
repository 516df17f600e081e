"""OTLP over HTTP against real servers, valid and faulty."""

from __future__ import annotations

import gzip
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.exporters.otlp.http import OtlpHttpExporter, factory
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.settings.config import with_defaults
from flext_observability.settings.resolve import resolve
from flext_observability.wire.otlp.encode import encode_json_request
from tests import programs
from tests.backends.certificates import Certificates, make_certificates
from tests.backends.collector import Answer, collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.backends.raw import answers_without_end, raw_server, reads_and_closes, silent
from tests.backends.telemetry import make_logs, make_metrics, make_spans


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def exporter(url: str, signal: Signal = "traces", **settings: Any) -> Generator[OtlpHttpExporter]:
    made = factory.create(signal, resolve(None, {"otlp_endpoint": url, **settings}, {}).unwrap().config)
    try:
        yield made
    finally:
        made.close()


def export(url: str, items: int = 2, seconds: float = 2.0, **settings: Any) -> ExportOutcome:
    with exporter(url, **settings) as made:
        return made.export(make_spans(items), seconds)


def test_three_signals_arrive() -> None:
    data = make_metrics(lambda meter: [meter.create_counter("sold").add(1, {"table": table}) for table in range(3)])
    assert tuple(factory.signals()) == SIGNALS
    with collector() as server:
        with exporter(server.url, "traces") as traces, exporter(server.url, "logs") as logs:
            assert traces.export(make_spans(2), 2) == ExportOutcome(accepted=2)
            assert logs.export(make_logs(2), 2) == ExportOutcome(accepted=2)
        with exporter(server.url, "metrics") as metrics:
            assert metrics.export([data], 2) == ExportOutcome(accepted=3)
        assert [span.name for span in server.spans()] == ["span-0", "span-1"]
        assert [record.body.string_value for record in server.log_records()] == ["log-0", "log-1"]
        assert [metric.name for metric in server.metrics()] == ["sold"]


def test_headers_and_compression() -> None:
    with collector() as server:
        export(server.url, otlp_headers={"x-tenant": "blue", "content-type": "mine"}, otlp_compression="gzip")
        request = server.requests[0]
    assert request.headers["x-tenant"] == "blue"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.headers["content-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("OTel-OTLP-Exporter-Python")
    assert len(gzip.decompress(request.body)) > len(request.body)


@pytest.mark.parametrize("signal", SIGNALS)
def test_json(signal: Signal) -> None:
    batches: dict[Signal, Any] = {
        "traces": make_spans(2),
        "logs": make_logs(2),
        "metrics": [make_metrics(lambda meter: [meter.create_counter("sold").add(1, {"t": t}) for t in range(2)])],
    }
    partial = b'{"partialSuccess": {"rejectedSpans": "1", "rejectedLogRecords": 1, "rejectedDataPoints": 1}}'
    with collector() as server:
        server.answers.append(Answer(body=partial, headers={"content-type": "application/json"}))
        with exporter(server.url, signal, otlp_protocol="http/json") as made:
            found = made.export(batches[signal], 2)
        request = server.requests[0]
    assert (found.accepted, found.rejected) == (1, 1)
    assert request.headers["content-type"] == "application/json"
    assert request.body == encode_json_request(signal, batches[signal])


def test_the_gzip_level_is_a_setting() -> None:
    with collector() as server:
        for level in (1, 9):
            export(server.url, 100, otlp_compression="gzip", otlp_gzip_level=level)
        fast, small = server.requests
    assert gzip.decompress(fast.body)[:9] == gzip.decompress(small.body)[:9]
    assert len(small.body) < len(fast.body)


def test_connection_is_kept_between_batches() -> None:
    with collector() as server, exporter(server.url) as made:
        for _ in range(3):
            made.export(make_spans(1), 2)
        assert server.connections == 1


def test_batch_above_the_size_limit_arrives_in_parts() -> None:
    with collector() as server:
        server.max_body_bytes = 1000
        assert export(server.url, 50) == ExportOutcome(accepted=50)
        assert len(server.spans()) == 50


def test_metrics_above_the_size_limit_arrive_in_parts() -> None:
    data = make_metrics(lambda meter: [meter.create_counter("sold").add(1, {"table": table}) for table in range(40)])
    with collector() as server:
        server.max_body_bytes = 700
        with exporter(server.url, "metrics") as made:
            assert made.export([data], 2) == ExportOutcome(accepted=40)
        points = [point for metric in server.metrics() for point in metric.sum.data_points]
    assert sorted(point.attributes[0].value.int_value for point in points) == list(range(40))


def test_span_above_the_size_limit_is_rejected_alone() -> None:
    with collector() as server:
        server.max_body_bytes = 1000
        with exporter(server.url) as made:
            found = made.export([*make_spans(3), *make_spans(1, text="x" * 5000), *make_spans(3)], 2)
        assert (found.accepted, found.rejected, found.reason) == (6, 1, "too_large")
        assert found.message.endswith("answered 413 (span span-0)")
        assert len(server.spans()) == 6


def test_receiver_that_asks_to_wait_and_recovers() -> None:
    with collector() as server, exporter(server.url) as made:
        server.answers.append(Answer(429, {"Retry-After": "3"}))
        found = made.export(make_spans(1), 2)
        assert (found.retry, found.retry_after_seconds) == (True, 3.0)
        assert made.export(make_spans(1), 2) == ExportOutcome(accepted=1)


@pytest.mark.parametrize("status", [401, 404, 503])
def test_error_statuses_have_a_fix(status: int) -> None:
    with collector() as server:
        server.standing = Answer(status)
        found = export(server.url)
    assert found.retry == (status == 503)
    assert str(status) in found.message
    assert found.fix


def test_success_with_garbage_is_accepted_and_reported() -> None:
    with collector() as server:
        server.standing = Answer(200, {"content-type": "text/html"}, b"<html>hello</html>")
        found = export(server.url)
    assert found.accepted == 2
    assert found.message


def test_endless_reply_is_limited() -> None:
    with raw_server(answers_without_end(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096)) as server:
        found = export(server.url, seconds=5)
    assert (found.accepted, found.retry) == (2, False)


def test_refusing_port_fails_at_once() -> None:
    began = time.monotonic()
    with refusing_port() as port:
        found = export(f"http://127.0.0.1:{port}", seconds=5)
    assert time.monotonic() - began < 1
    assert (found.retry, found.reached, found.reason) == (True, False, "unreachable")


def test_unknown_host() -> None:
    found = export("http://collector.invalid:4318")
    assert (found.retry, found.reached) == (True, False)
    assert "collector.invalid" in found.message


@pytest.mark.parametrize(("allowed", "setting"), [(0.2, 10.0), (10.0, 0.2)])
def test_silent_receiver_costs_the_shorter_timeout(allowed: float, setting: float) -> None:
    with raw_server(silent) as server:
        began = time.monotonic()
        found = export(server.url, seconds=allowed, otlp_timeout_seconds=setting)
    assert time.monotonic() - began < 2
    assert (found.reason, found.reached) == ("timeout", False)


def test_grpc_receiver_is_recognised() -> None:
    with grpc_collector() as server:
        found = export(server.url)
    assert found.retry
    assert "otlp_grpc" in found.fix


def test_receiver_that_closes_the_connection() -> None:
    with raw_server(reads_and_closes) as server:
        found = export(server.url)
    assert (found.retry, found.reached, found.reason) == (True, True, "invalid_response")


def test_tls(certificates: Certificates) -> None:
    with collector(context=certificates.server_context(ask_client=True)) as server:
        found = export(
            server.url,
            otlp_certificate=str(certificates.authority),
            otlp_client_certificate=str(certificates.client),
            otlp_client_key=str(certificates.client_key),
        )
    assert found == ExportOutcome(accepted=2)


def test_tls_without_certificate(certificates: Certificates) -> None:
    with collector(context=certificates.server_context()) as server:
        found = export(server.url)
    assert (found.retry, found.reached) == (True, True)
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in found.fix


def test_missing_certificate_file_is_found_at_startup(tmp_path: Path) -> None:
    with pytest.raises(ExporterUnavailable, match=r"gone\.pem cannot be read") as caught:
        factory.create(
            "traces",
            resolve(None, {"otlp_endpoint": "https://h", "otlp_certificate": str(tmp_path / "gone.pem")}, {})
            .unwrap()
            .config,
        )
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in caught.value.fix


def test_certificate_file_that_is_deleted_later(tmp_path: Path, certificates: Certificates) -> None:
    copy = tmp_path / "authority.pem"
    copy.write_bytes(certificates.authority.read_bytes())
    with (
        collector(context=certificates.server_context()) as server,
        exporter(server.url, otlp_certificate=str(copy)) as made,
    ):
        copy.unlink()
        assert "cannot be read" in made.export(make_spans(1), 2).message


def test_invalid_header() -> None:
    with pytest.raises(ExporterUnavailable, match="two words") as caught:
        factory.create("traces", with_defaults({"otlp_headers": {"two words": "x"}}))
    assert "otlp_headers" in caught.value.fix


def test_creating_an_exporter_imports_nothing_heavy() -> None:
    done = programs.run(
        """
        import sys
        from flext_observability.exporters.otlp.http import factory
        from flext_observability.settings.config import with_defaults
        for signal in factory.signals():
            factory.create(signal, with_defaults({})).close()
        heavy = "requests", "grpc", "ssl", "http.client", "google.protobuf", "opentelemetry.sdk", "opentelemetry.proto"
        print([name for name in heavy if name in sys.modules])
        """
    )
    assert done.lines == ["[]"], done.err
