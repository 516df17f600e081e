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
from tests.unit.ops_server.asking import PAGE, ask, header, pages

PROTECTED = ("/metrics", "/health", "/status", "/", "/nothing")
PROBES = ("/health/live", "/health/ready", "/health/startup")
SCRAPER = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"


def broken(*_: object) -> NoReturn:
    raise ValueError("no such \ud800 thing at http://me:secret@db")


def failing(code: str, *_: object) -> FlextResult[Any]:
    return FlextResult[Any].fail("it does not work", code=code)


def reporting(status: str) -> Callable[[str | None], FlextResult[FlextHealthReport]]:
    return lambda probe: FlextResult.ok(FlextHealthReport(status))


def test_metrics_are_given_in_the_format_asked_for() -> None:
    plain, openmetrics = ask(pages(), "/metrics"), ask(pages(), "/metrics", accept="application/openmetrics-text")
    assert (plain.status, header(plain, "Content-Type"), plain.body) == (200, "text/plain", PAGE)
    assert header(openmetrics, "Content-Type") == "application/openmetrics-text"


@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP;q=0.5", "*", "br;q=1.0, gzip; q=0.001", "gzip;q=1"])
def test_a_page_is_compressed_for_who_accepts_gzip(accepted: str) -> None:
    reply = ask(pages(), "/metrics", accept_encoding=accepted)
    assert header(reply, "Content-Encoding") == "gzip"
    assert header(reply, "Content-Length") == str(len(reply.body))
    assert "Accept-Encoding" in str(header(reply, "Vary"))
    assert gzip.decompress(reply.body) == PAGE


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "br", "gzip;q=x"])
def test_a_page_is_plain_for_others(accepted: str) -> None:
    reply = ask(pages(), "/metrics", accept_encoding=accepted)
    assert (header(reply, "Content-Encoding"), reply.body) == (None, PAGE)


def test_a_small_page_is_not_compressed() -> None:
    assert header(ask(pages(), "/status", accept_encoding="gzip"), "Content-Encoding") is None


def test_health_gives_the_whole_with_reasons_and_checks() -> None:
    reply = ask(pages(), "/health")
    known = json.loads(reply.body)
    assert (reply.status, header(reply, "Content-Type")) == (200, "application/json")
    assert (known["status"], known["reasons"]) == ("degraded", ["db is degraded: slow"])
    assert known["checks"]["db"]["message"] == "slow"


@pytest.mark.parametrize("path", ["/health", *PROBES])
@pytest.mark.parametrize(("status", "expected"), [("healthy", 200), ("degraded", 200), ("unhealthy", 503)])
def test_unhealthy_alone_is_503(path: str, status: str, expected: int) -> None:
    assert ask(pages(health=reporting(status)), path).status == expected


def test_a_scraper_gets_health_as_samples_and_200_even_when_unhealthy() -> None:
    reply = ask(pages(health=reporting("unhealthy")), "/health", accept=SCRAPER)
    assert (reply.status, "openmetrics" in str(header(reply, "Content-Type"))) == (200, True)
    assert b"flext_health_overall 0\n" in reply.body


@pytest.mark.parametrize("probe", ["live", "ready", "startup"])
def test_each_probe_asks_for_its_own_checks(probe: str) -> None:
    asked: list[str | None] = []

    def report(about: str | None) -> FlextResult[FlextHealthReport]:
        asked.append(about)
        return FlextResult.ok(FlextHealthReport("healthy"))

    ask(pages(health=report), f"/health/{probe}")
    assert asked == [probe]


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/startup", "/metrics", "/status"])
def test_what_is_not_started_is_503_and_says_so(path: str) -> None:
    fail = partial(failing, "not_started")
    reply = ask(pages(metrics=fail, health=fail, status=fail), path)
    assert (reply.status, json.loads(reply.body)) == (503, {"error": "it does not work", "code": "not_started"})


def test_before_the_start_the_process_lives() -> None:
    reply = ask(pages(health=partial(failing, "not_started")), "/health/live")
    assert (reply.status, json.loads(reply.body)["status"]) == (200, "healthy")
    assert ask(pages(health=partial(failing, "internal")), "/health/live").status == 503


def test_status_is_json_whatever_it_holds() -> None:
    odd = {"path": PurePosixPath("/x"), "counts": (1, 2), "text": "\ud800", "number": float("nan")}
    reply = ask(pages(status=lambda: FlextResult.ok(odd)), "/status")
    assert json.loads(reply.body) == {"path": "/x", "counts": [1, 2], "text": "\ufffd", "number": "nan"}


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("", 200), ("/nothing", 404), ("/health/other", 404)])
def test_other_paths_list_what_there_is(path: str, status: int) -> None:
    reply = ask(pages(), path)
    assert reply.status == status
    assert all(name in reply.body.decode() for name in ("/metrics", "/health", "/health/startup", "/status"))


def test_a_slash_at_the_end_is_no_matter() -> None:
    assert ask(pages(), "/health/").status == 200


def test_head_is_answered_without_a_body() -> None:
    reply = ask(pages(), "/metrics", "HEAD")
    assert (reply.status, header(reply, "Content-Length"), reply.body) == (200, str(len(PAGE)), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "odd"])
def test_other_methods_are_refused(method: str) -> None:
    reply = ask(pages(), "/metrics", method)
    assert (reply.status, header(reply, "Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/metrics", "/health", "/status", *PROBES])
def test_what_raises_gives_a_page_that_says_so_without_secrets(path: str) -> None:
    reply = ask(pages(metrics=broken, health=broken, status=broken), path)
    assert reply.status == 500
    assert f"{path} failed: ValueError".encode() in reply.body
    assert b"secret" not in reply.body


def test_pages_are_never_cached() -> None:
    assert header(ask(pages(), "/metrics"), "Cache-Control") == "no-store"


class TestCredentials:
    ASKED = pages(credentials=lambda: Credentials(token="t0ken"))

    @pytest.mark.parametrize("path", PROTECTED)
    def test_without_them_a_page_is_401_and_shows_nothing(self, path: str) -> None:
        reply = ask(self.ASKED, path)
        assert (reply.status, header(reply, "WWW-Authenticate")) == (401, 'Bearer realm="flext-observability"')
        assert json.loads(reply.body)["code"] == "unauthorized"

    @pytest.mark.parametrize("path", PROTECTED[:3])
    def test_with_them_it_is_shown(self, path: str) -> None:
        assert ask(self.ASKED, path, authorization="Bearer t0ken").status == 200

    @pytest.mark.parametrize("path", PROBES)
    def test_probes_answer_without_them_and_give_the_status_alone(self, path: str) -> None:
        assert json.loads(ask(self.ASKED, path).body) == {"status": "degraded"}
        assert "checks" in json.loads(ask(self.ASKED, path, authorization="Bearer t0ken").body)
