"""The viewer as a separate process, with OpenTelemetry's exporters and raw sockets as clients."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from examples.shop.read_api import metric_from_json, trace_from_json
from tests.unit.viewer.bodies import LOGS, METRICS, TRACE_ID, TRACES
from tests.waiting import eventually

pytestmark = pytest.mark.any_sdk

SECONDS = 20


class Viewer:
    """A viewer in a separate process."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        ready = folder / "ready"
        self.output = folder / "output"
        self.errors = folder / "errors"
        with self.output.open("wb") as out, self.errors.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flext_observability.viewer", "--port=0", f"--ready-file={ready}", *arguments],
                stdout=out,
                stderr=err,
            )
        assert eventually(ready.exists, within_seconds=SECONDS), self.errors.read_text()
        self.address = ready.read_text().strip()

    def get(self, page: str) -> Any:
        with urllib.request.urlopen(self.address + page, timeout=SECONDS) as reply:
            return json.load(reply)

    def post(self, path: str, content: object) -> bytes:
        body = json.dumps(content).encode()
        request = urllib.request.Request(self.address + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            return bytes(reply.read())

    def connect(self) -> socket.socket:
        port = int(self.address.rpartition(":")[2])
        return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)

    def end(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Stop the process by a signal and return its output."""
        self.process.send_signal(number)
        assert self.process.wait(SECONDS) == 0, self.errors.read_text()
        assert self.errors.read_text() == ""
        return self.output.read_text()


@pytest.fixture
def viewer(tmp_path: Path) -> Iterator[Viewer]:
    made = Viewer(tmp_path)
    yield made
    made.process.kill()
    made.process.wait(SECONDS)


def send_one_job(address: str) -> None:
    """Record a job with the SDK and send it with the SDK's exporters."""
    resource = Resource({"service.name": "shop", "service.instance.id": "one"})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(address + "/v1/traces", compression=Compression.Gzip))
    )
    loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(address + "/v1/logs")))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(address + "/v1/metrics"))
    meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meter = meters.get_meter("meter")
    with tracers.get_tracer("tracer").start_as_current_span("job", attributes={"order.id": "A-7"}):
        loggers.get_logger("logger").emit(body="working", severity_number=SeverityNumber.INFO)
        meter.create_counter("jobs", "{job}").add(1)
        meter.create_histogram("job.duration", "s").record(0.2, {"kind": "small"})
    for provider in (tracers, loggers, meters):
        provider.shutdown()


def test_all_data_of_the_sdk_can_be_read_back(viewer: Viewer) -> None:
    send_one_job(viewer.address)
    (line,) = viewer.get("/api/traces")["traces"]
    assert (line["name"], line["service"], line["spans"], line["logs"], line["complete"]) == ("job", "shop", 1, 1, True)
    trace = trace_from_json(viewer.get(f"/api/traces/{line['trace_id']}"))
    assert (trace.spans[0].attributes, trace.spans[0].scope) == ({"order.id": "A-7"}, "tracer")
    assert (trace.logs[0].body, trace.logs[0].span_id) == ("working", trace.spans[0].span_id)
    points = {point["name"]: metric_from_json(point) for point in viewer.get("/api/metrics")["metrics"]}
    assert (points["jobs"].value, points["jobs"].unit) == (1, "{job}")
    assert points["jobs"].exemplars[0].trace_id == line["trace_id"]
    assert (points["job.duration"].count, points["job.duration"].attributes) == (1, {"kind": "small"})
    assert [log["body"] for log in viewer.get(f"/api/logs?trace_id={line['trace_id']}")["logs"]] == ["working"]
    assert viewer.get("/api/services")["services"] == [{"name": "shop", "spans": 1, "logs": 1, "series": 2}]
    assert viewer.get("/api/summary")["received"] == {"spans": 1, "logs": 1, "points": 2}


