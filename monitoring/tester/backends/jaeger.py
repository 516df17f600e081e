"""Queries to Jaeger and Alertmanager → traces, edges between services, and alerts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from monitoring.tester.backends.http import Api, QueryError, Row
from monitoring.tester.model import Scope


@dataclass(frozen=True, slots=True)
class Span:
    """The parts of a span that links refer to."""

    span_id: str
    name: str
    service: str
    kind: str
    is_error: bool
    start_seconds: float
    end_seconds: float
    tags: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Jaeger:
    """Jaeger's query API."""

    api: Api

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace, empty for an unknown trace."""
        try:
            found = self.api.get(f"/api/traces/{trace_id}")["data"]
        except QueryError as error:
            if "404" in str(error):
                return []
            raise
        traces = cast("list[Row]", found or [])
        return [_span(row, trace["processes"]) for trace in traces for row in trace["spans"]]

    def search(self, options: Mapping[str, str], scope: Scope, now: float) -> int:
        """Return the number of traces of a search, whose options are those of Grafana's query."""
        parameters = {**options, "limit": options.get("limit", "20")}
        if tags := options.get("tags"):  # Grafana has `key=value key2="value 2"`, and the API JSON
            pairs = (one.partition("=") for one in shlex.split(tags))
            parameters["tags"] = json.dumps({name: value for name, _, value in pairs})
        times = {"start": f"{(now - scope.range_seconds) * 1e6:.0f}", "end": f"{(now + 60) * 1e6:.0f}"}
        return len(self.api.get("/api/traces", {**parameters, **times})["data"] or [])

    def dependencies(self, scope: Scope, now: float) -> int:
        """Return the number of calls between services (edges of the graph)."""
        times = {"endTs": f"{(now + 60) * 1e3:.0f}", "lookback": f"{scope.range_seconds * 1e3:.0f}"}
        return len(self.api.get("/api/dependencies", times)["data"] or [])


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """Alertmanager's API."""

    api: Api

    def alerts(self) -> list[dict[str, str]]:
        """Return the labels of all active alerts."""
        return [one["labels"] for one in self.api.rows("/api/v2/alerts", {"active": "true"})]


def _span(row: Row, processes: Row) -> Span:
    tags = {one["key"]: one["value"] for one in row["tags"]}
    process = processes[row["processID"]]
    own = {one["key"]: one["value"] for one in cast("list[Row]", process.get("tags") or [])}
    start = row["startTime"] / 1e6
    return Span(
        span_id=row["spanID"],
        name=row["operationName"],
        service=process["serviceName"],
        kind=str(tags.get("span.kind", "internal")),
        is_error=tags.get("otel.status_code") == "ERROR",
        start_seconds=start,
        end_seconds=start + row["duration"] / 1e6,
        tags={**own, **tags, "service.name": process["serviceName"]},
    )
