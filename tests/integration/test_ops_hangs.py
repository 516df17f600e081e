"""Ops pages while foreign code never returns: liveness answers at once, the other pages within their time limits."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation, get_meter
from prometheus_client import REGISTRY, Metric

from flext_observability import Observability, init_observability, register_exporter, start_ops_server
from flext_observability.exporters.prometheus import registry
from flext_observability.ops_server import pages
from flext_observability.ops_server.server import OpsServer
from tests.fakes import OneExporterFactory
from tests.waiting import eventually

pytestmark = [pytest.mark.any_sdk, pytest.mark.alone]
REQUESTS = 50
PROBES = 20
LIMIT_SECONDS = 1.0
PAID = 'orders_paid_total{otel_scope_name="flext_observability"} 2.0'


class Stuck:
    """Foreign code of each kind that a page runs. It returns after ``release``."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def check(self) -> bool:
        return self.release.wait(60)

    def callback(self, options: CallbackOptions) -> Iterable[Observation]:
        self.release.wait(60)
        return ()

    def collect(self) -> Iterator[Metric]:
        self.release.wait(60)
        yield from ()

    def describe(self) -> tuple[Metric, ...]:
        return ()

    def render(self, accept: str) -> tuple[bytes, str]:
        self.release.wait(60)
        return b"", "text/plain"

    def attach(self, collect: object) -> None:
        """Do nothing."""


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    monkeypatch.setattr(pages, "PAGE_SECONDS", 2.0)
    monkeypatch.setattr(registry, "COLLECT_SECONDS", 0.5)
    stuck = Stuck()
    yield stuck
    stuck.release.set()
    names = ("flext-ops-page", "flext-registry", "flext-check")
    assert eventually(lambda: not [each for each in threading.enumerate() if each.name.startswith(names)])


@pytest.fixture
def handle(stuck: Stuck) -> Iterator[Observability]:
    with init_observability(exporters="memory", console=False).unwrap() as handle:
        yield handle
        stuck.release.set()


@pytest.fixture
def server(handle: Observability, stuck: Stuck) -> Iterator[OpsServer]:
    with start_ops_server(port=0).unwrap() as server:
        yield server
        stuck.release.set()