def test_json_of_other_languages_is_supported(viewer: Viewer) -> None:
    for path, content in (("/v1/traces", TRACES), ("/v1/logs", LOGS), ("/v1/metrics", METRICS)):
        assert viewer.post(path, content) == b"{}"
    trace = trace_from_json(viewer.get(f"/api/traces/{TRACE_ID}"))
    assert (trace.spans[0].name, trace.spans[0].kind, trace.spans[0].service) == (
        "I'm a server span",
        "server",
        "my.service",
    )
    assert trace.logs[0].attributes == {"int.attribute": 10, "array.attribute": [True]}
    assert [point["value"] for point in viewer.get("/api/metrics?name=my.counter")["metrics"]] == [5]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_trace_is_drawn_as_a_tree_and_metrics_at_the_end(number: signal.Signals, viewer: Viewer) -> None:
    send_one_job(viewer.address)
    assert eventually(lambda: "shop job" in viewer.output.read_text(), within_seconds=SECONDS)
    page = viewer.end(number)
    lines = page.splitlines()
    tree = next(index for index, line in enumerate(lines) if "1 span" in line)
    assert re.match(r"└── shop job  order.id=A-7 .* [µm]s ━+$", lines[tree + 1])
    assert re.match(r"    └── INFO  working ", lines[tree + 2])
    assert re.search(r"job\.duration  histogram s\n    kind=small .* 1 ×  200 ms", page)
    assert lines[-1] == "Received 1 span, 1 log record, 2 data points from 1 service."


def test_a_chunked_body_is_supported(viewer: Viewer) -> None:
    body = json.dumps(LOGS).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:99], body[99:]))
    head = b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    with viewer.connect() as client:
        client.sendall(head + chunks + b"0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert viewer.get("/api/summary")["logs"] == 1


def test_an_aborted_request_is_ignored(viewer: Viewer) -> None:
    with viewer.connect() as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
    with viewer.connect() as client:
        client.sendall(b"\x16\x03\x01nonsense\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.0 400")
    assert viewer.get("/api/summary")["version"] == 0
    viewer.end()


def test_a_running_request_is_completed_before_the_stop(viewer: Viewer) -> None:
    viewer.post("/v1/traces", TRACES)
    assert "my.service I'm a server span" in viewer.end()


def test_a_body_over_all_limits_is_rejected(viewer: Viewer) -> None:
    with viewer.connect() as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in client.recv(100)


def test_an_empty_request_succeeds(viewer: Viewer) -> None:
    request = urllib.request.Request(
        viewer.address + "/v1/metrics", b"", {"Content-Type": "application/x-protobuf"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as reply:
        assert (reply.status, reply.headers["Content-Type"], reply.read()) == (200, "application/x-protobuf", b"")


def test_a_port_in_use_is_explained_with_exit_code_1(viewer: Viewer) -> None:
    port = viewer.address.rpartition(":")[2]
    command = [sys.executable, "-m", "flext_observability.viewer", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Port {port} on 127.0.0.1 is taken. ")
    assert done.stderr.count("\n") == 1


def test_output_without_a_reader_does_not_stop_the_viewer(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "flext_observability.viewer", "--port=0", f"--ready-file={ready}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert eventually(ready.exists, within_seconds=SECONDS)
        assert process.stdout is not None
        process.stdout.close()
        send_one_job(ready.read_text().strip())
        process.terminate()
        assert process.wait(SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait(SECONDS)
        assert process.stderr is not None
        process.stderr.close()


def test_plain_output_is_ascii(tmp_path: Path) -> None:
    viewer = Viewer(tmp_path, "--plain")
    send_one_job(viewer.address)
    page = viewer.end()
    assert page.isascii()
    assert "`-- shop job" in page


def test_a_terminal_without_unicode_is_supported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    viewer = Viewer(tmp_path)
    send_one_job(viewer.address)
    assert "`-- shop job" in viewer.end()


def test_an_unknown_page_is_not_found(viewer: Viewer) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        viewer.get("/nowhere")
    assert refused.value.code == 404
    refused.value.close()
    assert viewer.errors.read_text() == ""
