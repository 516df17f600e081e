from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from examples.shop.read_api import metric_from_json, trace_from_json
from flext_observability.viewer.app import ViewerApp
from flext_observability.viewer.replies import JSON, PROTOBUF
from flext_observability.viewer.store import Store
from flext_observability.views.model import LogView, SpanView
from tests.unit.viewer.bodies import LOGS, METRICS, TRACES
from tests.unit.views.shop import TRACE, checkout, counter


class Client:
    """Calls the application as a server would."""

    def __init__(self, **options: Any) -> None:
        self.arrived: list[tuple[list[SpanView], list[LogView]]] = []
        self.store = Store()
        self._app = ViewerApp(self.store, lambda spans, logs: self.arrived.append((spans, logs)), **options)

    def call(self, method: str, address: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        path, _, query = address.partition("?")
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)) if body else ""} | headers
        setup_testing_defaults(environ)
        answer: list[Any] = []
        start: Callable[..., Any] = lambda status, headers: answer.extend((status, headers))  # noqa: E731
        content = b"".join(self._app(environ, start))
        return int(answer[0].split()[0]), dict(answer[1]), content

    def post(self, signal: str, body: bytes, kind: str = JSON, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.call("POST", f"/v1/{signal}", body, CONTENT_TYPE=kind, **headers)

    def get(self, address: str, status: int = 200) -> Any:
        code, headers, body = self.call("GET", address)
        assert (code, headers["Content-Type"]) == (status, JSON)
        return json.loads(body)


@pytest.fixture
def client() -> Client:
    return Client()


def test_traces_are_stored_and_reported(client: Client) -> None:
    status, headers, body = client.post("traces", json.dumps(TRACES).encode())
    assert (status, headers["Content-Type"], body) == (200, JSON, b"{}")
    ((spans, logs),) = client.arrived
    assert ([span.name for span in spans], logs) == (["I'm a server span"], [])
    assert client.store.trace(spans[0].trace_id) is not None


def test_logs_are_stored_and_reported(client: Client) -> None:
    assert client.post("logs", json.dumps(LOGS).encode())[0] == 200
    ((spans, logs),) = client.arrived
    assert (spans, [log.body for log in logs]) == ([], ["Example log record"])
    assert client.store.logs() == logs


def test_metrics_are_stored(client: Client) -> None:
    assert client.post("metrics", json.dumps(METRICS).encode())[0] == 200
    assert client.arrived == []
    assert {point.name for point in client.store.metrics()} == {
        "my.counter",
        "my.gauge",
        "my.histogram",
        "my.exponential.histogram",
    }


def test_gzip_is_supported(client: Client) -> None:
    body = gzip.compress(json.dumps(TRACES).encode())
    assert client.post("traces", body, HTTP_CONTENT_ENCODING="gzip")[0] == 200
    assert len(client.store.traces()) == 1


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_an_empty_request_succeeds_in_its_own_encoding(signal: str, kind: str, client: Client) -> None:
    status, headers, body = client.post(signal, b"", kind)
    assert (status, headers["Content-Type"]) == (200, kind)
    assert body == (b"" if kind == PROTOBUF else b"{}")
    assert client.store.version == 0


def test_spans_without_valid_ids_are_a_partial_success(client: Client) -> None:
    span = b"\x0a\x03abc"
    scope = b"\x12" + bytes([len(span)]) + span
    of_resource = b"\x12" + bytes([len(scope)]) + scope
    status, _, body = client.post("traces", b"\x0a" + bytes([len(of_resource)]) + of_resource, PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_spans, partial.error_message) == (200, 1, "no valid trace id or span id")


def test_a_malformed_body_is_rejected(client: Client) -> None:
    status, headers, body = client.post("traces", b"\xff\xff", PROTOBUF)
    assert (status, headers["Content-Type"], Status.FromString(body).code) == (400, PROTOBUF, 3)
    status, _, body = client.post("traces", b"{", JSON)
    assert (status, json.loads(body)["code"]) == (400, 3)


def test_an_unknown_encoding_is_rejected(client: Client) -> None:
    status, headers, body = client.post("traces", b"x", "text/plain")
    assert (status, headers["Content-Type"]) == (415, JSON)
    assert "application/x-protobuf" in json.loads(body)["message"]
    assert client.post("traces", b"x", "")[0] == 415


def test_a_large_body_is_rejected_before_and_after_decompression() -> None:
    client = Client(max_body_bytes=1000)
    assert client.post("traces", b"x" * 1001, PROTOBUF)[0] == 413
    status, _, body = client.post("traces", gzip.compress(b" " * 100_000), PROTOBUF, HTTP_CONTENT_ENCODING="gzip")
    assert (status, Status.FromString(body).code) == (413, 8)


def test_unknown_methods_and_pages_list_the_supported_ones(client: Client) -> None:
    status, headers, _ = client.call("GET", "/v1/traces")
    assert (status, headers["Allow"]) == (405, "POST")
    status, headers, _ = client.call("DELETE", "/api/traces")
    assert (status, headers["Allow"]) == (405, "GET")
    assert "/api/summary" in client.get("/nowhere", 404)["pages"]
    assert "/api/traces/{trace_id}" in client.get("/")["pages"]


def test_received_telemetry_can_be_read_back(client: Client) -> None:
    client.store.add(spans=checkout().spans, logs=checkout().logs, metrics=[counter(4, {"a": 1})])
    assert client.get("/api/summary")["spans"] == 5
    assert [service["name"] for service in client.get("/api/services")["services"]][:2] == ["gateway", "inventory"]
    (line,) = client.get("/api/traces")["traces"]
    assert (line["trace_id"], line["name"], line["complete"]) == (TRACE, "POST /checkout", True)
    page = client.get(f"/api/traces/{TRACE.upper()}")
    assert (page["trace_id"], page["version"]) == (TRACE, 1)
    assert trace_from_json(page) == client.store.trace(TRACE)
    assert [metric_from_json(point) for point in client.get("/api/metrics")["metrics"]] == client.store.metrics()
    assert [log["body"] for log in client.get(f"/api/logs?trace_id={TRACE}")["logs"]] == [
        "checkout started",
        "card declined",
    ]


def test_pages_can_be_filtered(client: Client) -> None:
    client.store.add(spans=checkout().spans, logs=checkout().logs, metrics=[counter(4)])
    assert client.get("/api/traces?service=unknown")["traces"] == []
    assert client.get("/api/traces?limit=0")["traces"] == []
    assert len(client.get("/api/traces?limit=x&service=orders")["traces"]) == 1
    assert client.get("/api/metrics?name=nothing")["metrics"] == []
    assert len(client.get("/api/logs?service=payments&limit=99999999999")["logs"]) == 1


def test_an_unknown_trace_is_not_found(client: Client) -> None:
    assert "unknown trace 'abc'" in client.get("/api/traces/ABC", 404)["error"]


@pytest.mark.parametrize("host", ["127.0.0.1:4318", "localhost", "viewer.localhost:1", "[::1]:4318", ""])
def test_hosts_of_this_machine_are_allowed(host: str, client: Client) -> None:
    assert client.call("GET", "/api/summary", HTTP_HOST=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4318", "[::1", "localhost.evil.example"])
def test_other_hosts_are_forbidden(host: str, client: Client) -> None:
    assert client.call("GET", "/api/summary", HTTP_HOST=host)[0] == 403
    assert Client(loopback_only=False).call("GET", "/api/summary", HTTP_HOST=host)[0] == 200
