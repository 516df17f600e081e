"""Spans, log records and measurements with values of any type, through OpenTelemetry's API, to each exporter."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.metrics import get_meter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from flext_observability import init_observability, memory_store
from tests.backends.collector import collector
from tests.hostile import Hostile


class Text(str):
    """Text whose methods raise."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __getitem__(self, key: object) -> str:
        raise RuntimeError

    __repr__ = __str__


def any_type(value: object) -> Any:
    return value


def ended(tracer: Tracer, change: Callable[[trace.Span], object]) -> None:
    span = tracer.start_span("x")
    with suppress(Exception):  # the SDK's own check
        change(span)
    span.end()


def with_events(tracer: Tracer) -> None:
    span = tracer.start_span("x")
    for number in range(3000):
        span.add_event(f"event {number}", timestamp=any_type(time.time()))
    span.add_event(any_type(None), {"a": 1}, any_type("now"))
    span.end()


RAISING: Any = Text("unusual")
REMOTE = SpanContext(2**127, 2**63, is_remote=True, trace_flags=TraceFlags(1))
SPANS: dict[str, Callable[[Tracer], object]] = {
    "float start": lambda tracer: tracer.start_span("x", start_time=any_type(time.time())).end(),
    "float end": lambda tracer: tracer.start_span("x").end(any_type(time.time())),
    "NaN start": lambda tracer: tracer.start_span("x", start_time=any_type(float("nan"))).end(),
    "infinite start": lambda tracer: tracer.start_span("x", start_time=any_type(float("inf"))).end(),
    "negative times": lambda tracer: tracer.start_span("x", start_time=-5).end(-7),
    "huge times": lambda tracer: tracer.start_span("x", start_time=2**80).end(2**90),
    "text as times": lambda tracer: tracer.start_span("x", start_time=any_type("now")).end(any_type("now")),
    "list as end": lambda tracer: tracer.start_span("x").end(any_type([1])),
    "no name": lambda tracer: tracer.start_span(any_type(None)).end(),
    "number as name": lambda tracer: tracer.start_span(any_type(5)).end(),
    "bytes as name": lambda tracer: tracer.start_span(any_type(b"x")).end(),
    "text that raises as name": lambda tracer: tracer.start_span(RAISING).end(),
    "object that raises as name": lambda tracer: tracer.start_span(any_type(Hostile())).end(),
    "control characters": lambda tracer: tracer.start_span("[bold red]x[/] \x1b[31m \x00 \ud800 \u202e").end(),
    "attributes": lambda tracer: tracer.start_span("x", attributes=any_type({"a": {"b": 1}, "c": "\ud800"})).end(),
    "attribute that raises": lambda tracer: tracer.start_span("x", attributes={"a": RAISING}).end(),
    "events": with_events,
    "status": lambda tracer: ended(tracer, lambda span: span.set_status(Status(StatusCode.ERROR, RAISING))),
    "status of another type": lambda tracer: ended(tracer, lambda span: span.set_status(StatusCode.ERROR, any_type(5))),
    "kind": lambda tracer: tracer.start_span("x", kind=any_type(7)).end(),
    "links": lambda tracer: tracer.start_span("x", links=[Link(any_type(None))]).end(),
    "parent": lambda tracer: tracer.start_span("x", set_span_in_context(NonRecordingSpan(REMOTE))).end(),
    "new name": lambda tracer: ended(tracer, lambda span: span.update_name(any_type(None))),
}
RECORDS: dict[str, dict[str, Any]] = {
    "float time": {"timestamp": time.time()},
    "text as time": {"timestamp": "now"},
    "text that raises": {"body": RAISING},
    "object": {"body": object()},
    "nested": {"body": [[[[[1]]]]]},
    "huge number": {"body": 10**5000},
    "NaN": {"body": float("nan")},
    "number as severity": {"severity_number": 7},
    "text as severity": {"severity_number": "high"},
    "number as severity text": {"severity_text": 5, "severity_number": SeverityNumber.UNSPECIFIED},
    "control characters": {"body": "\ud800 \x1b[31m [red]"},
    "number as event name": {"event_name": 5},
    "attribute that raises": {"attributes": {"a": RAISING}},
}


def record_spans() -> None:
    tracer = trace.get_tracer("unusual")
    for name, make in SPANS.items():
        with tracer.start_as_current_span(f"root of {name}"):
            with suppress(Exception):  # the SDK's own checks
                make(tracer)
            tracer.start_span(f"sibling of {name}").end()


def test_an_unusual_span_costs_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "telemetry.jsonl"
    memory_store().clear()
    with (
        collector() as received,
        init_observability(
            exporters=["console", "otlp_file", "otlp_http", "memory"],
            otlp_file_path=str(path),
            otlp_endpoint=received.url,
        ).unwrap() as handle,
    ):
        record_spans()
        time.sleep(0.5)  # traces are drawn when they are complete
        trace.get_tracer("unusual").start_span("the last one").end()
        report = handle.shutdown().unwrap()
    roots = {f"{kind} of {name}" for kind in ("root", "sibling") for name in SPANS}
    shown = capsys.readouterr().err
    assert [name for name in (*roots, "the last one") if name not in shown] == []
    assert "\x1b[31m" not in shown
    filed = path.read_text()
    assert [name for name in roots if json.dumps(name) not in filed] == []
    assert {span.name for span in memory_store().spans if type(span.name) is str} >= roots
    rows = {row.exporter: row for row in report.ledger.exporters if row.signal == "traces"}
    assert rows["console"].dropped == {}
    assert rows["otlp_file"].dropped == rows["otlp_http"].dropped
    assert rows["otlp_file"].exported + sum(rows["otlp_file"].dropped.values()) == rows["otlp_file"].finished
    assert set(rows["otlp_file"].dropped) == {"encoding"}


@pytest.mark.parametrize("name", RECORDS)
def test_an_unusual_log_record_costs_at_most_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with init_observability(exporters=["console", "memory"]).unwrap() as handle:
        records: tuple[dict[str, Any], ...] = (RECORDS[name], {"body": "the last one"})
        for options in records:
            with suppress(Exception):  # the SDK's own checks
                get_logger("unusual").emit(LogRecord(**options))
        row = next(row for row in handle.shutdown().unwrap().ledger.exporters if row.signal == "logs")
    assert "the last one" in capsys.readouterr().err
    assert row.dropped == {}


@pytest.mark.parametrize("value", [2**70, -1e308, True, float("nan"), "text", None])
def test_an_unusual_measurement_costs_at_most_itself(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    meter = get_meter(f"unusual {value}")
    with init_observability(exporters=["console", "memory"]).unwrap():
        for record in (
            meter.create_gauge("unusual.gauge").set,
            meter.create_counter("unusual.counter").add,
            meter.create_up_down_counter("unusual.balance").add,
            meter.create_histogram("unusual.histogram").record,
        ):
            with suppress(Exception):  # the SDK's own checks
                record(value, {"a": RAISING})
        meter.create_counter("sound").add(3)
    assert "sound" in capsys.readouterr().err
