"""The same program sends the same bytes with either engine, through the API and through our functions."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry import metrics, trace
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from flext_observability import (
    flext_create_metric,
    flext_create_trace,
    flext_monitor_function,
    get_observability,
    init_observability,
    traced,
)
from flext_observability.runtime.runtime import replace_runtime
from tests.integration.unusual_values import UNUSUAL

# It compares both engines in any run. Its instruments, which only the engine accepts, stay in the process: each later
# start on the SDK's meters would report them.
pytestmark = pytest.mark.lean_engine

CASES = int(os.environ.get("FLEXT_TEST_CASES", "40"))
"""Number of random programs."""
Step = Callable[[Any], object]
LINKED = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1))
_ADDRESS = re.compile("at 0x[0-9a-f]+")
EARLY = 1_000_000_000
"""A time before any test."""


@pytest.fixture(autouse=True)
def _without_log_lines() -> Iterator[None]:
    """Log nothing: a report with lone surrogates cannot be sent to the process that collects the reports."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def on_span(change: Callable[[Any, Any], object]) -> Callable[[str, Any], None]:
    def step(path: str, value: Any) -> None:
        span = trace.get_tracer(path).start_span("work")
        try:
            change(span, value)
        finally:
            span.end()

    return step


def start(path: str, **arguments: Any) -> None:
    tracer: Any = trace.get_tracer(path)
    tracer.start_span(**{"name": "work", **arguments}).end()


def end_again(span: Any, value: Any) -> None:
    span.set_attribute("before", value)
    span.end(EARLY)
    span.set_attribute("after", value)
    span.add_event("after", {"a": value})
    span.update_name("after")
    span.set_status(StatusCode.ERROR, "after")
    other = threading.Thread(target=span.end, args=(2 * EARLY,))
    other.start()
    other.join()


TRACES: Mapping[str, Callable[[str, Any], object]] = {
    "attribute": on_span(lambda span, value: span.set_attribute("a", value)),
    "attribute name": on_span(lambda span, value: span.set_attribute(value, 1)),
    "attributes": on_span(lambda span, value: span.set_attributes(value)),
    "attribute again": on_span(lambda span, value: [span.set_attribute("a", each) for each in (value, 1, value)]),
    "start attribute": lambda path, value: start(path, attributes={"a": value, "b": 1}),
    "start attributes": lambda path, value: start(path, attributes=value),
    "start attribute name": lambda path, value: start(path, attributes=named(value)),
    "start name": lambda path, value: start(path, name=value),
    "start time": lambda path, value: start(path, start_time=value),
    "start kind": lambda path, value: start(path, kind=value),
    "link attribute": lambda path, value: start(path, links=[Link(LINKED, {"a": value})]),
    "added link": on_span(lambda span, value: span.add_link(LINKED, {"a": value})),
    "added link attributes": on_span(lambda span, value: span.add_link(LINKED, value)),
    "name": on_span(lambda span, value: span.update_name(value)),
    "event name": on_span(lambda span, value: span.add_event(value)),
    "event attribute": on_span(lambda span, value: span.add_event("e", {"a": value})),
    "event attribute name": on_span(lambda span, value: span.add_event("e", named(value))),
    "event attributes": on_span(lambda span, value: span.add_event("e", value)),
    "event time": on_span(lambda span, value: span.add_event("e", timestamp=value)),
    "exception text": on_span(lambda span, value: span.record_exception(ValueError(value), timestamp=EARLY)),
    "exception attribute": on_span(lambda span, value: span.record_exception(ValueError(), {"a": value}, EARLY)),
    "exception": on_span(lambda span, value: span.record_exception(value, timestamp=EARLY)),
    "status": on_span(lambda span, value: span.set_status(value)),
    "status text": on_span(lambda span, value: span.set_status(StatusCode.ERROR, value)),
    "status object": on_span(lambda span, value: span.set_status(Status(StatusCode.ERROR, value))),
    "end time": on_span(lambda span, value: span.end(value)),
    "ended twice": on_span(end_again),
}


def named(value: Any) -> dict[Any, Any]:
    return {value: 1, "b": 2}


def measure(kind: str, method: str) -> Callable[[str, Any], None]:
    def step(path: str, value: Any) -> None:
        record = getattr(getattr(metrics.get_meter(path), f"create_{kind}")("measured"), method)
        measurements = ((1, {"a": value}), (value,), (2, value), (3, {"b": [value]}), (4, {"c": {"d": value}}))
        failures: list[Exception] = []
        for arguments in (*measurements, *(((5, named(value)),) if named_or_none(value) else ())):
            try:
                record(*arguments)
            except Exception as error:  # noqa: BLE001 - of the value
                failures.append(error)
        if failures:
            raise failures[0]

    return step


