"""Answers of the viewer's read API → views of traces and metrics."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from examples.shop.read_api import metric_from_json, trace_from_json
from flext_observability.views.model import MetricView, TraceView


@dataclass(frozen=True, slots=True)
class Viewer:
    """A running viewer.

    Attributes:
        http: HTTP client.
        base: Base URL of the viewer.
        run: Prefix of the instance ids of this run.
    """

    http: httpx.AsyncClient
    base: str
    run: str

    async def trace(self, trace_id: str) -> TraceView:
        """Return the spans and log records of a trace, possibly none yet."""
        answer = await self.http.get(f"{self.base}/api/traces/{trace_id}")
        return trace_from_json(answer.json()) if answer.is_success else TraceView()

    async def metrics(self) -> list[MetricView]:
        """Return the metric points of this run, possibly none yet."""
        answer = (await self.http.get(f"{self.base}/api/metrics")).raise_for_status()
        points = [metric_from_json(point) for point in answer.json()["metrics"]]
        return [point for point in points if str(point.resource.get("service.instance.id", "")).startswith(self.run)]
