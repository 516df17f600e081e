"""Answers of Jaeger, Prometheus and VictoriaLogs → views of traces and metrics."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, cast

import httpx

from flext_observability.views.model import (
    BucketView,
    EventView,
    ExemplarView,
    LogView,
    MetricKind,
    MetricView,
    SpanKind,
    SpanStatus,
    SpanView,
    TraceView,
    severity_name,
)

Row = dict[str, Any]  # a JSON object of a back end

_QUERY_WINDOW_SECONDS = 600
_RESOURCE_PREFIXES = ("deployment_", "instance", "job", "otel_scope_", "service_")


@dataclass(frozen=True, slots=True)
class Stack:
    """Back ends behind a collector. An address is empty if the back end does not answer.

    Attributes:
        http: HTTP client.
        jaeger: Base URL of Jaeger's query API.
        prometheus: Base URL of Prometheus.
        victorialogs: Base URL of VictoriaLogs.
        run: Prefix of the instance ids of all services of this run.
    """

    http: httpx.AsyncClient
    jaeger: str
    prometheus: str
    victorialogs: str
    run: str

    async def trace(self, trace_id: str) -> TraceView:
        """Return the spans and log records of a trace, possibly none yet."""
        found = await self._get(self.jaeger, f"/api/traces/{trace_id}")
        spans = [_span(row, trace["processes"]) for trace in _rows(found) for row in trace["spans"]]
        return TraceView(tuple(spans), tuple(await self._logs(trace_id)))

    async def metrics(self) -> list[MetricView]:
        """Return the metric points of this run, possibly none yet."""
        selector = f'{{service_instance_id=~"{self.run}-.+"}}'
        found = await self._get(self.prometheus, "/api/v1/query", query=selector)
        rows = [(row["metric"], float(row["value"][1])) for row in found.get("data", {}).get("result", [])]
        return _metrics(rows, await self._exemplars(selector))

    async def _exemplars(self, selector: str) -> dict[str, list[ExemplarView]]:
        """Return the exemplars by histogram series."""
        found = await self._get(self.prometheus, "/api/v1/query_exemplars", query=selector, **_window())
        exemplars: dict[str, list[ExemplarView]] = defaultdict(list)
        for row in _rows(found):
            exemplars[_series(row["seriesLabels"])] += [_exemplar(one) for one in row["exemplars"]]
        return exemplars

    async def _logs(self, trace_id: str) -> list[LogView]:
        query = f'trace_id:="{trace_id}" | sort by (_time)'
        found = await self._ask(self.victorialogs, "/select/logsql/query", query=query, limit="1000", **_window())
        return [_log(json.loads(line)) for line in found.splitlines()]

    async def _get(self, base: str, path: str, **parameters: str) -> Row:
        return cast("Row", json.loads(await self._ask(base, path, **parameters) or "{}"))

    async def _ask(self, base: str, path: str, **parameters: str) -> str:
        """Return the answer of an address, empty if it is missing or not ready."""
        if not base:
            return ""
        answer = await self.http.get(base + path, params=parameters)
        return answer.text if answer.is_success else ""


def _rows(found: Row) -> list[Row]:
    return cast("list[Row]", found.get("data") or [])


def _window() -> dict[str, str]:
    now = time.time()
    return {"start": str(now - _QUERY_WINDOW_SECONDS), "end": str(now + 60)}


def _span(row: Row, processes: Row) -> SpanView:
    attributes = _tags(row["tags"])
    parents = [one["spanID"] for one in row["references"] if one["refType"] == "CHILD_OF"]
    process = processes[row["processID"]]
    start_ns = row["startTime"] * 1000
    return SpanView(
        trace_id=row["traceID"],
        span_id=row["spanID"],
        parent_id=parents[0] if parents else "",
        name=row["operationName"],
        service=process["serviceName"],
        kind=cast("SpanKind", attributes.pop("span.kind", "internal")),
        start_ns=start_ns,
        end_ns=start_ns + row["duration"] * 1000,
        status=cast("SpanStatus", str(attributes.pop("otel.status_code", "unset")).lower()),
        status_message=str(attributes.pop("otel.status_description", "")),
        attributes={key: value for key, value in attributes.items() if key != "error"},
        events=tuple(_event(one) for one in row["logs"]),
        scope=str(attributes.get("otel.scope.name", "")),
        resource=_tags(process["tags"]),
    )


def _event(row: Row) -> EventView:
    attributes = _tags(row["fields"])
    return EventView(str(attributes.pop("event", "")), row["timestamp"] * 1000, attributes)


def _tags(rows: list[Row] | None) -> dict[str, object]:
    return {row["key"]: row["value"] for row in rows or []}


def _log(fields: Mapping[str, str]) -> LogView:
    return LogView(
        trace_id=fields.get("trace_id", ""),
        span_id=fields.get("span_id", ""),
        time_ns=_nanoseconds(fields["_time"]),
        severity=severity_name(int(fields.get("severity_number", 0)), fields.get("severity_text", "")),
        body=fields.get("_msg", ""),
        service=fields.get("service.name", ""),
        attributes={key: value for key, value in fields.items() if key.startswith(("exception.", "flext.", "shop."))},
    )


def _nanoseconds(time_utc: str) -> int:
    """Parse a time such as `2026-01-02T03:04:05.123456789Z`, with up to nine fractional digits."""
    seconds, _, fraction = time_utc.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def _metrics(rows: list[tuple[dict[str, str], float]], exemplars: Mapping[str, list[ExemplarView]]) -> list[MetricView]:
    """Return a view for each counter and gauge, and one for all series of a histogram."""
    histograms: dict[str, dict[str, dict[float, float]]] = defaultdict(lambda: defaultdict(dict))
    labels_of: dict[str, dict[str, str]] = {}
    bases = {labels["__name__"].removesuffix("_bucket") for labels, _ in rows if labels["__name__"].endswith("_bucket")}
    views: list[MetricView] = []
    for labels, value in rows:
        base, _, part = labels["__name__"].rpartition("_")
        if base not in bases:
            views.append(_plain(labels, value))
            continue
        histogram = labels | {"__name__": base}
        key = _series(histogram)
        labels_of[key] = histogram
        histograms[key][part][float(labels.get("le", "inf"))] = value
    return views + [_histogram(labels_of[key], parts, exemplars.get(key, [])) for key, parts in histograms.items()]


def _plain(labels: dict[str, str], value: float) -> MetricView:
    kind: MetricKind = "counter" if labels["__name__"].endswith("_total") else "gauge"
    return MetricView(labels["__name__"], kind, "", labels.get("service_name", ""), _attributes(labels), value)


def _histogram(
    labels: dict[str, str], parts: Mapping[str, Mapping[float, float]], exemplars: list[ExemplarView]
) -> MetricView:
    counts = sorted(parts["bucket"].items())
    edges = [(-math.inf, 0.0), *counts]
    return MetricView(
        name=labels["__name__"],
        kind="histogram",
        unit="s" if labels["__name__"].endswith("_seconds") else "",
        service=labels.get("service_name", ""),
        attributes=_attributes(labels),
        count=int(parts["count"].get(math.inf, 0)),
        sum=parts["sum"].get(math.inf, 0.0),
        buckets=tuple(BucketView(low, high, int(upto - before)) for (low, before), (high, upto) in pairwise(edges)),
        exemplars=tuple(exemplars),
    )


def _attributes(labels: Mapping[str, str]) -> dict[str, object]:
    return {
        key: value
        for key, value in labels.items()
        if key not in {"__name__", "le"} and not key.startswith(_RESOURCE_PREFIXES)
    }


def _series(labels: Mapping[str, str]) -> str:
    """Return the common key of all buckets of a histogram."""
    name = labels["__name__"].removesuffix("_bucket")
    return name + repr(sorted((key, value) for key, value in labels.items() if key not in {"__name__", "le"}))


def _exemplar(row: Row) -> ExemplarView:
    labels = row["labels"]
    return ExemplarView(
        float(row["value"]), int(row["timestamp"] * 1e9), labels.get("trace_id", ""), labels.get("span_id", "")
    )
