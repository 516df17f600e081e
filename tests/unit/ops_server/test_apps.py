from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from flext_observability.ops_server.apps import AsgiApp, asgi_app, wsgi_app
from flext_observability.ops_server.auth import Credentials
from tests.unit.ops_server.samples import PAGE, metrics, pages


def call(app: WSGIApplication, path: str, method: str = "GET", **environ: str) -> tuple[str, Mapping[str, str], bytes]:
    environment: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        **environ,
    }
    setup_testing_defaults(environment)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        started.append((status, headers))
        return lambda _: None

    reply: Any = validator(app)(environment, start_response)
    body = b"".join(reply)
    reply.close()
    return started[0][0], dict(started[0][1]), body


@pytest.mark.parametrize(("path", "status"), [("/metrics", "200 OK"), ("/x", "404 Not Found")])
def test_replies_conform_to_wsgi(path: str, status: str) -> None:
    assert call(wsgi_app(pages()), path)[0] == status


def test_wsgi_headers_reach_the_pages() -> None:
    app = wsgi_app(pages(credentials=lambda: Credentials("t")))
    _, headers, body = call(
        app,
        "/metrics",
        HTTP_ACCEPT="application/openmetrics-text",
        HTTP_ACCEPT_ENCODING="gzip",
        HTTP_AUTHORIZATION="Bearer t",
    )
    assert (headers["Content-Type"], headers["Content-Encoding"]) == ("application/openmetrics-text", "gzip")
    assert len(body) < len(PAGE)


def test_wsgi_head_has_no_body() -> None:
    status, headers, body = call(wsgi_app(pages()), "/metrics", "HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(PAGE)), b"")


def test_wsgi_mounted_under_a_prefix() -> None:
    assert call(wsgi_app(pages()), "/status", SCRIPT_NAME="/ops")[0] == "200 OK"


async def exchange(app: AsgiApp, scope: dict[str, Any], *messages: str) -> list[Any]:
    """Send these messages to the application and return its messages."""
    received, sent = list(messages), list[Any]()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": received.pop(0)}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    await app(scope, receive, send)
    return sent


def http(path: str, method: str = "GET", root: str = "", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "root_path": root, "headers": list(headers)}


def request(scope: dict[str, Any], **parts: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    start, body = asyncio.run(exchange(asgi_app(pages(**parts)), scope))
    return start["status"], dict(start["headers"]), body["body"]


def test_page_is_sent_with_its_headers() -> None:
    status, headers, body = request(http("/metrics"))
    assert (status, body) == (200, PAGE)
    assert headers[b"content-length"] == str(len(PAGE)).encode()


def test_asgi_head_has_no_body() -> None:
    assert request(http("/metrics", "HEAD"))[2] == b""


def test_asgi_headers_reach_the_pages_and_repeated_ones_are_joined() -> None:
    accept = [(b"accept", b"text/html"), (b"Accept", b"application/openmetrics-text")]
    scope = http("/metrics", "GET", "", (b"authorization", b"Bearer t"), *accept)
    status, headers, _ = request(scope, credentials=lambda: Credentials("t"))
    assert (status, headers[b"content-type"]) == (200, b"application/openmetrics-text")


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/ops/status", "/ops"),
        ("/status", "/ops"),
        ("/ops/status", "/ops/"),
        ("/status", ""),
        ("/opsx", "/ops"),
        ("/ops", "/ops"),
    ],
)
def test_asgi_mounted_under_a_prefix(path: str, root: str) -> None:
    assert request(http(path, "GET", root))[0] == (404 if path == "/opsx" else 200)


def test_lifespan_events_are_completed() -> None:
    sent = asyncio.run(exchange(asgi_app(pages()), {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown"))
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_websockets_are_closed_and_unknown_scopes_are_ignored() -> None:
    sent = asyncio.run(exchange(asgi_app(pages()), {"type": "websocket"}, "websocket.connect"))
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert asyncio.run(exchange(asgi_app(pages()), {"type": "carrier_pigeon"})) == []


class Hang:
    """A page that does not return before ``release``."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.calls = 0

    def __call__(self, accept: str) -> Any:
        self.calls += 1
        self.release.wait(10)
        return metrics(accept)


def test_loop_is_not_blocked_and_concurrent_requests_share_a_page() -> None:
    hang = Hang()

    async def main() -> list[int]:
        app = asgi_app(pages(metrics=hang))
        tasks = [asyncio.ensure_future(exchange(app, http("/metrics"))) for _ in range(50)]
        await asyncio.sleep(0)
        (other, _) = await exchange(app, http("/status"))
        hang.release.set()
        replies = await asyncio.gather(*tasks)
        return [other["status"], *{reply[0]["status"] for reply in replies}]

    assert (asyncio.run(main()), hang.calls) == ([200, 200], 1)


def test_late_page_is_503_and_the_next_request_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.ops_server.pages.PAGE_SECONDS", 0.2)
    hang = Hang()

    async def main() -> list[int]:
        app = asgi_app(pages(metrics=hang))
        replies = [await exchange(app, http("/metrics")) for _ in range(20)]
        return [reply[0]["status"] for reply in replies]

    started = time.monotonic()
    assert (asyncio.run(main()), hang.calls) == ([503] * 20, 1)
    assert time.monotonic() - started < 2
    hang.release.set()


def test_hung_page_ends_by_its_limit_in_a_server_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.ops_server.pages.PAGE_SECONDS", 0.2)
    hang = Hang()
    app = wsgi_app(pages(metrics=hang))
    statuses = [call(app, path)[0] for path in ("/metrics", "/health/live", "/metrics", "/status")]
    hang.release.set()
    assert statuses == ["503 Service Unavailable", "200 OK", "503 Service Unavailable", "200 OK"]


def test_cancelled_request_leaves_the_page_to_the_others() -> None:
    hang = Hang()

    async def main() -> int:
        app = asgi_app(pages(metrics=hang))
        cancelled, kept = (asyncio.ensure_future(exchange(app, http("/metrics"))) for _ in range(2))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        await asyncio.sleep(0.05)
        hang.release.set()
        return int((await kept)[0]["status"])

    assert asyncio.run(main()) == 200


def test_no_free_thread_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    app = asgi_app(pages())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        start, body = asyncio.run(exchange(app, http("/status")))
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    assert json.loads(body["body"])["code"] == "busy"
    assert asyncio.run(exchange(app, http("/status")))[0]["status"] == 200
