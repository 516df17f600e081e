"""Requests of probes and scrapers are neither in Jaeger nor in span metrics. All others are."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.stack.clients import Collector, Jaeger, Prometheus, eventually
from tests.stack.otlp import CLIENT, SERVER, SentSpan, send_spans

pytestmark = pytest.mark.stack

PROBES: list[dict[str, str]] = [
    *({"url.path": path} for path in ("/health", "/healthz/", "/livez", "/readyz", "/health/ready", "/-/ready")),
    *({"url.path": path} for path in ("/metrics", "/actuator/health/liveness", "/actuator/prometheus")),
    *({"http.target": target} for target in ("/health?verbose=1", "/metrics", "/readyz?x")),
    {"url.path": "/", "user_agent.original": "kube-probe/1.33"},
    {"http.target": "/", "http.user_agent": "Prometheus/3.14.0"},
]
REQUESTS: list[dict[str, str]] = [
    {"url.path": "/healthcare"},
    {"url.path": "/orders/metrics-report"},
    {"http.target": "/search?q=/health"},
    {"url.path": "/", "user_agent.original": "Mozilla/5.0 kube-probe"},
]


def test_probes_are_dropped_and_requests_kept(collector: Collector, jaeger: Jaeger, prometheus: Prometheus) -> None:
    service = f"probed-{uuid4().hex[:8]}"
    probes = [SentSpan("probe", attributes, kind=SERVER) for attributes in PROBES]
    probes.append(SentSpan("grpc.health.v1.Health/Check", kind=SERVER))
    requests = [SentSpan("request", attributes, kind=SERVER) for attributes in REQUESTS]
    # A request to the probe of another service is a call like any other.
    requests.append(SentSpan("request", {"url.path": "/health"}, kind=CLIENT))
    send_spans(collector, service, [*probes, *requests])
    assert eventually(lambda: len(jaeger.traces(service)) >= len(requests))
    assert set(jaeger.traces(service)) == {span.trace_id for span in requests}
    calls = f'sum by (span_name) (traces_span_metrics_calls_total{{service_name="{service}"}})'
    # A new series begins with zero.
    samples = eventually(lambda: [one for one in prometheus.query(calls) if one.value], within_seconds=40)
    assert {sample.labels["span_name"]: sample.value for sample in samples} == {"request": len(requests)}
