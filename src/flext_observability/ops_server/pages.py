"""Request → page of the ops server, or how to render it: routes, credentials, formats."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from flext_observability.domain.health_report import PROBES
from flext_observability.domain.result import FlextResult, compose_message
from flext_observability.ops_server.serialization import check_to_dict, negotiate_format, render_report, to_json

if TYPE_CHECKING:
    from flext_observability.domain.health_report import FlextHealthReport
    from flext_observability.ops_server.auth import Credentials
    from flext_observability.wire.prometheus.content_type import PageFormat

T = TypeVar("T")
Headers = list[tuple[str, str]]

METHODS: Final = ("GET", "HEAD")
_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_LISTING: Final = {
    "/metrics": "metrics for Prometheus",
    "/health": "all health checks (JSON, 200 or 503; for Prometheus as metrics)",
    "/health/live": "liveness: whether the program must be restarted (200 or 503)",
    "/health/ready": "readiness: whether it can accept work",
    "/health/startup": "startup: whether it has started",
    "/status": "settings, signals and counts (JSON)",
}
PATHS: Final = tuple(_LISTING)
_PROBES: Final = {f"/health/{probe}": probe for probe in PROBES}
PAGE_SECONDS: Final = 8.0
"""Time limit of a page. Prometheus waits 10 s by default."""
LIVE_SECONDS: Final = 0.6
"""Time limit of the liveness probe. Kubernetes waits 1 s by default."""
_MAX_SCRAPE_SECONDS: Final = 25.0
"""Below the time limit of a worker of gunicorn."""
RETRY: Final = ("Retry-After", "1")


class Request(NamedTuple):
    """The parts of a request that the pages use. Header values are Latin-1 text, empty if missing."""

    method: str
    path: str
    accept: str = ""
    accept_encoding: str = ""
    authorization: str = ""
    scrape_timeout: str = ""


class Reply(NamedTuple):
    """A complete reply. For HEAD, ``body`` is empty and ``Content-Length`` is that of GET."""

    status: int
    headers: Headers
    body: bytes


class SlowPage(NamedTuple):
    """A page that runs foreign code: checks, callbacks, collectors, exporters, ``__repr__``.

    Attributes:
        key: Path, and all that the page depends on. Requests with the same key may share the page.
        render: Returns the page. May raise, or never return.
        late: Returns the page to send when ``render`` does not return in time, for a description of the delay. It
            runs no foreign code.
        seconds: Time limit.
    """

    key: tuple[object, ...]
    render: Callable[[], Reply]
    late: Callable[[str], Reply]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsPages:
    """Sources of the pages, called for every request.

    Attributes:
        metrics: Returns (body, content type) for an ``Accept`` header.
        health: Returns the report of all checks (None) or of one probe. Failure ``not_started`` before the start.
        known_health: As ``health``, from the latest results: no check runs, and no foreign code.
        status: Returns the content of ``/status``.
        credentials: Returns the required credentials. Without them, the three probes show the status only.
        allowed_hosts: Returns further names of the server, as the setting ``ops_allowed_hosts``.
        save: Saves the metrics of this process for the other workers, at the end of an ASGI server. Never raises.
    """

    metrics: Callable[[str], FlextResult[tuple[bytes, str]]]
    health: Callable[[str | None], FlextResult[FlextHealthReport]]
    known_health: Callable[[str | None], FlextResult[FlextHealthReport]]
    status: Callable[[], FlextResult[Mapping[str, object]]]
    credentials: Callable[[], Credentials]
    allowed_hosts: Callable[[], Collection[str]] = tuple
    save: Callable[[], object] = tuple

    def find(self, request: Request) -> Reply | SlowPage:
        """Return the page, or how to render it if that takes time."""
        if request.method not in METHODS:
            return error_page(405, "Use GET or HEAD", "method", ("Allow", ", ".join(METHODS)))
        path = request.path.rstrip("/")
        credentials = self.credentials()
        authorized = credentials.authorize(request.authorization)
        if path in _PROBES:
            return self._probe(path, details=authorized)
        if authorized:
            return self._protected(path, request)
        challenge = ("WWW-Authenticate", credentials.challenge)
        return error_page(401, "Send the token or the password of the ops server", "unauthorized", challenge)

    def _probe(self, path: str, *, details: bool) -> Reply | SlowPage:
        probe = _PROBES[path]
        seconds = LIVE_SECONDS if probe == "live" else PAGE_SECONDS
        if probe == "live":
            known = self.known_health(probe)
            if known.code == "not_started":  # the process is alive, and a restart would not help
                return _page(200, _JSON, to_json({"status": "healthy", "message": known.error}))
            if known.success and not known.unwrap().checks:
                return _report_page(known.unwrap(), details=details)
        return self._health_page((path, details), probe, lambda report: _report_page(report, details=details), seconds)

    def _protected(self, path: str, request: Request) -> Reply | SlowPage:
        seconds = _scraper_seconds(request.scrape_timeout) or PAGE_SECONDS
        if path == "/health":
            kind = negotiate_format(request.accept)
            return self._health_page((path, kind), None, lambda report: _report_page(report, kind), seconds)
        if path == "/metrics":
            key, accept = (path, request.accept), request.accept
            return SlowPage(key, lambda: self._metrics_page(accept), _late_page(path), seconds)
        if path == "/status":
            return SlowPage((path,), self._status_page, _late_page(path), PAGE_SECONDS)
        listing = "".join(f"{name:<17}{text}\n" for name, text in _LISTING.items())
        return _page(404 if path else 200, _TEXT, f"This is flext-observability. Pages:\n\n{listing}".encode())

    def _metrics_page(self, accept: str) -> Reply:
        # An exporter of another package may return other types.
        return _page_or_error(
            self.metrics(accept), lambda page: _page(200, "".join((page[1],)), bytes(memoryview(page[0])))
        )

    def _status_page(self) -> Reply:
        return _page_or_error(self.status(), lambda content: _page(200, _JSON, to_json(content)))

    def _health_page(
        self,
        key: tuple[object, ...],
        probe: str | None,
        render: Callable[[FlextHealthReport], Reply],
        seconds: float,
    ) -> SlowPage:
        def late(_delay: str) -> Reply:
            return _page_or_error(self.known_health(probe), render)

        return SlowPage(key, lambda: _page_or_error(self.health(probe), render), late, seconds)


def _scraper_seconds(header: str) -> float:
    """Return a time limit below that of the scraper; 0 if the request has none.

    Source: https://github.com/prometheus/prometheus/blob/main/scrape/scrape.go
    """
    try:
        seconds = float(header)
    except ValueError:
        return 0.0
    return min(0.8 * seconds, _MAX_SCRAPE_SECONDS) if seconds > 0 else 0.0


def _late_page(path: str) -> Callable[[str], Reply]:
    def page(delay: str) -> Reply:
        message = compose_message(f"{path} failed: {delay}", "Make this callback, collector or exporter return")
        return error_page(503, message, "late", RETRY)

    return page


def _page(status: int, content_type: str, body: bytes, *headers: tuple[str, str]) -> Reply:
    return Reply(status, [("Content-Type", content_type), *headers], body)


def _page_or_error(result: FlextResult[T], render: Callable[[T], Reply]) -> Reply:
    if result.is_failure:
        return error_page(503, str(result.error), str(result.code))
    return render(result.unwrap())


def error_page(status: int, message: str, code: str, *headers: tuple[str, str]) -> Reply:
    """Return a page with the reason, as JSON."""
    return _page(status, _JSON, to_json({"error": message, "code": code}), *headers)


def _report_page(report: FlextHealthReport, page: PageFormat | None = None, *, details: bool = True) -> Reply:
    if page is not None:
        # Always 200: Prometheus discards the samples of any other reply.
        return _page(200, page.content_type, render_report(report, page))
    content: dict[str, object] = {"status": report.status}
    if details:
        content |= {"reasons": report.reasons, "checks": {check.name: check_to_dict(check) for check in report.checks}}
    return _page(503 if report.status == "unhealthy" else 200, _JSON, to_json(content))
