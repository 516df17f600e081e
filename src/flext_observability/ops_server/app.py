"""Callables that know metrics, health and status → WSGI application with /metrics, /health and /status."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from flext_observability.domain.encoding import encode_tag
from flext_observability.domain.exceptions import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_GZIP_LEVEL: Final = 3  # a quarter of the time of level 9 for 6 % more bytes
_GZIP_FROM: Final = 1024  # bytes; a smaller body gains nothing
_METHODS: Final = ("GET", "HEAD")


class _Page(NamedTuple):
    status: str
    content_type: str
    body: bytes


_Route = tuple[str, "Callable[[WSGIEnvironment], _Page]"]


def ops_app(
    *,
    metrics: Callable[[str], tuple[bytes, str]] | None,
    health: Callable[[], tuple[bool, Mapping[str, object]]],
    status: Callable[[], Mapping[str, object]],
) -> WSGIApplication:
    """Return the application; it answers GET and HEAD, compresses when asked to, and never raises.

    Args:
        metrics: Returns (body, content type) for an ``Accept`` header; None when there is no such page.
        health: Returns whether all is well, and what is known; 200 or 503.
        status: Returns what is known.
    """
    routes: dict[str, _Route] = {
        "/health": ("whether telemetry works as configured (JSON, 200 or 503)", lambda _: _health_page(health)),
        "/status": ("settings, signals and counts (JSON)", lambda _: _Page("200 OK", _JSON, _json(status()))),
    }
    if metrics is not None:
        routes = {"/metrics": ("metrics for Prometheus", lambda environ: _metrics_page(metrics, environ)), **routes}

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        page = _answer(routes, environ)
        headers = [
            ("Content-Type", page.content_type),
            ("Cache-Control", "no-store"),
            ("Vary", "Accept, Accept-Encoding"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        body = page.body
        if len(body) >= _GZIP_FROM and _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        if page.status.startswith("405"):
            headers.append(("Allow", ", ".join(_METHODS)))
        start_response(page.status, [*headers, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return app


def _answer(routes: Mapping[str, _Route], environ: WSGIEnvironment) -> _Page:
    if environ["REQUEST_METHOD"] not in _METHODS:
        return _Page("405 Method Not Allowed", _TEXT, b"Use GET or HEAD.\n")
    path = environ.get("PATH_INFO", "").rstrip("/")
    if path not in routes:
        listing = "".join(f"{name:<10}{text}\n" for name, (text, _) in routes.items())
        status = "404 Not Found" if path else "200 OK"
        return _Page(status, _TEXT, f"This is flext-observability. There is:\n\n{listing}".encode())
    try:
        return routes[path][1](environ)
    except Exception as error:  # noqa: BLE001 - the border: who asked learns what is wrong, the server lives on
        return _Page("500 Internal Server Error", _TEXT, f"{path} failed: {describe_error(error)}\n".encode())


def _metrics_page(metrics: Callable[[str], tuple[bytes, str]], environ: WSGIEnvironment) -> _Page:
    body, content_type = metrics(environ.get("HTTP_ACCEPT", ""))
    return _Page("200 OK", content_type, body)


def _health_page(health: Callable[[], tuple[bool, Mapping[str, object]]]) -> _Page:
    well, known = health()
    return _Page("200 OK" if well else "503 Service Unavailable", _JSON, _json(known))


def _json(document: Mapping[str, object]) -> bytes:
    text = json.dumps(dict(document), default=encode_tag, ensure_ascii=False, indent=2)
    return (text + "\n").encode(errors="replace")


def _takes_gzip(accepted: str) -> bool:
    """Whether an ``Accept-Encoding`` header allows gzip; a weight of 0 refuses it."""
    weights: dict[str, str] = {}
    for choice in accepted.lower().split(","):
        name, _, weight = choice.partition(";")
        weights[name.strip()] = weight.replace(" ", "").removeprefix("q=") or "1"
    wanted = weights.get("gzip", weights.get("*", "0"))
    return wanted.strip("0.") != ""
