"""Commands metrics-collect and traces-start: send one item through the library, and read it back from its store."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

from opentelemetry import trace

from flext_observability import Observability, init_observability, traced
from monitoring.control.context import Context
from monitoring.control.probes import eventually, get_json
from monitoring.native.parts import COLLECTOR, JAEGER, PROMETHEUS
from monitoring.native.places import StackError

_READ_SECONDS: Final = 30.0
_FLUSH_SECONDS: Final = 10.0
_SERVICE: Final = "flext-control"


def metrics_collect(context: Context) -> int:
    """Print the scrape targets, and send a measurement that Prometheus must have afterwards."""
    report, url = context.report, context.url(PROMETHEUS)
    targets = eventually(lambda: _scraped(url), "The first scrape of all targets", seconds=_READ_SECONDS)
    report.table(("job", "target", "state", "scrape, ms", "error"), [_target_row(target) for target in targets])
    run = uuid4().hex[:8]
    began = time.monotonic()
    with _library(context) as observability:
        counter = observability.metrics.counter(
            "flext.control.measurements", "{measurement}", "Sent by metrics-collect"
        )
        counter.add(3, {"control.run": run})
        _flush(observability)
        query = f'flext_control_measurements_total{{control_run="{run}"}}'
        value = eventually(lambda: _value(url, query), f"{query} in Prometheus", seconds=_READ_SECONDS)
    if value != 3:  # the value sent above
        raise StackError(f"{query} is {value:g}, but 3 was sent: a part counts twice. Read the log of the collector.")
    report.done(f"sent 3 through the collector and read 3 back from Prometheus after {time.monotonic() - began:.1f} s")
    down = [target["labels"]["job"] for target in targets if target["health"] == "down"]
    for job in down:
        report.problem(f"the target {job} is down. Run `make health-monitor`.")
    report.next(f"curl -G {url}/api/v1/query --data-urlencode 'query={query}'")
    return 1 if down else 0


def traces_start(context: Context) -> int:
    """Start collector and Jaeger, and send a trace that Jaeger must have afterwards."""
    context.start((JAEGER, PROMETHEUS, COLLECTOR))
    report, url = context.report, context.url(JAEGER)
    began = time.monotonic()
    with _library(context) as observability:
        with traced("traces-start", {"control.command": "traces-start"}) as span:
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            with traced("first step"):
                time.sleep(0.002)
            with traced("second step"):
                time.sleep(0.001)
        _flush(observability)
        spans = eventually(lambda: _spans(url, trace_id), f"Trace {trace_id} in Jaeger", seconds=_READ_SECONDS)
    report.done(f"sent trace {trace_id} and read it back from Jaeger after {time.monotonic() - began:.1f} s:")
    for row in sorted(spans, key=lambda row: row["startTime"]):
        report.note(f"{'  ' if row['references'] else ''}{row['operationName']}  {row['duration'] / 1000:.1f} ms")
    report.next(
        f"open {url}/trace/{trace_id}" if context.docker else f"curl {url}/api/traces/{trace_id}",
        f"send your own: OTEL_EXPORTER_OTLP_ENDPOINT={context.url(COLLECTOR, 'otlp_http')}",
    )
    return 0


@contextmanager
def _library(context: Context) -> Generator[Observability]:
    endpoint = context.url(COLLECTOR, "otlp_http")
    started = init_observability(
        service_name=_SERVICE, otlp_endpoint=endpoint, otlp_protocol="http/protobuf", exporters=["otlp"]
    )
    observability = started.unwrap()
    try:
        yield observability
    finally:
        observability.shutdown(_FLUSH_SECONDS)


def _flush(observability: Observability) -> None:
    report = observability.flush(_FLUSH_SECONDS).unwrap()
    if not report.complete:
        raise StackError(
            "The collector has not accepted the telemetry. Start it with `make monitoring-setup`, "
            "or run `make health-monitor` to see which part is down."
        )


def _scraped(url: str) -> list[dict[str, Any]] | None:
    """Return the scrape targets once each has been scraped, which needs an interval after the start."""
    targets: list[dict[str, Any]] = get_json(f"{url}/api/v1/targets", {"state": "active"})["data"]["activeTargets"]
    return targets if targets and all(target["health"] != "unknown" for target in targets) else None


def _value(url: str, query: str) -> float | None:
    rows = get_json(f"{url}/api/v1/query", {"query": query})["data"]["result"]
    return float(rows[0]["value"][1]) if rows else None


def _spans(url: str, trace_id: str) -> list[dict[str, Any]] | None:
    try:
        data: list[dict[str, Any]] = get_json(f"{url}/api/traces/{trace_id}")["data"] or []
    except StackError:
        return None  # 404 until the first span is stored
    spans: list[dict[str, Any]] = [row for one in data for row in one["spans"]]
    return spans if len(spans) >= 3 else None  # the root and its two steps


def _target_row(target: dict[str, Any]) -> tuple[str, ...]:
    milliseconds = f"{float(target['lastScrapeDuration']) * 1000:.1f}"
    return (target["labels"]["job"], target["scrapeUrl"], target["health"], milliseconds, target["lastError"][:60])
