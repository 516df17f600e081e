"""Clients of the running back ends, with stored telemetry as typed values."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from rich.console import Console

from monitoring.control.engine import Engine
from monitoring.native.parts import COLLECTOR
from tests import waiting

Found = TypeVar("Found")


def eventually(probe: Callable[[], Found], *, within_seconds: float = 30.0) -> Found:
    """Poll a back end slowly until it has a result. See `tests.waiting`."""
    return waiting.eventually(probe, within_seconds=within_seconds, every_seconds=0.2)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A span event as stored by Jaeger."""

    name: str
    time_us: int
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """A span as stored by Jaeger."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    service: str
    kind: str
    """`server`, `client`, `producer`, `consumer` or `internal`."""
    status: str
    """`UNSET`, `OK` or `ERROR`."""
    status_description: str
    start_us: int
    duration_us: int
    attributes: dict[str, Any] = field(repr=False)
    resource: dict[str, Any] = field(repr=False)
    events: list[StoredEvent] = field(repr=False)
    links: list[tuple[str, str]] = field(repr=False)
    """(trace id, span id) of each linked span."""


@dataclass(frozen=True, slots=True)
class Jaeger:
    """Jaeger's query API."""

    http: httpx.Client

    def services(self) -> list[str]:
        """Return the names of all services with spans."""
        return sorted(self._data("/api/services") or [])

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """Return the spans of a trace in order of start, empty if Jaeger has none yet."""
        return [span for spans in _spans_by_trace(self._data(f"/api/traces/{trace_id}")).values() for span in spans]

    def traces(self, service: str, *, limit: int = 100, **filters: str) -> dict[str, list[StoredSpan]]:
        """Return the newest traces of a service by trace id. `filters` are those of Jaeger, such as `tags`."""
        parameters = {"service": service, "limit": str(limit), "lookback": "1h"} | filters
        return _spans_by_trace(self._data("/api/traces", parameters))

    def calls(self, service: str, *, kind: str = "server") -> list[float]:
        """Return the calls per second of a service over the last five minutes, as in the monitor tab."""
        parameters = {"service": service, "spanKind": kind, "lookback": "300000", "step": "5000", "ratePer": "60000"}
        metrics = _get(self.http, "/api/metrics/calls", parameters).get("metrics", [])
        return [float(point["gaugeValue"]["doubleValue"]) for metric in metrics for point in metric["metricPoints"]]

    def _data(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        answer = self.http.get(path, params=parameters)
        if answer.status_code == 404:
            return []
        return answer.raise_for_status().json()["data"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series."""

    labels: dict[str, str]
    time_seconds: float
    value: float


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A measurement with the id of its trace."""

    series: dict[str, str]
    labels: dict[str, str]
    time_seconds: float
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Prometheus's query API, and its folder of scrape targets."""

    http: httpx.Client
    applications: Path | None
    """Folder of scrape targets, or None if Prometheus cannot reach programs of this machine."""

    def query(self, expression: str) -> list[Sample]:
        """Return the current instant vector of an expression."""
        data = _get(self.http, "/api/v1/query", {"query": expression})["data"]
        return [Sample(row["metric"], float(row["value"][0]), float(row["value"][1])) for row in data["result"]]

    def value(self, expression: str) -> float | None:
        """Return the value of an expression with one series, or None without a series."""
        samples = self.query(expression)
        assert len(samples) <= 1, f"{expression} gives {len(samples)} series"
        return samples[0].value if samples else None

    def exemplars(self, expression: str, *, last_seconds: float = 900.0) -> list[Exemplar]:
        """Return the exemplars of an expression from the last `last_seconds`."""
        now = time.time()
        parameters = {"query": expression, "start": str(now - last_seconds), "end": str(now + 60)}
        data = _get(self.http, "/api/v1/query_exemplars", parameters)["data"]
        return [
            Exemplar(row["seriesLabels"], one["labels"], float(one["timestamp"]), float(one["value"]))
            for row in data
            for one in row["exemplars"]
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """Return the pending and firing alerts."""
        alerts: list[dict[str, Any]] = _get(self.http, "/api/v1/alerts")["data"]["alerts"]
        return alerts

    def rule_health(self) -> dict[str, str]:
        """Return the health of each rule: `ok`, `err` or `unknown`."""
        groups = _get(self.http, "/api/v1/rules")["data"]["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    @contextmanager
    def scraping(self, name: str, address: str, path: str = "/metrics") -> Generator[Mapping[str, str]]:
        """Scrape a path of `host:port` during the ``with`` block. Yields the labels of the scraped series."""
        if self.applications is None:
            pytest.skip("Prometheus in Docker cannot scrape a page on 127.0.0.1 of this machine")
        labels = {"application": name}
        steps = {"__metrics_path__": path}
        file = self.applications / f"{name}.yml"
        # Renamed into place, so that Prometheus never reads an incomplete file.
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps([{"targets": [address], "labels": labels | steps}]), encoding="utf-8")
        draft.rename(file)
        try:
            yield labels | {"job": "scraped-application", "instance": address}
        finally:
            file.unlink()


@dataclass(frozen=True, slots=True)
class LogLine:
    """A log record as stored by VictoriaLogs."""

    time_ns: int
    text: str
    fields: dict[str, str]
    """Attributes of the record and of its resource under their own names, trace id, severity."""


@dataclass(frozen=True, slots=True)
class VictoriaLogs:
    """VictoriaLogs' query API."""

    http: httpx.Client

    def query(self, expression: str, *, last_seconds: float = 3600.0, limit: int = 5000) -> list[LogLine]:
        """Return the lines of a LogsQL expression, oldest first."""
        now = time.time()
        parameters = {
            "query": expression,
            "start": str(now - last_seconds),
            "end": str(now + 60),
            "limit": str(limit),
        }
        answer = self.http.get("/select/logsql/query", params=parameters).raise_for_status()
        lines = [_log_line(json.loads(row)) for row in answer.text.splitlines()]
        return sorted(lines, key=lambda line: line.time_ns)

    def by_trace(self, trace_id: str) -> list[LogLine]:
        """Return the lines of a trace from all services."""
        return self.query(f'trace_id:="{trace_id}"')


@dataclass(frozen=True, slots=True)
class Collector:
    """The collector: its addresses, its own counters, and its start and stop commands."""

    http_endpoint: str
    """Base URL for OTLP over HTTP, without `/v1/...`."""
    grpc_endpoint: str
    """URL for OTLP over gRPC."""
    metrics: httpx.Client
    engine: Engine

    def counter(self, name: str, **labels: str) -> float:
        """Return the sum of a counter of the collector over all series with these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = self.metrics.get("/metrics").raise_for_status().text.splitlines()
        found = [line for line in lines if line.partition("{")[0] == name and all(pair in line for pair in wanted)]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def stop(self) -> None:
        """Stop the collector. Its queues stay on disk."""
        self.engine.stop((COLLECTOR,), Console(file=io.StringIO()))

    def start(self) -> None:
        """Start the collector and wait until it is ready."""
        self.engine.start((COLLECTOR,), Console(file=io.StringIO()))

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Stop the collector during the ``with`` block."""
        self.stop()
        try:
            yield
        finally:
            self.start()


def _get(http: httpx.Client, path: str, parameters: Mapping[str, str] | None = None) -> Any:
    return http.get(path, params=parameters).raise_for_status().json()


def _spans_by_trace(data: Any) -> dict[str, list[StoredSpan]]:
    traces = {trace["traceID"]: [_span(row, trace["processes"]) for row in trace["spans"]] for trace in data or []}
    return {trace_id: sorted(spans, key=lambda span: span.start_us) for trace_id, spans in traces.items()}


def _span(row: Any, processes: Any) -> StoredSpan:
    process = processes[row["processID"]]
    attributes = _tags(row["tags"])
    references = row["references"]
    parents = [one["spanID"] for one in references if one["refType"] == "CHILD_OF" and one["traceID"] == row["traceID"]]
    return StoredSpan(
        trace_id=row["traceID"],
        span_id=row["spanID"],
        parent_id=parents[0] if parents else None,
        name=row["operationName"],
        service=process["serviceName"],
        kind=attributes.get("span.kind", "internal"),
        status=attributes.get("otel.status_code", "UNSET"),
        status_description=attributes.get("otel.status_description", ""),
        start_us=row["startTime"],
        duration_us=row["duration"],
        attributes=attributes,
        resource=_tags(process["tags"]) | {"service.name": process["serviceName"]},
        events=[_event(one) for one in row["logs"]],
        links=[(one["traceID"], one["spanID"]) for one in references if one["refType"] == "FOLLOWS_FROM"],
    )


def _event(row: Any) -> StoredEvent:
    attributes = _tags(row["fields"])
    return StoredEvent(str(attributes.pop("event", "")), row["timestamp"], attributes)


def _log_line(fields: dict[str, str]) -> LogLine:
    return LogLine(_nanoseconds(fields.pop("_time")), fields.pop("_msg"), fields)


def _nanoseconds(time_utc: str) -> int:
    """Read a time such as `2026-01-02T03:04:05.123456789Z`, whose fraction has up to nine digits."""
    seconds, _, fraction = time_utc.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def _tags(rows: Any) -> dict[str, Any]:
    return {row["key"]: row["value"] for row in rows or []}