def create(path: str, units: tuple[Any, ...] = ("", ""), **arguments: Any) -> None:
    meter: Any = metrics.get_meter(path)
    for value, unit in enumerate(units):
        meter.create_counter(**{"name": "made", "unit": unit, **arguments}).add(value + 1)


METRICS: Mapping[str, Callable[[str, Any], object]] = {
    "counter": measure("counter", "add"),
    "up-down counter": measure("up_down_counter", "add"),
    "gauge": measure("gauge", "set"),
    "histogram": measure("histogram", "record"),
    "instrument name": lambda path, value: create(path, name=value),
    "unit": lambda path, value: create(path, unit=value),
    "description": lambda path, value: create(path, description=value),
    "another unit": lambda path, value: create(path, units=("s", value, "ms", "s")),
}


def our_spans(path: str, value: Any) -> None:
    for name, attributes in (("attribute", {"a": value}), ("name", named_or_none(value)), ("attributes", value)):
        with traced(f"{path}/{name}", attributes):
            pass
    with suppress(ValueError), traced(f"{path}/failed"):
        raise ValueError("no")
    trace_ = flext_create_trace(f"{path}/entity", "shop", {"a": value}).data
    if trace_ is not None:
        tracing = get_observability().unwrap().tracing
        tracing.error_trace(trace_, "no")
        tracing.complete_trace(trace_)


def named_or_none(value: Any) -> Any:
    with suppress(Exception):
        return named(value)
    return None


def our_metrics(path: str, value: Any) -> None:
    name = path.replace(" ", "_")
    services = get_observability().unwrap().metrics
    for kind in ("counter", "gauge", "histogram"):
        flext_create_metric(f"{name}.{kind}", 1, tags={"a": value}, metric_type=kind)
        flext_create_metric(f"{name}.{kind}", value, metric_type=kind)
        flext_create_metric(f"{name}.{kind}", 2, tags=value, metric_type=kind)
    counter, histogram = services.counter(f"{name}.c"), services.histogram(f"{name}.h", "s")
    gauge, changing = services.gauge(f"{name}.g"), services.up_down_counter(f"{name}.u")
    for record in (counter.add, histogram.record, gauge.set, changing.add):
        record(1, {"a": value})
        record(value)
        record(2, value)
        record(3, named_or_none(value))
    for record in (counter.bind({"a": value}).add, histogram.bind(value).record, gauge.bind(b=value).set):
        record(value)
        record(4)
        record(5, {"c": value})


def our_functions(path: str, value: Any) -> None:
    @flext_monitor_function(path)
    def work(*, fail: bool) -> None:
        if fail:
            raise ValueError(value)

    for fail in (False, True):
        with suppress(Exception):
            work(fail=fail)


OURS: Mapping[str, Callable[[str, Any], object]] = {
    "our spans": our_spans,
    "our metrics": our_metrics,
    "our functions": our_functions,
}


def sent(engine: str, file: Path, program: Callable[[], object]) -> tuple[list[Any], object]:
    """Run a program and return what is written to the file, without ids and times of the run, and what is dropped."""
    replace_runtime()
    file.unlink(missing_ok=True)
    began = time.time_ns()
    handle = init_observability(
        service_name="shop", engine=engine, exporters="otlp_file", otlp_file_path=str(file), console=False
    ).unwrap()
    program()
    report = handle.shutdown(10).unwrap()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    dropped = {row.signal: dict(row.dropped) for row in report.ledger.exporters if row.signal != "metrics"}
    items = list(_items(lines, Shown(began)))
    latest = {repr(key): (scope, key, point) for scope, item in items for key, point in _points_by_key(scope, item)}
    others = [(scope, item) for scope, item in items if not points(item)]
    return sorted([*others, *latest.values()], key=repr), dropped


class Shown:
    """Items as text, with ids and times of the run replaced."""

    def __init__(self, began: int) -> None:
        self._began = began
        self._ids: dict[str, str] = {}

    def __call__(self, node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: self(value, name) for name, value in sorted(node.items())}
        if isinstance(node, list):
            return [self(value) for value in node]
        if key.endswith("TimeUnixNano") or key == "timeUnixNano":
            return "now" if int(node) >= self._began else node
        if isinstance(node, str):
            return "id" if key in {"traceId", "spanId", "parentSpanId"} else _ADDRESS.sub("at", node)
        return node


def _items(lines: list[Any], shown: Shown) -> Iterator[Any]:
    for line in lines:
        for resource in _children(line, "resourceSpans", "resourceMetrics", "resourceLogs"):
            for scope in _children(resource, "scopeSpans", "scopeMetrics", "scopeLogs"):
                for item in _children(scope, "spans", "metrics", "logRecords"):
                    yield scope["scope"]["name"].rpartition(":")[2], _stable(shown(item))


