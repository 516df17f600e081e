"""Two programs over HTTP: trace context, baggage and correlation id reach the spans and records of both."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.backends.collector import Collector, collector
from tests.programs import environment, run

CORRELATION = "flext.correlation_id"
HEADERS = ("X-Correlation-ID", "X-Request-Id")

INSTRUMENTED_SERVER = """
import asyncio, logging, os, socket, sys
from opentelemetry import baggage, trace
from flext_observability import init_observability, traced

init_observability(service_name="server", instrument=["starlette"], log_level="info", console=False).unwrap()
logger = logging.getLogger("server")

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def answer(request):
    name = request.path_params["name"]
    with traced("inner"):
        await asyncio.sleep(0.01)
        logger.info("serving %s", name)
        trace.get_current_span().set_attributes({"name": name, "tier": baggage.get_baggage("tier") or ""})
    return JSONResponse({key: request.headers.get(key) for key in sys.argv[2:]})

async def stop(request):
    server.should_exit = True
    return JSONResponse({})

app = Starlette(routes=[Route("/stop", stop), Route("/{name}", answer)])
server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
"""
RAW_SERVER = """
import json, logging, socket, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from opentelemetry import baggage, trace
from flext_observability import extract_context, init_observability, traced

init_observability(service_name="server", log_level="info", console=False).unwrap()
logger = logging.getLogger("server")

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        if name == "stop":
            threading.Thread(target=server.shutdown).start()
        else:
            with traced("GET /{name}", parent=extract_context(self.headers)):
                with traced("inner"):
                    logger.info("serving %s", name)
                    trace.get_current_span().set_attributes({"name": name, "tier": baggage.get_baggage("tier") or ""})
        body = json.dumps({key: self.headers.get(key) for key in sys.argv[2:]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
server.server_close()
"""
SERVERS = {"instrumented": INSTRUMENTED_SERVER, "raw": RAW_SERVER}

START = """
import asyncio, json, logging, os, urllib.request
from opentelemetry import baggage, context
from flext_observability import correlation_scope, init_observability, inject_context, traced

init_observability(service_name="client", instrument=INSTRUMENT, log_level="info", console=False).unwrap()
logger = logging.getLogger("client")
url = os.environ["SERVER"]
"""
INSTRUMENTED_CLIENT = (
    "INSTRUMENT = ['httpx']"
    + START
    + """
import httpx

def get(name):
    return httpx.get(f"{url}/{name}", trust_env=False).json()
"""
)
RAW_CLIENT = (
    "INSTRUMENT = []"
    + START
    + """
def get(name):
    with traced("GET"):
        request = urllib.request.Request(f"{url}/{name}", headers=inject_context({}))
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
            return json.load(reply)
"""
)
CLIENTS = {"instrumented": INSTRUMENTED_CLIENT, "raw": RAW_CLIENT}
BUY = """
with correlation_scope("order-7"), traced("buy"):
    token = context.attach(baggage.set_baggage("tier", "gold"))
    logger.info("asking")
    print(json.dumps(get("tea")))
    context.detach(token)
"""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: Port on 127.0.0.1.
        received: Collector of the server and its clients.
    """

    port: int
    received: Collector

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, headers: dict[str, str | bytes] | None = None) -> None:
        """Send a request without instrumentation."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers=headers or {})
        connection.getresponse().read()
        connection.close()


@contextmanager
def serving(kind: str, *returned: str, **settings: str) -> Iterator[Server]:
    """Run a server that returns these headers of its request. It has ended and sent all items after the block."""
    with collector() as received, socket.create_server(("127.0.0.1", 0)) as listener:
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = received.url
        number = listener.fileno()
        server = Server(listener.getsockname()[1], received)
        with subprocess.Popen(
            [sys.executable, "-c", SERVERS[kind], f"{number}", *returned],
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[number],
            env=environment(settings),
        ) as child:
            try:
                yield server
                server.get("/stop")
                _, errors = child.communicate(timeout=20)
            finally:
                child.kill()
        assert (child.returncode, errors) == (0, "")


def attributes(item: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in item.attributes}


def by_service(received: Collector, service: str) -> tuple[list[Any], list[Any]]:
    """Return the spans of a service, and the log records of its loggers."""

    def ours(path: str, field: str) -> Iterator[Any]:
        for message in received.accepted(path):
            yield from (
                part for part in getattr(message, field) if attributes(part.resource)["service.name"] == service
            )

    spans = [
        span
        for part in ours("/v1/traces", "resource_spans")
        for scope in part.scope_spans
        for span in scope.spans
        if "/stop" not in attributes(span).values() and "stop" not in span.name
    ]
    records = [
        record
        for part in ours("/v1/logs", "resource_logs")
        for scope in part.scope_logs
        for record in scope.log_records
        if scope.scope.name == service
    ]
    return spans, records


def named(spans: list[Any], name: str) -> Any:
    found = [span for span in spans if span.name == name]
    assert len(found) == 1, [span.name for span in spans]
    return found[0]


# ---- from one program to the other -----------------------------------------------------------------------------------


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    ("client", "server"), [("instrumented", "instrumented"), ("raw", "raw"), ("raw", "instrumented")]
)
def test_context_reaches_the_server(client: str, server: str, header: str) -> None:
    setting = {} if header == HEADERS[0] else {"FLEXT_OBSERVABILITY_CORRELATION_ID_HEADER": header}
    with serving(server, *HEADERS, **setting) as far:
        endpoint = far.received.url
        done = run(CLIENTS[client] + BUY, SERVER=far.url, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **setting)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {name: "order-7" if name == header else None for name in HEADERS}

    here, client_records = by_service(far.received, "client")
    there, server_records = by_service(far.received, "server")
    buy, get, inner = named(here, "buy"), named(here, "GET"), named(there, "inner")
    entry = named(there, "GET /{name}")
    assert {span.trace_id for span in (*here, *there)} == {buy.trace_id}
    assert (buy.parent_span_id, get.parent_span_id, entry.parent_span_id) == (b"", buy.span_id, get.span_id)
    assert inner.parent_span_id == entry.span_id
    assert attributes(inner)["tier"] == "gold"
    for span in (*here, *there):
        assert attributes(span)[CORRELATION] == "order-7", span.name
    for records, text, span in ((client_records, "asking", buy), (server_records, "serving tea", inner)):
        assert [record.body.string_value for record in records] == [text]
        assert attributes(records[0])[CORRELATION] == "order-7"
        assert (records[0].trace_id, records[0].span_id) == (span.trace_id, span.span_id)


MANY = """
async def one(client, index):
    with correlation_scope(f"order-{index}"), traced("buy", {"index": index}):
        await client.get(f"{url}/{index}")

async def main():
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        await asyncio.gather(*(one(client, index) for index in range(40)))

asyncio.run(main())
"""


def test_concurrent_requests_do_not_mix() -> None:
    with serving("instrumented") as far:
        done = run(CLIENTS["instrumented"] + MANY, SERVER=far.url, OTEL_EXPORTER_OTLP_ENDPOINT=far.received.url)
    assert (done.code, done.err) == (0, "")
    here, _ = by_service(far.received, "client")
    there, log_records = by_service(far.received, "server")
    trace_of = {attributes(span)[CORRELATION]: span.trace_id for span in here if span.name == "buy"}
    assert set(trace_of) == {f"order-{index}" for index in range(40)}
    assert len(set(trace_of.values())) == 40
    inner = {f"order-{attributes(span)['name']}": span for span in there if span.name == "inner"}
    for name, span in inner.items():
        assert (attributes(span)[CORRELATION], span.trace_id) == (name, trace_of[name])
    records = {record.body.string_value.replace("serving ", "order-"): record for record in log_records}
    for name, record in records.items():
        assert (attributes(record)[CORRELATION], record.trace_id) == (name, trace_of[name])
    assert set(records) == set(inner) == set(trace_of)


# ---- invalid headers -------------------------------------------------------------------------------------------------

TRACE = "0af7651916cd43dd8448eb211c80319c"
BAD_IDS: dict[str, str | bytes] = {
    "space": "two words",
    "long": "x" * 129,
    "empty": "",
    "unicode": "ünïcödé".encode(),
    "control": b"order\t7",
}
BAD_PARENTS = {
    "zero-trace": f"00-{'0' * 32}-b7ad6b7169203331-01",
    "zero-span": f"00-{TRACE}-{'0' * 16}-01",
    "short": "00-abc-def-01",
    "words": "no parent",
}


@pytest.mark.parametrize("kind", SERVERS)
def test_invalid_headers_are_ignored(kind: str) -> None:
    good = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "x-correlation-id": "x" * 128}
    with serving(kind) as far:
        for name, value in BAD_IDS.items():
            far.get(f"/{name}", {"X-Correlation-ID": value})
        for name, parent in BAD_PARENTS.items():
            far.get(f"/{name}", {"traceparent": parent})
        far.get("/good", dict(good))
        far.get("/baggage", {"X-Correlation-ID": "two words", "baggage": f"{CORRELATION}=order-7"})
    spans, records = by_service(far.received, "server")
    inner = {attributes(span)["name"]: span for span in spans if span.name == "inner"}
    entries = {span.span_id: span for span in spans if span.name != "inner"}
    logged = {record.body.string_value.removeprefix("serving "): record for record in records}
    assert set(inner) == set(logged) == {*BAD_IDS, *BAD_PARENTS, "good", "baggage"}
    for name in (*BAD_IDS, *BAD_PARENTS):
        entry = entries[inner[name].parent_span_id]
        assert entry.parent_span_id == b"", name
        assert entry.trace_id not in {b"", bytes(16), bytes.fromhex(TRACE)}, name
        for item in (entry, inner[name], logged[name]):
            assert CORRELATION not in attributes(item), name
    assert inner["good"].trace_id == bytes.fromhex(TRACE)
    assert entries[inner["good"].parent_span_id].parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes(logged["good"])[CORRELATION] == "x" * 128
    assert attributes(inner["baggage"])[CORRELATION] == attributes(logged["baggage"])[CORRELATION] == "order-7"


# ---- missing parts ---------------------------------------------------------------------------------------------------


def test_a_missing_instrumentation_degrades_traces_with_the_fix() -> None:
    program = """
import json, os
from flext_observability import init_observability

handle = init_observability(service_name="client", instrument=["carrier_pigeon", "httpx"], console=False).unwrap()
import httpx
httpx.get(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/some", trust_env=False)
status = handle.status()
print(json.dumps({signal: [each.state, each.reason, each.fix] for signal, each in status.items()}))
"""
    with collector() as received:
        done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0
    status = json.loads(done.out)
    state, reason, fix = status["traces"]
    assert state == "degraded"
    assert "carrier-pigeon" in reason
    assert fix == "pip install opentelemetry-instrumentation-carrier-pigeon"
    assert (status["metrics"][0], status["logs"][0]) == ("active", "active")
    assert [span.name for span in received.spans()] == ["GET"]
    assert [line for line in done.err.splitlines() if "carrier-pigeon" in line] == done.err.splitlines()


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_records_outside_a_span_have_no_trace_id(protocol: str, tmp_path: Path) -> None:
    from tests.backends.receiver import receiver

    program = """
import logging
from flext_observability import correlation_scope, init_observability

init_observability(service_name="app", exporters=["otlp", "otlp_file"], log_level="info", console=False).unwrap()
logging.getLogger("app").info("alone")
with correlation_scope("order-7"):
    logging.getLogger("app").info("with an id")
"""
    file = tmp_path / "lines.jsonl"
    with receiver(protocol) as far:
        run(
            program,
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_ENDPOINT=far.url,
            FLEXT_OBSERVABILITY_OTLP_FILE_PATH=str(file),
        )
        records = [
            record
            for request in far.accepted_requests()
            for resource in getattr(request, "resource_logs", ())
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
    assert [(record.trace_id, record.span_id, record.flags) for record in records] == [(b"", b"", 0)] * 2
    assert [attributes(record).get(CORRELATION) for record in records] == [None, "order-7"]
    assert "0" * 16 not in file.read_text()
    written = [
        record
        for line in file.read_text().splitlines()
        for resource in json.loads(line)["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]
    assert len(written) == 2
    assert not any("traceId" in record or "spanId" in record for record in written)
