"""OTLP over gRPC against real servers, valid and faulty."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped] # the library has no types
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped] # its package has no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # as above
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.exporters.otlp.grpc import OtlpGrpcExporter, factory
from flext_observability.exporters.otlp.http import factory as http_factory
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.settings.config import with_defaults
from flext_observability.settings.resolve import resolve
from tests import programs
from tests.backends.certificates import Certificates, make_certificates
from tests.backends.collector import collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.backends.raw import raw_server, silent
from tests.backends.telemetry import make_logs, make_metrics, make_spans


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def exporter(url: str, signal: Signal = "traces", **settings: Any) -> Generator[OtlpGrpcExporter]:
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
    with grpc_collector() as server:
        with exporter(server.url) as made:
            assert made.export(make_spans(2), 2) == ExportOutcome(accepted=2)
        with exporter(server.url, "logs") as made:
            assert made.export(make_logs(2), 2) == ExportOutcome(accepted=2)
        with exporter(server.url, "metrics") as made:
            assert made.export([data], 2) == ExportOutcome(accepted=3)
    assert len(server.requests) == 3
    assert [span.name for span in server.spans()] == ["span-0", "span-1"]


def test_headers_and_compression() -> None:
    with grpc_collector() as server:
        export(server.url, otlp_headers={"X-Tenant": "blue"}, otlp_compression="gzip")
    assert server.metadata[0]["x-tenant"] == "blue"
    assert server.metadata[0]["user-agent"].startswith("OTel-OTLP-Exporter-Python")


def rejected(code: Any, details: str = "because", *trailing: tuple[str, bytes]) -> ExportOutcome:
    with grpc_collector() as server:
        server.rejections.append((code, details, trailing))
        return export(server.url)


@pytest.mark.parametrize("code", ["CANCELLED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"])
def test_retryable_status(code: str) -> None:
    found = rejected(grpc.StatusCode[code])
    assert (found.retry, found.reason, found.reached) == (True, "unavailable", True)
    assert found.message.endswith(f"answered {code}: because")


@pytest.mark.parametrize(
    ("code", "reason", "named"),
    [
        ("UNAUTHENTICATED", "unauthorized", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("PERMISSION_DENIED", "unauthorized", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("UNIMPLEMENTED", "not_found", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("INVALID_ARGUMENT", "rejected", "version"),
        ("INTERNAL", "error", "log"),
        ("RESOURCE_EXHAUSTED", "error", "log"),
    ],
)
def test_permanent_status(code: str, reason: str, named: str) -> None:
    found = rejected(grpc.StatusCode[code])
    assert (found.accepted, found.retry, found.reason) == (0, False, reason)
    assert named in found.fix


def test_status_without_details() -> None:
    assert rejected(grpc.StatusCode.INTERNAL, "").message.endswith("answered INTERNAL")


def test_exhausted_receiver_with_a_retry_delay() -> None:
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=Duration(seconds=4)))
    status = Status(details=[detail]).SerializeToString()
    found = rejected(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota", ("grpc-status-details-bin", status))
    assert (found.retry, found.retry_after_seconds) == (True, 4.0)


def test_partial_success_is_counted() -> None:
    reply = ExportTraceServiceResponse()
    reply.partial_success.rejected_spans = 1
    with grpc_collector() as server:
        server.reply = reply.SerializeToString()
        found = export(server.url)
    assert (found.accepted, found.rejected, found.reason) == (1, 1, "rejected")


def test_success_with_garbage_is_accepted_and_reported() -> None:
    with grpc_collector() as server:
        server.reply = b"<html>"
        found = export(server.url)
    assert found.accepted == 2
    assert "not an OTLP response" in found.message


def test_batch_above_the_size_limit_arrives_in_parts() -> None:
    with grpc_collector(max_bytes=1000) as server:
        assert export(server.url, 20) == ExportOutcome(accepted=20)
        assert len(server.spans()) == 20


def test_a_batch_above_the_usual_limit_is_split_before_it_is_sent() -> None:
    with grpc_collector() as server, exporter(server.url) as made:
        found = made.export(make_spans(5, text="x" * 1_000_000), 5)
        assert found == ExportOutcome(accepted=5)
        assert len(server.metadata) == 2


def test_a_span_above_the_usual_limit_is_sent_all_the_same() -> None:
    with grpc_collector(max_bytes=8 << 20) as server, exporter(server.url) as made:
        assert made.export(make_spans(1, text="x" * 5_000_000), 5) == ExportOutcome(accepted=1)


def test_a_span_above_the_limit_of_the_receiver_is_rejected_and_named() -> None:
    with grpc_collector() as server, exporter(server.url) as made:
        found = made.export([*make_spans(2), *make_spans(1, text="x" * 5_000_000)], 5)
    assert (found.accepted, found.rejected, found.reason) == (2, 1, "too_large")
    assert "RESOURCE_EXHAUSTED" in found.message
    assert found.message.endswith("(span span-0)")


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_the_bytes_are_those_of_http(compression: str) -> None:
    batches: dict[Signal, Any] = {
        "traces": make_spans(3, shop="north"),
        "logs": make_logs(3),
        "metrics": [make_metrics(lambda meter: meter.create_histogram("wait").record(0.5))],
    }
    with grpc_collector(raw=True) as server, collector() as http_server:
        for signal, batch in batches.items():
            with exporter(server.url, signal, otlp_compression=compression) as made:
                assert made.export(batch, 2).reason == ""
            config = resolve(None, {"otlp_endpoint": http_server.url}, {}).unwrap().config
            http = http_factory.create(signal, config)
            assert http.export(batch, 2).reason == ""
            http.close()
    assert server.requests == [each.body for each in http_server.requests]


def test_refusing_port_fails_at_once() -> None:
    began = time.monotonic()
    with refusing_port() as port:
        found = export(f"http://127.0.0.1:{port}", seconds=5)
    assert time.monotonic() - began < 1
    assert (found.retry, found.reached, found.reason) == (True, False, "unreachable")


@pytest.mark.parametrize(("allowed", "setting"), [(0.3, 10.0), (10.0, 0.3)])
def test_silent_receiver_costs_the_shorter_timeout(allowed: float, setting: float) -> None:
    with raw_server(silent) as server:
        began = time.monotonic()
        found = export(server.url, seconds=allowed, otlp_timeout_seconds=setting)
    assert time.monotonic() - began < 3
    assert (found.reason, found.reached) == ("timeout", False)


def test_http_receiver_is_recognised() -> None:
    with collector() as server:
        assert "otlp_http" in export(server.url).fix


def test_restarted_receiver() -> None:
    with grpc_collector() as first, exporter(first.url) as made:
        made.export(make_spans(1), 2)
    gone = made.export(make_spans(1), 2)
    assert gone.retry
    with grpc_collector(port=first.port) as second:
        assert made.export(make_spans(1), 2) == ExportOutcome(accepted=1)
        assert len(second.requests) == 1
        made.close()


def test_tls(certificates: Certificates) -> None:
    with grpc_collector(certificates, ask_client=True) as server:
        found = export(
            server.url,
            otlp_certificate=str(certificates.authority),
            otlp_client_certificate=str(certificates.client),
            otlp_client_key=str(certificates.client_key),
        )
    assert found == ExportOutcome(accepted=2)


def test_tls_without_certificate(certificates: Certificates) -> None:
    with grpc_collector(certificates) as server:
        found = export(server.url)
    assert (found.retry, found.reached) == (True, True)
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in found.fix


def test_missing_certificate_file_is_found_at_startup(tmp_path: Path) -> None:
    config = (
        resolve(None, {"otlp_endpoint": "https://h:4317", "otlp_certificate": str(tmp_path / "gone.pem")}, {})
        .unwrap()
        .config
    )
    with pytest.raises(ExporterUnavailable, match=r"gone\.pem cannot be read"):
        factory.create("traces", config)


def test_certificate_file_that_is_deleted_later(tmp_path: Path, certificates: Certificates) -> None:
    copy = tmp_path / "authority.pem"
    copy.write_bytes(certificates.authority.read_bytes())
    with grpc_collector(certificates) as server, exporter(server.url, otlp_certificate=str(copy)) as made:
        copy.unlink()
        assert "cannot be read" in made.export(make_spans(1), 2).message


@pytest.mark.parametrize("headers", [{"two words": "x"}, {"grpc-timeout": "1"}, {"x": "é"}])
def test_invalid_header(headers: dict[str, str]) -> None:
    with pytest.raises(ExporterUnavailable, match="cannot start") as caught:
        factory.create("traces", with_defaults({"otlp_headers": headers}))
    assert "otlp_headers" in caught.value.fix


def test_creating_an_exporter_imports_nothing_heavy() -> None:
    done = programs.run(
        """
        import sys
        from flext_observability.exporters.otlp.grpc import factory
        from flext_observability.settings.config import with_defaults
        for signal in factory.signals():
            factory.create(signal, with_defaults({})).close()
        heavy = "requests", "grpc", "ssl", "http.client", "google.protobuf", "opentelemetry.sdk", "opentelemetry.proto"
        print([name for name in heavy if name in sys.modules])
        """
    )
    assert done.lines == ["[]"], done.err


def test_the_modules_are_loaded_without_a_call() -> None:
    with grpc_collector() as server, exporter(server.url) as made:
        made.load_modules()
        assert server.metadata == []
        assert made.export(make_spans(1), 2) == ExportOutcome(accepted=1)


def test_an_invalid_certificate_does_not_fail_the_load(certificates: Certificates, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificates.authority.read_bytes())
    with exporter("https://localhost:9", otlp_certificate=str(authority)) as made:
        authority.unlink()
        made.load_modules()
        assert made.export(make_spans(1), 2).retry