def _children(node: Any, *names: str) -> Iterator[Any]:
    return (each for name in names for each in node.get(name, ()))


def _stable(item: Any) -> Any:
    """Return the item without what differs in each run: stack traces and durations."""
    for event in item.get("events", ()):
        event["attributes"] = [each for each in event.get("attributes", ()) if each["key"] != "exception.stacktrace"]
    if "attributes" in item:
        item["attributes"] = [
            each for each in item["attributes"] if each["key"] not in {"exception.stacktrace", "flext.id"}
        ]
    return item


def _points_by_key(scope: str, metric: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what identifies each point, and the point: collections are cumulative, and requests may be split."""
    for point in points(metric):
        shown = {name: value for name, value in point.items() if name != "exemplars"}
        if metric["name"] == "flext.function.duration":
            shown = {name: value for name, value in shown.items() if name not in {"sum", "min", "max", "bucketCounts"}}
        data = {kind: {**metric[kind], "dataPoints": None} for kind in ("sum", "gauge", "histogram") if kind in metric}
        others = {name: value for name, value in metric.items() if name not in data}
        yield (scope, others, data, point.get("attributes")), shown


def points(item: Any) -> list[Any]:
    return [point for data in ("sum", "gauge", "histogram") for point in item.get(data, {}).get("dataPoints", ())]


OLD_SDK = pytest.mark.newest_sdk(reason="the oldest SDK sends metric attributes with an empty name")
EMPTY_NAMES = {"no text", "mapping with an empty key"}


@pytest.mark.parametrize(
    "value", [pytest.param(each, marks=[OLD_SDK] if each in EMPTY_NAMES else [], id=each) for each in UNUSUAL]
)
def test_unusual_values(value: str, tmp_path: Path) -> None:
    """Where the SDK raises, the program is another one: ours never raises."""
    raised: dict[str, set[str]] = {"lean": set(), "sdk": set()}

    def program(engine: str) -> None:
        run = uuid4().hex  # meters and their instruments live as long as the process
        for path, step in {**TRACES, **METRICS, **OURS}.items():
            try:
                step(path if path in OURS else f"{run}:{path}", UNUSUAL[value]())
            except Exception:  # noqa: BLE001 - a value that cannot be a key, for example
                raised[engine].add(path)

    lean, sdk = (sent(engine, tmp_path / "file", partial(program, engine)) for engine in ("lean", "sdk"))
    assert raised["lean"] <= raised["sdk"]
    compared = ([each for each in items if each[0] not in raised["sdk"]] for items in (lean[0], sdk[0]))
    assert next(compared) == next(compared)
    assert raised["sdk"] or lean[1] == sdk[1]


TIMES = (None, 0, 1, EARLY, EARLY - 1, 2 * EARLY, -1, 1.5, EARLY + 0.25, 2**63 - 1, True)


def random_program(run: str, seed: int) -> None:
    """Start, change and end spans in any order, also after their end, in other threads and with any times."""
    choices = random.Random(seed)
    tracer: Any = trace.get_tracer(f"{run}:random {seed}")
    spans: list[Any] = []
    counter = metrics.get_meter(f"{run}:random {seed}").create_counter("calls")
    plain = [name for name in UNUSUAL if name not in {"hostile", "endless list", "generator"}]
    for _ in range(choices.randint(5, 40)):
        value = UNUSUAL[choices.choice(plain)]()
        time_ns = choices.choice(TIMES)
        if not spans or choices.random() < 0.2:
            with suppress(Exception):
                spans.append(tracer.start_span("work", attributes={"a": value}, start_time=time_ns))
            continue
        span = choices.choice(spans)
        steps: list[Callable[[], object]] = [
            partial(span.set_attribute, "b", value),
            partial(span.add_event, "e", {"c": value}, time_ns),
            partial(span.set_status, StatusCode.OK, value),
            partial(span.end, time_ns),
            partial(counter.add, choices.randint(0, 3), {"a": value}),
        ]
        step = choices.choice(steps)
        if choices.random() < 0.2:
            other = threading.Thread(target=quiet, args=(step,))
            other.start()
            other.join()
        else:
            quiet(step)
    for span in spans:
        quiet(span.end)


def quiet(step: Callable[[], object]) -> None:
    with suppress(Exception):
        step()


@OLD_SDK
def test_random_programs(tmp_path: Path) -> None:
    def program() -> None:
        run = uuid4().hex
        for seed in range(CASES):
            random_program(run, seed)

    assert sent("lean", tmp_path / "file", program) == sent("sdk", tmp_path / "file", program)
