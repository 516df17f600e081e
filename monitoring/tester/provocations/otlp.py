"""Requests that the collector or Prometheus refuses: invalid, larger than the queue, of delta temporality."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx

from monitoring.native.parts import COLLECTOR
from monitoring.native.places import Places

QUEUE_SIZE: Final = 500_000
"""Items in each queue of otel-collector.yaml."""
_SECONDS: Final = 60.0
_RESOURCE: Final = {"attributes": [{"key": "service.name", "value": {"stringValue": "observability-test"}}]}


def send_faulty_requests(places: Places) -> None:
    """Send requests that count as refused, failed and dropped in the metrics of the collector."""
    base = f"http://{places.address(COLLECTOR, 'otlp_http')}"
    with httpx.Client(base_url=base, timeout=_SECONDS, trust_env=False) as http:
        for path in ("/v1/traces", "/v1/metrics", "/v1/logs"):
            http.post(path, content=b"\xff", headers={"Content-Type": "application/x-protobuf"})
        # Empty items are the smallest: a request with more than fit into the queue has some megabytes.
        _post(http, "logs", "logRecords", "{}")
        _post(http, "metrics", "metrics", '{"name":"observability.test","gauge":{"dataPoints":[%s]}}', in_metric=True)
        _post(http, "traces", "spans", "{}")
        http.post("/v1/metrics", json=_delta())


def _post(http: httpx.Client, signal: str, name: str, item: str, *, in_metric: bool = False) -> None:
    count = QUEUE_SIZE + 1
    items = item % ",".join(["{}"] * count) if in_metric else ",".join([item] * count)
    kind = {"logs": "Logs", "metrics": "Metrics", "traces": "Spans"}[signal]
    content = f'{{"resource{kind}":[{{"resource":{json.dumps(_RESOURCE)},"scope{kind}":[{{"{name}":[{items}]}}]}}]}}'
    http.post(f"/v1/{signal}", content=content, headers={"Content-Type": "application/json"})


def _delta() -> Mapping[str, Any]:
    now = time.time_ns()
    point = {"asInt": "1", "startTimeUnixNano": str(now - 10**9), "timeUnixNano": str(now)}
    metric = {
        "name": "observability.test.delta",
        "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": [point]},
    }
    return {"resourceMetrics": [{"resource": _RESOURCE, "scopeMetrics": [{"metrics": [metric]}]}]}
