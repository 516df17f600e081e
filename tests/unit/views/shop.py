"""Spans, log records and points for tests of trees, tables and the viewer."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from flext_observability.views.model import (
    BucketView,
    EventView,
    ExemplarView,
    LogView,
    MetricView,
    SpanView,
    TraceView,
)
from flext_observability.views.terminal.output import Terminal

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
START_NS = 1_763_673_556_120_000_000
STACK = 'Traceback\n  File "/srv/shop/app.py", line 9, in main\n  File "/srv/payments/app.py", line 88, in charge\n'


def at(milliseconds: float) -> int:
    return START_NS + int(milliseconds * 1e6)


def span_id(number: int) -> str:
    return f"{number:016x}" if number else ""


def span(number: int, parent: int = 0, name: str = "", *, start: float = 0, end: float = 10, **more: Any) -> SpanView:
    return SpanView(
        trace_id=more.pop("trace_id", TRACE),
        span_id=span_id(number),
        parent_id=span_id(parent),
        name=name or f"step {number}",
        service=more.pop("service", "gateway"),
        start_ns=at(start),
        end_ns=at(end),
        **more,
    )


def log(body: object, inside: int = 0, *, when: float = 1, severity: str = "INFO", **more: Any) -> LogView:
    return LogView(
        trace_id=more.pop("trace_id", TRACE if inside else ""),
        span_id=span_id(inside),
        time_ns=at(when),
        severity=severity,
        body=body,
        service=more.pop("service", "gateway"),
        **more,
    )


def exception(kind: str, message: str, stack: str = "") -> EventView:
    attributes = {"exception.type": kind, "exception.message": message, "exception.stacktrace": stack}
    return EventView("exception", at(5), attributes)


def histogram(**more: Any) -> MetricView:
    point = MetricView(
        name="http.server.request.duration",
        kind="histogram",
        unit="s",
        service="gateway",
        attributes={"http.route": "/checkout", "http.response.status_code": 200},
        count=51,
        sum=6.3,
        min=0.08,
        max=0.31,
        buckets=(BucketView(-math.inf, 0.1, 10), BucketView(0.1, 0.25, 38), BucketView(0.25, math.inf, 3)),
        exemplars=(ExemplarView(0.12, START_NS, TRACE, span_id(1)), ExemplarView(0.1, START_NS)),
    )
    return replace(point, **more)


def counter(value: float, attributes: Mapping[str, object] | None = None, **more: Any) -> MetricView:
    fields: dict[str, Any] = {"name": "shop.orders", "kind": "counter", "unit": "{order}", "service": "orders", **more}
    return MetricView(value=value, attributes=attributes or {}, **fields)


def checkout() -> TraceView:
    """Return a failed checkout through four services."""
    declined = exception("payments.DeclinedError", "card declined", STACK)
    return TraceView(
        spans=(
            span(1, name="POST /checkout", end=142, status="error", kind="server"),
            span(2, 1, "checkout", start=1, end=141, attributes={"cart.items": 3}),
            span(4, 2, "POST /orders", start=8, end=128, service="orders", kind="server"),
            span(5, 4, "reserve stock", start=10, end=60, service="inventory", attributes={"db.system.name": "sqlite"}),
            span(
                6,
                4,
                "charge card",
                start=62,
                end=120,
                service="payments",
                status="error",
                status_message="DeclinedError: card declined",
                events=(declined, EventView("retry", at(90), {"attempt": 2})),
            ),
        ),
        logs=(
            log("checkout started", 2, when=2, attributes={"customer": "c-77"}),
            log("card declined", 6, when=119, severity="WARN", service="payments"),
        ),
    )


class Screen(io.StringIO):
    """Stream of a terminal or a file with an encoding."""

    def __init__(self, encoding: str = "utf-8", *, terminal: bool = False) -> None:
        super().__init__()
        self._encoding = encoding
        self._terminal = terminal

    # typeshed declares a writable attribute.
    @property
    def encoding(self) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        text.encode(self._encoding)
        return super().write(text)


def drawn(*drawings: Any, plain: bool = False) -> list[str]:
    """Return the lines as written to a file."""
    screen = Screen()
    Terminal(screen, plain=plain).show(*drawings)
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def no_terminal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the environment variables of terminals."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
