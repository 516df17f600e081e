"""Correlation ids in servers: each request has its own, in one thread, in a pool of threads and in an event loop."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.programs import run

START = """
import json, logging, threading, urllib.request
from concurrent.futures import ThreadPoolExecutor
from flext_observability import flext_get_correlation_id, flext_set_correlation_id, init_observability, traced

init_observability(service_name="server", exporters="memory", console=False, instrument=INSTRUMENT).unwrap()
start_up = flext_get_correlation_id()

def ids(path):
    with traced("inner"):
        if path.startswith("/set/"):
            flext_set_correlation_id(path.removeprefix("/set/"))
        first = flext_get_correlation_id()
    return {"first": first, "second": flext_get_correlation_id()}

def get(port, path="/", header=None):
    headers = {} if header is None else {"x-correlation-id": header}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
        return json.load(reply)

def drive(port):
    plain = [get(port), get(port), get(port, "/set/chosen"), get(port, "/", "header-1"), get(port)]
    plain += [get(port, "/set/chosen", "header-2"), get(port)]
    headers = [f"at-once-{number}" if number % 2 else None for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda header: get(port, "/", header), headers))
    print(json.dumps({"start_up": start_up, "plain": plain, "headers": headers, "at_once": at_once}))
"""
# As OpenTelemetry's instrumentations of WSGI frameworks do, in one thread as a sync worker of gunicorn.
WSGI = (
    "INSTRUMENT = []"
    + START
    + """
from wsgiref.simple_server import WSGIRequestHandler, make_server
from opentelemetry import context, propagate, trace
from opentelemetry.propagators.textmap import Getter

class EnvironGetter(Getter):
    def get(self, carrier, key):
        value = carrier.get("HTTP_" + key.upper().replace("-", "_"))
        return None if value is None else [value]
    def keys(self, carrier):
        return [key[5:].lower().replace("_", "-") for key in carrier if key.startswith("HTTP_")]

class QuietHandler(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass

tracer = trace.get_tracer("wsgi")

def app(environ, start_response):
    token = context.attach(propagate.extract(environ, getter=EnvironGetter()))
    span = tracer.start_span("GET", kind=trace.SpanKind.SERVER)
    with trace.use_span(span, end_on_exit=True):
        body = json.dumps(ids(environ["PATH_INFO"])).encode()
    context.detach(token)
    start_response("200 OK", [("content-length", str(len(body)))])
    return [body]

server = make_server("127.0.0.1", 0, app, handler_class=QuietHandler)
client = threading.Thread(target=lambda: (drive(server.server_port), server.shutdown()))
client.start()
server.serve_forever()
server.server_close()
"""
)
POOL = WSGI.replace(
    "server = make_server",
    """
import socketserver
from wsgiref.simple_server import WSGIServer
pool = ThreadPoolExecutor(2)

class PoolServer(socketserver.ThreadingMixIn, WSGIServer):
    def process_request(self, request, client_address):
        pool.submit(self.process_request_thread, request, client_address)

server = make_server""",
).replace("app, handler_class", "app, PoolServer, handler_class")
STARLETTE = (
    "INSTRUMENT = ['starlette']"
    + START
    + """
import asyncio
import time
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

def sync_answer(request):
    return JSONResponse(ids(request.url.path))

async def answer(request):
    with traced("before"):
        first = flext_get_correlation_id()
    await asyncio.sleep(0.01)
    return JSONResponse(ids(request.url.path) | {"first": first})

app = Starlette(routes=[Route("/", answer), Route("/set/{name}", sync_answer)])
server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
serving = threading.Thread(target=server.run)
serving.start()
while not server.started:
    time.sleep(0.01)
drive(server.servers[0].sockets[0].getsockname()[1])
server.should_exit = True
serving.join()
"""
)


@pytest.mark.parametrize("program", [WSGI, POOL, STARLETTE], ids=["one thread", "pool", "event loop"])
def test_each_request_has_its_own_id(program: str) -> None:
    done = run(program)
    assert (done.code, done.err) == (0, "")
    seen: dict[str, Any] = json.loads(done.out)
    plain, at_once = seen["plain"], seen["at_once"]
    assert all(each["first"] == each["second"] for each in (*plain, *at_once))
    ids = [each["second"] for each in plain]
    assert (ids[2], ids[3], ids[5]) == ("chosen", "header-1", "chosen")
    expected = seen["headers"]
    assert all(each["first"] == header for each, header in zip(at_once, expected, strict=True) if header is not None)
    created = [ids[0], ids[1], ids[4], ids[6], *(each["first"] for each in at_once[::2])]
    assert len({seen["start_up"], *created}) == len(created) + 1
    assert not {"chosen", "header-1", "header-2", *expected} & set(created)
