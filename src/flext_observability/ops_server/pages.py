"""Request → reply of the ops pages: routes, credentials, formats, compression."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from flext_observability.domain.health_report import PROBES
from flext_observability.domain.result import FlextResult
from flext_observability.ops_server.serialization import check_to_dict, negotiate_type, render_report, to_json
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.http.headers import quality

if TYPE_CHECKING:
    from flext_observability.domain.health_report import FlextHealthReport
    from flext_observability.ops_server.auth import Credentials

T = TypeVar("T")
Headers = list[tuple[str, str]]

METHODS: Final = ("GET", "HEAD")
_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_GZIP_LEVEL: Final = 3  # a quarter of the time of level 9 for 6 % more bytes
_MIN_GZIP_SIZE: Final = 1024  # bytes
_LISTING: Final = {
    "/metrics": "metrics for Prometheus",
    "/health": "all health checks (JSON, 200 or 503; for Prometheus as metrics)",
    "/health/live": "liveness: whether the program must be restarted (200 or 503)",
    "/health/ready": "readiness: whether it can accept work",
    "/health/startup": "startup: whether it has started",
    "/status": "settings, signals and counts (JSON)",
}
_PROBES: Final = {f"/health/{probe}": probe for probe in PROBES}


class Request(NamedTuple):
    """The parts of a request that the pages use. Header values are Latin-1 text, empty if missing."""

    method: str
    path: str
    accept: str = ""
    accept_encoding: str = ""
    authorization: str = ""


class Reply(NamedTuple):
    """A complete reply. For HEAD, ``body`` is empty and ``Content-Length`` is that of GET."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsPages:
    """Sources of the pages, called for every request.

    Attributes:
        metrics: Returns (body, content type) for an ``Accept`` header.
        health: Returns the report of all checks (None) or of one probe. Failure ``not_started`` before the start.
        status: Returns the content of ``/status``.
        credentials: Returns the required credentials. Without them, the three probes show the status only.
    """

    metrics: Callable[[str], FlextResult[tuple[bytes, str]]]
    health: Callable[[str | None], FlextResult[FlextHealthReport]]
    status: Callable[[], FlextResult[Mapping[str, object]]]
    credentials: Callable[[], Credentials]

    def answer(self, request: Request) -> Reply:
        """Return the reply. Never raises."""
        try:
            page = self._route(request)
        except BaseException as error:  # noqa: BLE001 - becomes status 500; the server continues
            reraise_interrupt(error)
            page = _error_page(500, f"{request.path} failed: {describe_error(error)}", "internal")
        headers = [
            *page.headers,
            ("Cache-Control", "no-store"),
            ("Vary", "Accept, Accept-Encoding"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        body = page.body
        if len(body) >= _MIN_GZIP_SIZE and _accepts_gzip(request.accept_encoding):
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        return Reply(page.status, headers, b"" if request.method == "HEAD" else body)

    def _route(self, request: Request) -> Reply:
        if request.method not in METHODS:
            return _error_page(405, "Use GET or HEAD", "method", ("Allow", ", ".join(METHODS)))
        path = request.path.rstrip("/")
        credentials = self.credentials()
        authorized = credentials.authorize(request.authorization)
        if path in _PROBES:
            return self._probe_page(_PROBES[path], details=authorized)
        if authorized:
            return self._protected_page(path, request.accept)
        challenge = ("WWW-Authenticate", credentials.challenge)
        return _error_page(401, "Send the token or the password of the ops server", "unauthorized", challenge)

    def _protected_page(self, path: str, accept: str) -> Reply:
        if path == "/metrics":
            return _page_or_error(self.metrics(accept), lambda page: _page(200, page[1], page[0]))
        if path == "/health":
            return _page_or_error(self.health(None), lambda report: _report_page(report, negotiate_type(accept)))
        if path == "/status":
            return _page_or_error(self.status(), lambda content: _page(200, _JSON, to_json(content)))
        listing = "".join(f"{name:<17}{text}\n" for name, text in _LISTING.items())
        return _page(404 if path else 200, _TEXT, f"This is flext-observability. Pages:\n\n{listing}".encode())

    def _probe_page(self, probe: str, *, details: bool) -> Reply:
        result = self.health(probe)
        if probe == "live" and result.code == "not_started":  # the process is alive, and a restart would not help
            return _page(200, _JSON, to_json({"status": "healthy", "message": result.error}))
        return _page_or_error(result, lambda report: _report_page(report, details=details))


def _page(status: int, content_type: str, body: bytes, *headers: tuple[str, str]) -> Reply:
    return Reply(status, [("Content-Type", content_type), *headers], body)


def _page_or_error(result: FlextResult[T], render: Callable[[T], Reply]) -> Reply:
    if result.is_failure:
        return _error_page(503, str(result.error), str(result.code))
    return render(result.unwrap())


def _error_page(status: int, message: str, code: str, *headers: tuple[str, str]) -> Reply:
    return _page(status, _JSON, to_json({"error": message, "code": code}), *headers)


def _report_page(report: FlextHealthReport, content_type: str = "", *, details: bool = True) -> Reply:
    if content_type:
        # Always 200: Prometheus discards the samples of any other reply.
        return _page(200, content_type, render_report(report, content_type))
    content: dict[str, object] = {"status": report.status}
    if details:
        content |= {"reasons": report.reasons, "checks": {check.name: check_to_dict(check) for check in report.checks}}
    return _page(503 if report.status == "unhealthy" else 200, _JSON, to_json(content))


def _accepts_gzip(accepted: str) -> bool:
    gzip_quality = quality(accepted, "gzip")
    return bool(quality(accepted, "*") if gzip_quality is None else gzip_quality)
