from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.health_report import FlextHealthReport
from flext_observability.domain.result import FlextResult
from flext_observability.ops_server import pages as pages_module
from flext_observability.ops_server.answers import Answers
from flext_observability.ops_server.pages import Request
from tests.unit.ops_server.samples import header, pages

KNOWN = FlextHealthReport("unhealthy", ("db is unknown",), (FlextHealthCheck(name="db", status="unknown"),))


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    monkeypatch.setattr(pages_module, "PAGE_SECONDS", 0.1)
    monkeypatch.setattr(pages_module, "LIVE_SECONDS", 0.1)
    event = threading.Event()
    yield event
    event.set()


def hung_pages(hang: threading.Event, **parts: Any) -> Answers:
    def wait(*_: object) -> Any:
        hang.wait(10)
        return FlextResult.ok({})

    sources = dict.fromkeys(("metrics", "health", "status"), wait)
    return Answers(pages(**{**sources, "known_health": lambda probe: FlextResult.ok(KNOWN), **parts}))


@pytest.mark.parametrize("path", ["/metrics", "/status"])
def test_late_page_is_503_with_the_place(hang: threading.Event, path: str) -> None:
    reply = hung_pages(hang).answer(Request("GET", path))
    content = json.loads(reply.body)
    assert (reply.status, content["code"], header(reply, "Retry-After")) == (503, "late", "1")
    assert content["error"].startswith(f"{path} failed: no result after 0.1 s, in {__name__}.hung_pages.<locals>.wait")


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/startup"])
def test_late_health_page_shows_the_latest_results(hang: threading.Event, path: str) -> None:
    reply = hung_pages(hang).answer(Request("GET", path))
    assert (reply.status, json.loads(reply.body)["reasons"]) == (503, ["db is unknown"])


def test_late_page_of_head_has_no_body(hang: threading.Event) -> None:
    reply = hung_pages(hang).answer(Request("HEAD", "/status"))
    assert (reply.status, reply.body) == (503, b"")
    assert int(str(header(reply, "Content-Length"))) > 0


def test_late_page_that_fails_is_500(hang: threading.Event) -> None:
    def fail(probe: str | None) -> NoReturn:
        raise ValueError("no")

    assert hung_pages(hang, known_health=fail).answer(Request("GET", "/health")).status == 500


def test_liveness_without_checks_runs_nothing(hang: threading.Event) -> None:
    healthy = FlextResult.ok(FlextHealthReport("healthy"))
    answers = hung_pages(hang, known_health=lambda probe: healthy)
    reply = answers.begin(Request("GET", "/health/live"))
    assert reply[2] == b'{\n  "status": "healthy",\n  "reasons": [],\n  "checks": {}\n}\n'


def test_page_may_not_fill_all_threads(hang: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "PAGE_SECONDS", 5.0)
    answers = hung_pages(hang)
    begun = [answers.begin(Request("GET", "/metrics", accept=f"text/{number}")) for number in range(5)]
    assert begun[4][0] == 503
    hang.set()
    assert [part[2].ended_within(5) for part in begun[:4]] == [True] * 4  # type: ignore[union-attr]  # pending


@pytest.mark.parametrize(("header_text", "seconds"), [("10", 8.0), ("1", 0.8), ("600", 25.0), ("inf", 25.0)])
@pytest.mark.parametrize("path", ["/metrics", "/health"])
def test_scraper_sets_the_limit(path: str, header_text: str, seconds: float) -> None:
    page: Any = pages().find(Request("GET", path, scrape_timeout=header_text))
    assert page.seconds == pytest.approx(seconds)


@pytest.mark.parametrize("header_text", ["", "soon", "0", "-1", "nan"])
def test_invalid_limit_of_a_scraper_is_ignored(header_text: str) -> None:
    page: Any = pages().find(Request("GET", "/metrics", scrape_timeout=header_text))
    assert page.seconds == pages_module.PAGE_SECONDS


@pytest.mark.parametrize("page", [("text", "text/plain"), (b"text", None), None])
def test_invalid_page_of_an_exporter_is_500(page: Any) -> None:
    reply = Answers(pages(metrics=lambda accept: FlextResult.ok(page))).answer(Request("GET", "/metrics"))
    assert (reply.status, json.loads(reply.body)["code"]) == (500, "internal")
