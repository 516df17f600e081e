"""Real programs behind a recording proxy: what goes through it, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import programs
from tests.backends.collector import collector
from tests.backends.gateway import gateway
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.backends.proxy import recording_proxy

pytestmark = pytest.mark.any_sdk

SERVERS: Mapping[str, Callable[[], AbstractContextManager[Any]]] = {"otlp_http": collector, "otlp_grpc": grpc_collector}
SPAN = """
    import time
    from opentelemetry import trace
    from flext_observability import init_observability
    handle = init_observability(
        service_name="a", exporters={{"traces": "{exporter}", "metrics": "none", "logs": "none"}}, console=False,
        otlp_headers={{"authorization": "Bearer s3cr3t"}}, otlp_insecure=True,
    ).unwrap()
    trace.get_tracer("t").start_span("sent").end()
    deadline = time.monotonic() + 10
    while not handle.flush(0.2).unwrap().complete and not handle.status()["traces"].reason:
        assert time.monotonic() < deadline
    print(handle.status()["traces"])
    handle.shutdown(0.2)
"""


@pytest.mark.parametrize("case", ["upper", "lower"])
@pytest.mark.parametrize("exporter", ["otlp_http", "otlp_grpc"])
def test_excluded_network_is_not_sent_to_the_proxy(exporter: str, case: str) -> None:
    with recording_proxy() as (proxy, heads):
        variables = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": "10.0.0.0/8, 127.0.0.0/8"}
        if case == "lower":
            variables = {name.lower(): value for name, value in variables.items()}
        with SERVERS[exporter]() as server:
            done = programs.run(SPAN.format(exporter=exporter), OTEL_EXPORTER_OTLP_ENDPOINT=server.url, **variables)
            assert len(server.requests) == 1, done.err + done.out
    assert heads == []


def test_grpc_goes_through_a_tunnel_with_credentials() -> None:
    with grpc_collector() as server, recording_proxy(server.port) as (proxy, heads):
        variables = {"HTTP_PROXY": proxy.replace("//", "//me:pass@"), "no_proxy": "ample"}
        endpoint = "http://collector.example:4317"
        done = programs.run(SPAN.format(exporter="otlp_grpc"), OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **variables)
        assert len(server.requests) == 1, done.err + done.out
    assert heads[0].startswith(b"CONNECT collector.example:4317 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cGFzcw==" in heads[0]
    assert b"s3cr3t" not in heads[0]


@pytest.mark.parametrize(
    ("exporter", "address"),
    [
        ("otlp_http", "socks5://127.0.0.1:{port}"),
        ("otlp_grpc", "socks5://127.0.0.1:{port}"),
        ("otlp_http", "https://127.0.0.1:{port}"),
        ("otlp_http", "http://a b"),
        ("otlp_grpc", "127.0.0.1:x"),
    ],
)
def test_nothing_is_sent_past_an_invalid_proxy(exporter: str, address: str) -> None:
    with recording_proxy() as (proxy, heads), SERVERS[exporter]() as server:
        variables = {"HTTP_PROXY": address.format(port=proxy.rpartition(":")[2])}
        done = programs.run(SPAN.format(exporter=exporter), OTEL_EXPORTER_OTLP_ENDPOINT=server.url, **variables)
        assert (server.requests, heads) == ([], [])
    assert "HTTP_PROXY is invalid" in done.out, done.err
    assert "or add the host to NO_PROXY" in done.err, done.err


def test_a_proxy_that_does_not_answer_is_named_with_its_fix() -> None:
    with refusing_port() as port, collector() as server:
        done = programs.run(
            SPAN.format(exporter="otlp_http"),
            OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
            HTTP_PROXY=f"http://127.0.0.1:{port}",
        )
        assert server.requests == []
    expected = f"the proxy cannot be used: nothing listens on 127.0.0.1:{port} (connection refused). Correct HTTP_PROXY"
    assert expected in done.err


def test_alerts_and_pushed_metrics_follow_the_same_rules() -> None:
    with recording_proxy() as (proxy, heads), gateway() as pushed, collector() as alerts:
        done = programs.run(
            """
            from opentelemetry import metrics
            from flext_observability import flext_create_alert, init_observability
            handle = init_observability(service_name="a", exporters={"traces": "none", "logs": "none"}).unwrap()
            metrics.get_meter("t").create_counter("rows").add(3)
            flext_create_alert("disk", "critical", "full")
            handle.flush(5)
            """,
            PROMETHEUS_PUSH_GATEWAY=pushed.url,
            ALERTMANAGER_URL=alerts.url,
            FLEXT_OBSERVABILITY_ALERT_WEBHOOK_URL=f"{alerts.url}/hook",
            OTEL_METRICS_EXPORTER="none",
            HTTP_PROXY=proxy,
            NO_PROXY="127.0.0.0/8",
        )
        assert pushed.requests, done.err
        assert {request.path for request in alerts.requests} == {"/api/v2/alerts", "/hook"}, done.err
    assert heads == []
