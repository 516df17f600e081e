"""OpenTelemetry's ASGI middleware: spans of single messages, and names of attributes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from flext_observability.instrumentation.asgi_messages import MessageSpans
from tests.programs import environment

PROGRAM = """
import asyncio, os, sys, httpx
from flext_observability import flush_observability, init_observability, memory_store
names, keys = sys.argv[1].split(","), sys.argv[2].split(",")
init_observability(service_name="shop", exporters="memory", instrument=names).unwrap()

import starlette.applications
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def call():
    app = starlette.applications.Starlette(routes=[Route("/tea/{kind}", lambda request: PlainTextResponse("ok"))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        await client.get("/tea/green")

asyncio.run(call())
flush_observability().unwrap()
for span in memory_store().spans:
    print(span.name, *(span.attributes.get(key) for key in keys))
print(os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN"))
"""


@pytest.fixture
def message_spans() -> Iterator[MessageSpans]:
    switch = MessageSpans()
    yield switch
    switch.restore()


async def application(scope: Any, receive: Any, send: Any) -> None: ...


def excluded(**options: Any) -> tuple[bool, bool]:
    middleware = OpenTelemetryMiddleware(application, **options)
    return middleware.exclude_receive_span, middleware.exclude_send_span


def test_messages_have_no_spans_until_the_switch_is_restored(message_spans: MessageSpans) -> None:
    assert excluded() == (False, False)
    message_spans.exclude()
    message_spans.exclude()
    assert excluded() == (True, True)
    assert excluded(exclude_spans=None) == (True, True)
    message_spans.restore()
    assert excluded() == (False, False)


@pytest.mark.parametrize(("choice", "expected"), [([], (False, False)), (["send"], (False, True))])
def test_a_middleware_keeps_the_choice_of_the_program(
    message_spans: MessageSpans, choice: list[str], expected: tuple[bool, bool]
) -> None:
    message_spans.exclude()
    assert excluded(exclude_spans=choice) == expected


def test_a_middleware_without_this_option_is_not_changed(
    message_spans: MessageSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older:
        def __init__(self, app: object) -> None:
            self.app = app

    module = ModuleType("older")
    vars(module)["OpenTelemetryMiddleware"] = Older
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.asgi", module)
    before = Older.__init__
    message_spans.exclude()
    assert Older.__init__ is before


def test_without_the_middleware_nothing_is_changed(
    message_spans: MessageSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.instrumentation.asgi")
    message_spans.exclude()
    assert excluded() == (False, False)


STABLE = "http.request.method,url.path,http.route,http.response.status_code"
OLD = "http.method,http.target,http.route,http.status_code"


@pytest.mark.parametrize(
    ("settings", "keys", "expected"),
    [
        pytest.param({}, STABLE, ["GET /tea/{kind} GET /tea/green /tea/{kind} 200", "None"], id="default"),
        pytest.param(
            {"OTEL_SEMCONV_STABILITY_OPT_IN": ""}, OLD, ["GET /tea/{kind} GET /tea/green /tea/{kind} 200", ""], id="old"
        ),
        pytest.param(
            {"FLEXT_OBSERVABILITY_ASGI_MESSAGE_SPANS": "true"},
            "asgi.event.type",
            [
                "GET /tea/{kind} http send http.response.start",
                "GET /tea/{kind} http send http.response.body",
                "GET /tea/{kind} None",
                "None",
            ],
            id="messages",
        ),
    ],
)
def test_names_and_spans_of_a_request(settings: dict[str, str], keys: str, expected: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, "starlette,httpx", keys],
        env=environment(settings),
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.splitlines() == expected, run.stderr