def get(server: OpsServer, path: str, **headers: str) -> tuple[int, Any, float]:
    """Return status, content, and duration in seconds."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        reply = connection.getresponse()
        body = reply.read().decode()
    finally:
        connection.close()
    content = json.loads(body) if reply.headers["Content-Type"] == "application/json" else body
    return reply.status, content, time.monotonic() - started


@contextmanager
def requesting(server: OpsServer, *paths: str, number: int = REQUESTS) -> Iterator[list[http.client.HTTPConnection]]:
    """Send this number of requests to each path, without receiving the replies."""
    with ExitStack() as stack:
        clients = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=20) for _ in range(number * len(paths))]
        for index, client in enumerate(clients):
            stack.callback(client.close)
            client.request("GET", paths[index % len(paths)])
        yield clients


def slowest(server: OpsServer, path: str = "/health/live") -> float:
    """Return the longest duration of 20 requests, which must succeed."""
    replies = [get(server, path) for _ in range(PROBES)]
    assert {status for status, _, _ in replies} == {200}
    seconds = max(seconds for _, _, seconds in replies)
    print(f"{path}: longest of {PROBES} requests {seconds:.3f} s")
    return seconds


def hang_callback(handle: Observability, stuck: Stuck) -> AbstractContextManager[object]:
    get_meter(f"hung.{id(stuck)}").create_observable_gauge("hung", callbacks=[stuck.callback])
    return ExitStack()


@contextmanager
def hang_collector(handle: Observability, stuck: Stuck) -> Iterator[None]:
    REGISTRY.register(stuck)
    try:
        yield
    finally:
        stuck.release.set()
        REGISTRY.unregister(stuck)


def hang_check(handle: Observability, stuck: Stuck) -> AbstractContextManager[object]:
    handle.health.register_check("stuck", stuck.check).unwrap()
    stack = ExitStack()
    stack.callback(handle.health.unregister_check, "stuck")
    return stack


@pytest.mark.parametrize(
    ("hang", "path"), [(hang_callback, "/metrics"), (hang_collector, "/metrics"), (hang_check, "/health/ready")]
)
def test_liveness_answers_while_50_requests_hang(
    handle: Observability, server: OpsServer, stuck: Stuck, hang: Callable[..., Any], path: str
) -> None:
    with hang(handle, stuck), requesting(server, path):
        assert slowest(server) < LIMIT_SECONDS


def test_liveness_answers_at_the_limit_of_connections(
    handle: Observability, server: OpsServer, stuck: Stuck, caplog: pytest.LogCaptureFixture
) -> None:
    slow_bytes = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    with (
        hang_callback(handle, stuck),
        hang_check(handle, stuck),
        requesting(server, "/metrics", "/health/ready"),
        ExitStack() as stack,
    ):
        for index in range(150):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(slow_bytes if index % 2 else b"")
        assert slowest(server) < LIMIT_SECONDS
    assert [message for message in caplog.messages if "limit of 200 connections" in message]


def test_hung_scrapes_do_not_delay_readiness(handle: Observability, server: OpsServer, stuck: Stuck) -> None:
    with hang_callback(handle, stuck), requesting(server, "/metrics"):
        assert slowest(server, "/health/ready") < LIMIT_SECONDS


def test_hung_callback_costs_its_instrument_only(handle: Observability, server: OpsServer, stuck: Stuck) -> None:
    handle.metrics.counter("orders.paid").add(2)
    with hang_callback(handle, stuck), requesting(server, "/metrics") as clients:
        replies = [client.getresponse() for client in clients]
        pages_of_clients = [reply.read() for reply in replies]
    assert {reply.status for reply in replies} == {200}
    assert all(PAID.encode() in page for page in pages_of_clients)


def test_hung_collector_of_prometheus_client_costs_its_metrics_only(
    handle: Observability, server: OpsServer, stuck: Stuck, caplog: pytest.LogCaptureFixture
) -> None:
    handle.metrics.counter("orders.paid").add(2)
    with hang_collector(handle, stuck):
        status, page, _ = get(server, "/metrics")
        assert (status, PAID in page, "python_info" in page) == (200, True, True)
        assert PAID in get(server, "/metrics")[1]
    assert "in tests.integration.test_ops_hangs.Stuck.collect, line" in caplog.text


@pytest.fixture
def exporting(stuck: Stuck) -> Iterator[Observability]:
    """Telemetry with a page of another package that hangs."""
    register_exporter("stuck", OneExporterFactory(lambda signal: stuck, {"metrics"}))
    with init_observability(exporters="stuck", prometheus_port=0, console=False).unwrap() as handle:
        yield handle
        stuck.release.set()


def test_hung_exporter_is_named_keeps_one_thread_and_does_not_delay_liveness(exporting: Observability) -> None:
    with start_ops_server(port=0).unwrap() as server:
        with requesting(server, "/metrics") as clients:
            assert slowest(server) < LIMIT_SECONDS
            replies = [client.getresponse() for client in clients]
            errors = {json.loads(reply.read())["code"] for reply in replies}
        status, content, seconds = get(server, "/metrics")
        threads = [thread for thread in threading.enumerate() if thread.name == "flext-ops-page"]
    assert ({reply.status for reply in replies}, errors) == ({503}, {"late"})
    assert (status, seconds < LIMIT_SECONDS, len(threads)) == (503, True, 1)
    assert "in tests.integration.test_ops_hangs.Stuck.render, line" in content["error"]


def test_hung_exporter_does_not_delay_the_shutdown(exporting: Observability) -> None:
    with start_ops_server(port=0).unwrap() as server, requesting(server, "/metrics"):
        get(server, "/health/live")
        started = time.monotonic()
        exporting.shutdown(1.0)
        assert time.monotonic() - started < 2.0


def test_scrape_is_answered_within_the_time_limit_of_the_scraper(
    handle: Observability, server: OpsServer, stuck: Stuck
) -> None:
    with hang_callback(handle, stuck):
        status, _, seconds = get(server, "/metrics", X_Prometheus_Scrape_Timeout_Seconds="0.5")
    assert (status, 0.3 < seconds < 1.5) == (503, True)


def test_stop_does_not_wait_for_50_hung_requests(handle: Observability, server: OpsServer, stuck: Stuck) -> None:
    with hang_callback(handle, stuck), hang_check(handle, stuck), requesting(server, "/metrics", "/health/ready"):
        get(server, "/health/live")
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < LIMIT_SECONDS


def test_hung_check_of_the_liveness_probe_is_named_in_time(
    handle: Observability, server: OpsServer, stuck: Stuck
) -> None:
    handle.health.register_check("deadlock", stuck.check, probes=["live"], timeout_seconds=1.5)
    status, content, seconds = get(server, "/health/live")
    again = get(server, "/health/live")
    time.sleep(1.5)
    late = get(server, "/health/live")
    handle.health.unregister_check("deadlock")
    assert (status, again[0], late[0]) == (503, 503, 503)
    assert max(seconds, again[2], late[2]) < LIMIT_SECONDS
    assert content["reasons"][0].startswith("deadlock is unknown: no result after 0.")


def test_slow_check_of_the_liveness_probe_counts_with_its_last_result(
    handle: Observability, server: OpsServer, stuck: Stuck
) -> None:
    answers = iter([True])
    check = lambda: next(answers, None) or stuck.check()  # noqa: E731 - returns once, then hangs
    handle.health.register_check("slow", check, probes=["live"], cache_seconds=0, timeout_seconds=1.5)
    replies = [get(server, "/health/live") for _ in range(2)]
    time.sleep(1.5)
    late, _, _ = get(server, "/health/live")
    handle.health.unregister_check("slow")
    assert ([status for status, _, _ in replies], late) == ([200, 200], 503)
