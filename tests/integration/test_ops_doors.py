"""The ops pages mounted in real servers: uvicorn, Starlette, waitress, with and without a prefix."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from flext_observability import init_observability, ops_asgi_app, ops_wsgi_app
from flext_observability.ops_server.server import start_server
from tests.waiting import eventually


@contextmanager
def served_by_uvicorn(app: Any, **options: Any) -> Iterator[httpx.Client]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert eventually(lambda: server.started or not thread.is_alive())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def served_by_waitress(app: WSGIApplication) -> Iterator[httpx.Client]:
    with (
        start_server(app, "127.0.0.1", 0).unwrap() as server,
        httpx.Client(base_url=server.address, timeout=10, trust_env=False) as client,
    ):
        yield client


def mounted(prefix: str, app: WSGIApplication) -> WSGIApplication:
    """Return an application that passes on requests under the prefix, as WSGI frameworks do."""

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        assert environ["PATH_INFO"].startswith(prefix)
        environ["SCRIPT_NAME"] += prefix
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix)
        return app(environ, start_response)

    return dispatch


async def greet(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def starlette() -> Starlette:
    return Starlette(routes=[Mount("/ops", app=ops_asgi_app()), Route("/hello", greet)])


SERVERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "uvicorn": ("", lambda: served_by_uvicorn(ops_asgi_app())),
    "uvicorn behind a proxy": ("", lambda: served_by_uvicorn(ops_asgi_app(), root_path="/ops")),
    "starlette": ("/ops", lambda: served_by_uvicorn(starlette())),
    "waitress": ("", lambda: served_by_waitress(ops_wsgi_app())),
    "waitress with a prefix": ("/ops", lambda: served_by_waitress(mounted("/ops", ops_wsgi_app()))),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_all_pages_are_served(kind: str) -> None:
    prefix, serve = SERVERS[kind]
    with serve() as client:
        assert client.get(f"{prefix}/health/ready").status_code == 503
        assert client.get(f"{prefix}/health/live").status_code == 200
        with init_observability(exporters="memory", console=False, service_name="shop").unwrap() as handle:
            handle.metrics.counter("orders.paid").add(2)
            page = client.get(f"{prefix}/metrics", headers={"Accept": "application/openmetrics-text"})
            assert 'orders_paid_total{otel_scope_name="flext_observability"} 2.0' in page.text
            assert page.text.endswith("# EOF\n")
            assert client.get(f"{prefix}/health").json()["status"] == "healthy"
            assert client.get(f"{prefix}/status").json()["resource"]["service.name"] == "shop"
            assert client.head(f"{prefix}/metrics").content == b""
            assert client.post(f"{prefix}/metrics", content=b"x" * 1000).status_code == 405
            assert [client.get(f"{prefix}/{path}").status_code for path in ("", "nothing")] == [200, 404]
        assert client.get(f"{prefix}/status").status_code == 503


def test_hanging_check_does_not_block_the_event_loop() -> None:
    hang = threading.Event()
    with (
        init_observability(exporters="memory", console=False).unwrap() as handle,
        served_by_uvicorn(starlette()) as client,
    ):
        handle.health.register_check("slow", lambda: hang.wait(20), timeout_seconds=0.5)
        responses: list[httpx.Response] = []
        request = threading.Thread(
            target=lambda: responses.append(httpx.get(f"{client.base_url}/ops/health", trust_env=False))
        )
        request.start()
        started = time.monotonic()
        assert client.get("/hello").text == "hello"
        assert time.monotonic() - started < 0.4
        request.join(10)
        hang.set()
        handle.health.unregister_check("slow")
    assert responses[0].json()["checks"]["slow"]["status"] == "unknown"
