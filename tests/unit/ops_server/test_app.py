from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from flext_observability.ops_server.app import wsgi_app
from flext_observability.ops_server.auth import Credentials
from tests.unit.ops_server.samples import PAGE, pages


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


def test_headers_reach_the_pages() -> None:
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


def test_head_has_no_body() -> None:
    status, headers, body = call(wsgi_app(pages()), "/metrics", "HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(PAGE)), b"")


def test_mounted_under_a_prefix() -> None:
    assert call(wsgi_app(pages()), "/status", SCRIPT_NAME="/ops")[0] == "200 OK"
