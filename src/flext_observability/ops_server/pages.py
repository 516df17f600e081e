"""Request → reply of the ops pages, whoever serves them: routes, credentials, formats, compression."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from flext_observability.domain.health_report import PROBES
from flext_observability.domain.result import FlextResult
from flext_observability.ops_server.exposition import wanted_type, write_report
from flext_observability.ops_server.serialization import show_check, to_json
from flext_observability.values.exceptions import describe_error
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
_GZIP_FROM: Final = 1024  # bytes; a smaller body gains nothing
_LISTING: Final = {
    "/metrics": "metrics for Prometheus",
    "/health": "all health checks (JSON, 200 or 503; for Prometheus as metrics)",
    "/health/live": "whether the program has to be restarted (200 or 503)",
    "/health/ready": "whether it can take work",
    "/health/startup": "whether it has begun",
    "/status": "settings, signals and counts (JSON)",
}
_PROBES: Final = {f"/health/{probe}": probe for probe in PROBES}


class Request(NamedTuple):
    """What the pages read of a request; header values are Latin-1 text, empty when there are none."""

    method: str
    path: str
    accept: str = ""
    accept_encoding: str = ""
    authorization: str = ""


class Reply(NamedTuple):
    """A whole reply; ``Content-Length`` is that of the body, which is left out for HEAD."""

    status: int
    headers: Headers
    body: bytes


class _Page(NamedTuple):
    status: int
    content_type: str
    body: bytes
    headers: Headers = []  # noqa: RUF012 - a tuple's default, never changed


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsPages:
    """What the pages show; each is asked anew for every request.

    Attributes:
        metrics: Returns (body, content type) for an ``Accept`` header.
        health: Returns the report on all checks (None) or on those of a probe; failure ``not_started`` when there is nothing to check yet.
        status: Returns what else is known.
        credentials: Returns what a request must bring; the three probes answer without it, and then say no more than the status.
    """

    metrics: Callable[[str], FlextResult[tuple[bytes, str]]]
    health: Callable[[str | None], FlextResult[FlextHealthReport]]
    status: Callable[[], FlextResult[Mapping[str, object]]]
    credentials: Callable[[], Credentials]

    def answer(self, request: Request) -> Reply:
        """Return the reply; never raises."""
        try:
            page = self._route(request)
        except Exception as error:  # noqa: BLE001 - the border: who asked learns what is wrong, the server lives on
            page = _problem(500, f"{request.path} failed: {describe_error(error)}", "internal")
        headers = [
            ("Content-Type", page.content_type),
            ("Cache-Control", "no-store"),
            ("Vary", "Accept, Accept-Encoding"),
            ("X-Content-Type-Options", "nosniff"),
            *page.headers,
        ]
        body = page.body
        if len(body) >= _GZIP_FROM and _takes_gzip(request.accept_encoding):
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        return Reply(page.status, headers, b"" if request.method == "HEAD" else body)

    def _route(self, request: Request) -> _Page:
        if request.method not in METHODS:
            return _problem(405, "Use GET or HEAD", "method", [("Allow", ", ".join(METHODS))])
        path = request.path.rstrip("/")
        credentials = self.credentials()
        allowed = credentials.allow(request.authorization)
        if path in _PROBES:
            return self._probe_page(_PROBES[path], details=allowed)
        if allowed:
            return self._protected_page(path, request.accept)
        challenge = [("WWW-Authenticate", credentials.challenge)]
        return _problem(401, "Send the token or the password of the ops server", "unauthorized", challenge)

    def _protected_page(self, path: str, accept: str) -> _Page:
        if path == "/metrics":
            return _show(self.metrics(accept), lambda page: _Page(200, page[1], page[0]))
        if path == "/health":
            return _show(self.health(None), lambda report: _report_page(report, wanted_type(accept)))
        if path == "/status":
            return _show(self.status(), lambda known: _Page(200, _JSON, to_json(known)))
        listing = "".join(f"{name:<17}{text}\n" for name, text in _LISTING.items())
        return _Page(404 if path else 200, _TEXT, f"This is flext-observability. There is:\n\n{listing}".encode())

    def _probe_page(self, probe: str, *, details: bool) -> _Page:
        result = self.health(probe)
        if probe == "live" and result.code == "not_started":  # the process lives: to restart it would not help
            return _Page(200, _JSON, to_json({"status": "healthy", "message": result.error}))
        return _show(result, lambda report: _report_page(report, details=details))


def _show(result: FlextResult[T], write: Callable[[T], _Page]) -> _Page:
    if result.is_failure:
        return _problem(503, str(result.error), str(result.code))
    return write(result.unwrap())


def _problem(status: int, message: str, code: str, headers: Headers | None = None) -> _Page:
    return _Page(status, _JSON, to_json({"error": message, "code": code}), headers or [])


def _report_page(report: FlextHealthReport, content_type: str = "", *, details: bool = True) -> _Page:
    if content_type:
        # Always 200: Prometheus throws away the samples of any other reply.
        return _Page(200, content_type, write_report(report, content_type))
    known: dict[str, object] = {"status": report.status}
    if details:
        known |= {"reasons": report.reasons, "checks": {check.name: show_check(check) for check in report.checks}}
    return _Page(503 if report.status == "unhealthy" else 200, _JSON, to_json(known))


def _takes_gzip(accepted: str) -> bool:
    wanted = quality(accepted, "gzip")
    return bool(quality(accepted, "*") if wanted is None else wanted)
