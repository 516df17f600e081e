from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NoReturn

import pytest

from flext_observability.domain.health_report import FlextHealthReport
from flext_observability.domain.result import FlextResult
from flext_observability.ops_server.auth import Credentials
from tests.unit.ops_server.samples import PAGE, get, header, pages

PROTECTED = ("/metrics", "/health", "/status", "/", "/nothing")
PROBES = ("/health/live", "/health/ready", "/health/startup")
SCRAPER = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"


def broken(*_: object) -> NoReturn:
    raise ValueError("no such \ud800 thing at http://me:secret@db")


def failing(code: str, *_: object) -> FlextResult[Any]:
    return FlextResult[Any].fail("not available", code=code)


def reporting(status: str) -> Callable[[str | None], FlextResult[FlextHealthReport]]:
    return lambda probe: FlextResult.ok(FlextHealthReport(status))


def test_metrics_format_is_negotiated() -> None:
    plain, openmetrics = get(pages(), "/metrics"), get(pages(), "/metrics", accept="application/openmetrics-text")
    assert (plain.status, header(plain, "Content-Type"), plain.body) == (200, "text/plain", PAGE)
    assert header(openmetrics, "Content-Type") == "application/openmetrics-text"


@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP;q=0.5", "*", "br;q=1.0, gzip; q=0.001", "gzip;q=1"])
def test_page_is_compressed_if_gzip_is_accepted(accepted: str) -> None:
    reply = get(pages(), "/metrics", accept_encoding=accepted)
    assert header(reply, "Content-Encoding") == "gzip"
    assert header(reply, "Content-Length") == str(len(reply.body))
    assert "Accept-Encoding" in str(header(reply, "Vary"))
    assert gzip.decompress(reply.body) == PAGE


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "br", "gzip;q=x"])
def test_page_is_not_compressed_otherwise(accepted: str) -> None:
    reply = get(pages(), "/metrics", accept_encoding=accepted)
    assert (header(reply, "Content-Encoding"), reply.body) == (None, PAGE)


def test_small_page_is_not_compressed() -> None:
    assert header(get(pages(), "/status", accept_encoding="gzip"), "Content-Encoding") is None


def test_health_contains_status_reasons_and_checks() -> None:
    reply = get(pages(), "/health")
    content = json.loads(reply.body)
    assert (reply.status, header(reply, "Content-Type")) == (200, "application/json")
    assert (content["status"], content["reasons"]) == ("degraded", ["db is degraded: slow"])
    assert content["checks"]["db"]["message"] == "slow"


@pytest.mark.parametrize("path", ["/health", *PROBES])
@pytest.mark.parametrize(("status", "expected"), [("healthy", 200), ("degraded", 200), ("unhealthy", 503)])
def test_only_unhealthy_is_503(path: str, status: str, expected: int) -> None:
    assert get(pages(health=reporting(status)), path).status == expected


def test_prometheus_gets_samples_with_200_even_if_unhealthy() -> None:
    reply = get(pages(health=reporting("unhealthy")), "/health", accept=SCRAPER)
    assert (reply.status, "openmetrics" in str(header(reply, "Content-Type"))) == (200, True)
    assert b"flext_health_overall 0.0\n" in reply.body


@pytest.mark.parametrize("probe", ["live", "ready", "startup"])
def test_probe_selects_its_checks(probe: str) -> None:
    requested: list[str | None] = []

    def report(selected: str | None) -> FlextResult[FlextHealthReport]:
        requested.append(selected)
        return FlextResult.ok(FlextHealthReport("healthy"))

    get(pages(health=report), f"/health/{probe}")
    assert requested == [probe]


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/startup", "/metrics", "/status"])
def test_pages_are_503_before_the_start(path: str) -> None:
    fail = partial(failing, "not_started")
    reply = get(pages(metrics=fail, health=fail, status=fail), path)
    assert (reply.status, json.loads(reply.body)) == (503, {"error": "not available", "code": "not_started"})


def test_liveness_probe_is_healthy_before_the_start() -> None:
    reply = get(pages(health=partial(failing, "not_started")), "/health/live")
    assert (reply.status, json.loads(reply.body)["status"]) == (200, "healthy")
    assert get(pages(health=partial(failing, "internal")), "/health/live").status == 503


def test_status_with_any_values_is_json() -> None:
    content = {"path": PurePosixPath("/x"), "counts": (1, 2), "text": "\ud800", "number": float("nan")}
    reply = get(pages(status=lambda: FlextResult.ok(content)), "/status")
    assert json.loads(reply.body) == {"path": "/x", "counts": [1, 2], "text": "\ufffd", "number": "nan"}


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("", 200), ("/nothing", 404), ("/health/other", 404)])
def test_other_paths_list_the_pages(path: str, status: int) -> None:
    reply = get(pages(), path)
    assert reply.status == status
    assert all(name in reply.body.decode() for name in ("/metrics", "/health", "/health/startup", "/status"))


def test_trailing_slash_is_ignored() -> None:
    assert get(pages(), "/health/").status == 200


def test_head_has_no_body() -> None:
    reply = get(pages(), "/metrics", "HEAD")
    assert (reply.status, header(reply, "Content-Length"), reply.body) == (200, str(len(PAGE)), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "other"])
def test_other_methods_are_405(method: str) -> None:
    reply = get(pages(), "/metrics", method)
    assert (reply.status, header(reply, "Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/metrics", "/health", "/status", *PROBES])
def test_exceptions_are_500_without_secrets(path: str) -> None:
    reply = get(pages(metrics=broken, health=broken, status=broken), path)
    assert reply.status == 500
    assert f"{path} failed: ValueError".encode() in reply.body
    assert b"secret" not in reply.body


def test_system_exit_is_500() -> None:
    def leave(accept: str) -> FlextResult[tuple[bytes, str]]:
        raise SystemExit(3)

    assert get(pages(metrics=leave), "/metrics").status == 500


def test_pages_are_never_cached() -> None:
    assert header(get(pages(), "/metrics"), "Cache-Control") == "no-store"


class TestCredentials:
    PROTECTED_PAGES = pages(credentials=lambda: Credentials(token="t0ken"))

    @pytest.mark.parametrize("path", PROTECTED)
    def test_missing_credentials_are_401(self, path: str) -> None:
        reply = get(self.PROTECTED_PAGES, path)
        assert (reply.status, header(reply, "WWW-Authenticate")) == (401, 'Bearer realm="flext-observability"')
        assert json.loads(reply.body)["code"] == "unauthorized"

    @pytest.mark.parametrize("path", PROTECTED[:3])
    def test_valid_credentials_are_200(self, path: str) -> None:
        assert get(self.PROTECTED_PAGES, path, authorization="Bearer t0ken").status == 200

    @pytest.mark.parametrize("path", PROBES)
    def test_probes_without_credentials_show_the_status_only(self, path: str) -> None:
        assert json.loads(get(self.PROTECTED_PAGES, path).body) == {"status": "degraded"}
        assert "checks" in json.loads(get(self.PROTECTED_PAGES, path, authorization="Bearer t0ken").body)
