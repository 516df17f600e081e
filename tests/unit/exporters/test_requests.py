"""Requests that are stored, and sent by exporters of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.trace.export import SpanExportResult

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.exporters.console import factory as console
from flext_observability.exporters.memory import MemoryExporter, MemoryStore
from flext_observability.exporters.otlp.file import OtlpFileExporter
from flext_observability.exporters.otlp.grpc import factory as grpc
from flext_observability.exporters.otlp.http import factory as http
from flext_observability.exporters.prometheus.pushgateway import factory as pushgateway
from flext_observability.exporters.requests import ItemSender, request_exporter
from flext_observability.exporters.third_party import WrappedExporter
from flext_observability.extensions.ports import (
    ExporterIdentity,
    ExportOutcome,
    IdentifiedExporter,
    LoadingExporter,
    RequestExporter,
    SignalExporter,
)
from flext_observability.settings.resolve import resolve
from flext_observability.wire.otlp.decode import decode
from flext_observability.wire.otlp.encoder import RequestEncoder
from tests import programs
from tests.backends.collector import collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.telemetry import make_logs, make_metrics, make_spans


def batches(signal: Signal) -> Sequence[object]:
    """Return a batch of two items."""
    if signal == "metrics":
        return [make_metrics(lambda meter: [meter.create_counter("sold").add(1, {"t": t}) for t in range(2)])]
    return make_spans(2) if signal == "traces" else make_logs(2)


class Recording:
    """Exporter of a program: keeps the batches. The given outcomes come first."""

    def __init__(self, *outcomes: Any) -> None:
        self.batches: list[Sequence[Any]] = []
        self.outcomes = list(outcomes)

    def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
        self.batches.append(batch)
        answer = self.outcomes.pop(0) if self.outcomes else ExportOutcome(accepted=len(batch))
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, ExportOutcome)
        return answer

    def close(self) -> None:
        """Do nothing."""


def stored(exporter: RequestExporter, signal: Signal) -> tuple[bytes, int]:
    ((body, items, reason),) = exporter.encode_request(batches(signal))
    assert (items, reason) == (2, "")
    return body, items


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
def test_a_request_that_one_otlp_exporter_stored_is_sent_by_another(signal: Signal, protocol: str) -> None:
    with ExitStack() as stack:
        server: Any = stack.enter_context(grpc_collector() if protocol == "grpc" else collector())
        arguments = {"otlp_endpoint": server.url, "otlp_protocol": protocol}
        config = resolve(None, arguments, {}).unwrap().config
        exporter = (grpc if protocol == "grpc" else http).create(signal, config)
        stack.callback(exporter.close)
        assert request_exporter(exporter, signal) is exporter
        request = stored(ItemSender(Recording(), signal), signal)
        assert exporter.send_request(*request, 2) == ExportOutcome(accepted=2)
        (received,) = server.requests
    if protocol == "grpc":
        assert received.SerializeToString() == request[0]
    else:
        content_type = received.headers["content-type"]
        assert content_type == ("application/json" if protocol == "http/json" else "application/x-protobuf")
        assert decode(signal, received.body, content_type, "", 1 << 20).SerializeToString() == request[0]


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_file_gets_stored_requests_as_lines_of_json(signal: Signal, tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    exporter = OtlpFileExporter(signal, path)
    request = stored(exporter, signal)
    assert exporter.send_request(*request, 2) == ExportOutcome(accepted=2)
    assert path.read_bytes() == RequestEncoder(signal, "json").encode(batches_of(signal, request[0])) + b"\n"


def batches_of(signal: Signal, body: bytes) -> Sequence[Any]:
    recording = Recording()
    ItemSender(recording, signal).send_request(body, 2, 1)
    return recording.batches[0]


def test_a_field_of_a_later_version_does_not_prevent_json(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    body = RequestEncoder("traces").encode(make_spans(1)) + b"\x78\x01"
    assert OtlpFileExporter("traces", path).send_request(body, 1, 1).accepted == 1
    assert '"name":"span-0"' in path.read_text()


def test_exporters_of_other_packages_get_the_items() -> None:
    class Foreign:
        def __init__(self) -> None:
            self.kept: list[Any] = []

        def export(self, batch: Any, **_options: float) -> SpanExportResult | MetricExportResult:
            self.kept.append(batch)
            return SpanExportResult.SUCCESS

    for signal in SIGNALS:
        foreign = Foreign()
        sender = request_exporter(WrappedExporter(signal, "foreign", foreign), signal)
        assert isinstance(sender, ItemSender)
        assert sender.send_request(*stored(sender, signal), 1) == ExportOutcome(accepted=2)
        (batch,) = foreign.kept
        if signal == "metrics":
            (metric,) = batch.resource_metrics[0].scope_metrics[0].metrics
            assert (metric.name, [point.value for point in metric.data.data_points]) == ("sold", [1, 1])
        elif signal == "traces":
            assert [span.name for span in batch] == ["span-0", "span-1"]
        else:
            assert [record.log_record.body for record in batch] == ["log-0", "log-1"]


def test_a_failure_of_an_exporter_of_another_package_is_its_outcome() -> None:
    recording = Recording(ExportOutcome(retry=True, reason="unavailable"), ValueError("broken"))
    sender = ItemSender(recording, "traces")
    request = stored(sender, "traces")
    assert sender.send_request(*request, 1).retry
    found = sender.send_request(*request, 1)
    assert (found.retry, found.reason) == (False, "error")
    assert "ValueError: broken" in found.message


def test_an_exporter_of_a_program_that_calls_a_request_too_large_gets_its_halves() -> None:
    recording = Recording(ExportOutcome(reason="too_large", message="too large"))
    sender = ItemSender(recording, "traces")
    assert sender.send_request(*stored(sender, "traces"), 1) == ExportOutcome(accepted=2)
    assert [[span.name for span in batch] for batch in recording.batches[1:]] == [["span-0"], ["span-1"]]


def test_a_request_that_cannot_be_read_is_rejected() -> None:
    found = ItemSender(Recording(), "traces").send_request(b"\xff\xff", 1, 1)
    assert (found.rejected, found.retry, found.reason) == (1, False, "encoding")
    assert found.message.startswith("stored traces cannot be read (DecodeError")


def test_a_request_waits_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(signal: Signal, body: bytes) -> Sequence[object]:
        raise MemoryError

    monkeypatch.setattr("flext_observability.exporters.requests.restore", starved)
    found = ItemSender(Recording(), "traces").send_request(b"", 1, 1)
    assert (found.rejected, found.retry, found.reason) == (0, True, "unavailable")


def test_the_first_use_after_loading_imports_nothing() -> None:
    done = programs.run(
        """
        import sys
        from flext_observability.domain.report import SIGNALS
        from flext_observability.exporters.otlp.file import OtlpFileExporter
        from flext_observability.exporters.requests import request_exporter
        from tests.unit.exporters.test_requests import Recording, batches, stored
        from pathlib import Path

        given = {signal: batches(signal) for signal in SIGNALS}
        for signal in SIGNALS:
            for exporter in (Recording(), OtlpFileExporter(signal, Path("/dev/null"))):
                sender = request_exporter(exporter, signal)
                sender.load_modules()
                before = set(sys.modules)
                ((body, items, _),) = sender.encode_request(given[signal])
                print(sender.send_request(body, items, 1).reason, sorted(set(sys.modules) - before))
        """
    )
    assert done.lines == [" []"] * 6, done.err


def test_exporters_that_send_nothing_store_nothing() -> None:
    config = resolve(None, {"push_gateway": "http://h", "service_name": "s"}, {}).unwrap().config
    for exporter in (
        console.create("traces", config),
        MemoryExporter("traces", MemoryStore()),
        cast("SignalExporter[object]", pushgateway.create("metrics", config)),
    ):
        assert request_exporter(exporter, "metrics") is exporter
        assert not isinstance(exporter, RequestExporter)


def test_an_adapter_is_the_exporter_of_its_worker() -> None:
    class Loading(Recording):
        loads = closes = 0

        def load_modules(self) -> None:
            self.loads += 1

        def close(self) -> None:
            self.closes += 1

    class Identified(Loading):
        identity = ExporterIdentity("lines", "127.0.0.1", 9)

    for kind in (Loading, Identified):
        exporter = kind()
        adapter = request_exporter(exporter, "traces")
        assert isinstance(adapter, LoadingExporter)
        adapter.load_modules()
        assert adapter.export(["a"], 1) == ExportOutcome(accepted=1)
        adapter.close()
        assert (exporter.batches, exporter.loads, exporter.closes) == ([["a"]], 1, 1)
        assert isinstance(adapter, IdentifiedExporter) == (kind is Identified)
        if isinstance(adapter, IdentifiedExporter):
            assert adapter.identity == Identified.identity
