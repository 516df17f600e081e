from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NoReturn
from wsgiref.types import WSGIApplication
from wsgiref.util import setup_testing_defaults

import pytest

from flext_observability.ops_server.app import ops_app

PAGE = b"orders_total 1\n" * 100


@dataclass
class Reply:
    status: str
    headers: dict[str, str]
    body: bytes


def ask(app: WSGIApplication, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Reply:
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method}
    setup_testing_defaults(environ)
    environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in (headers or {}).items()}
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        started.append((status, headers))

    body = b"".join(app(environ, start_response))
    return Reply(started[0][0], dict(started[0][1]), body)


def page(accept: str) -> tuple[bytes, str]:
    kind = "application/openmetrics-text" if "openmetrics" in accept else "text/plain"
    return PAGE, kind


def well() -> tuple[bool, Mapping[str, object]]:
    return True, {"traces": "active"}


def state() -> Mapping[str, object]:
    return {"queued": 3}


def broken(*_: object) -> NoReturn:
    raise ValueError("no such \ud800 thing")


@pytest.fixture
def app() -> WSGIApplication:
    return ops_app(metrics=page, health=well, status=state)


def test_metrics_are_given_in_the_format_asked_for(app: WSGIApplication) -> None:
    plain = ask(app, "/metrics")
    openmetrics = ask(app, "/metrics", headers={"Accept": "application/openmetrics-text"})

    assert (plain.status, plain.headers["Content-Type"], plain.body) == ("200 OK", "text/plain", PAGE)
    assert openmetrics.headers["Content-Type"] == "application/openmetrics-text"


@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP;q=0.5", "*", "br;q=1.0, gzip; q=0.001", "gzip;q=1"])
def test_page_is_compressed_for_who_accepts_gzip(app: WSGIApplication, accepted: str) -> None:
    reply = ask(app, "/metrics", headers={"Accept-Encoding": accepted})

    assert reply.headers["Content-Encoding"] == "gzip"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert "Accept-Encoding" in reply.headers["Vary"]
    assert gzip.decompress(reply.body) == PAGE


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "br"])
def test_page_is_plain_for_others(app: WSGIApplication, accepted: str) -> None:
    reply = ask(app, "/metrics", headers={"Accept-Encoding": accepted})

    assert "Content-Encoding" not in reply.headers
    assert reply.body == PAGE


def test_small_page_is_not_compressed(app: WSGIApplication) -> None:
    assert "Content-Encoding" not in ask(app, "/status", headers={"Accept-Encoding": "gzip"}).headers


def test_health_is_200_when_all_is_well(app: WSGIApplication) -> None:
    reply = ask(app, "/health")

    assert (reply.status, json.loads(reply.body)) == ("200 OK", {"traces": "active"})
    assert reply.headers["Content-Type"] == "application/json"


def test_health_is_503_when_something_is_not() -> None:
    app = ops_app(metrics=page, health=lambda: (False, {"traces": "degraded"}), status=state)
    reply = ask(app, "/health")

    assert (reply.status, json.loads(reply.body)) == ("503 Service Unavailable", {"traces": "degraded"})


def test_status_is_json_whatever_it_holds() -> None:
    odd = {"path": PurePosixPath("/x"), "counts": (1, 2), "text": "\ud800"}
    reply = ask(ops_app(metrics=page, health=well, status=lambda: odd), "/status")

    assert json.loads(reply.body) == {"path": "/x", "counts": [1, 2], "text": "?"}


@pytest.mark.parametrize(("path", "status"), [("/", "200 OK"), ("", "200 OK"), ("/nothing", "404 Not Found")])
def test_other_paths_list_what_there_is(app: WSGIApplication, path: str, status: str) -> None:
    reply = ask(app, path)

    assert reply.status == status
    assert all(name in reply.body.decode() for name in ("/metrics", "/health", "/status"))


def test_slash_at_the_end_is_no_matter(app: WSGIApplication) -> None:
    assert ask(app, "/health/").status == "200 OK"


def test_without_metrics_there_is_no_such_page() -> None:
    reply = ask(ops_app(metrics=None, health=well, status=state), "/metrics")

    assert reply.status == "404 Not Found"
    assert b"/metrics" not in reply.body


def test_head_is_answered_without_a_body(app: WSGIApplication) -> None:
    reply = ask(app, "/metrics", "HEAD")

    assert (reply.status, reply.headers["Content-Length"], reply.body) == ("200 OK", str(len(PAGE)), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "odd"])
def test_other_methods_are_refused(app: WSGIApplication, method: str) -> None:
    reply = ask(app, "/metrics", method)

    assert reply.status == "405 Method Not Allowed"
    assert reply.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/metrics", "/health", "/status"])
def test_callable_that_raises_gives_a_page_that_says_so(path: str) -> None:
    reply = ask(ops_app(metrics=broken, health=broken, status=broken), path)

    assert reply.status == "500 Internal Server Error"
    assert f"{path} failed: ValueError".encode() in reply.body


def test_pages_are_never_cached(app: WSGIApplication) -> None:
    assert ask(app, "/metrics").headers["Cache-Control"] == "no-store"
