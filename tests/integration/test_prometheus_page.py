"""The metrics page over real HTTP: formats, compression, and its port over several starts."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry import metrics

from flext_observability import init_observability, shutdown_observability
from tests.backends.collector import Collector
from tests.integration.prometheus_page import CLASSIC, QUIET, newest, refuses, scrape
from tests.programs import environment

# What Prometheus 2 and 3 send.
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


# ---- the page over HTTP ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (PROMETHEUS_2, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        (CLASSIC, "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_preferred_format_is_served(accept: str, kind: str) -> None:
    handle = init_observability(exporters="prometheus", **QUIET).unwrap()
    counter = metrics.get_meter("quoted").create_counter("quoted", description='Line one\nand "two" \\ three')
    counter.add(2, {"item": 'a "quoted" \\ name\nof two lines', "other": "ünïcödé ☕"})
    page = scrape(handle.ops_address, accept)
    assert (page.status, page.kind) == (200, kind)
    labels = (("item", 'a "quoted" \\ name\nof two lines'), ("other", "ünïcödé ☕"))
    assert page.samples()["quoted_total", labels] == 2


def test_the_page_is_compressed_on_request() -> None:
    handle = init_observability(exporters="prometheus", **QUIET).unwrap()
    counter = metrics.get_meter("t").create_counter("sold")
    for number in range(100):
        counter.add(number, {"item": f"{number}"})
    plain = scrape(handle.ops_address)
    packed = scrape(handle.ops_address, **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 3
    assert gzip.decompress(packed.body) == plain.body


PROGRAM = """
import sys
from opentelemetry import metrics
from flext_observability import init_observability

handle = init_observability(service_name="served").unwrap()
meter = metrics.get_meter("t")
meter.create_counter("sold").add(5)
meter.create_observable_gauge("heat", [lambda options: [metrics.Observation(21.5)]], "Cel")
print(handle.ops_address, flush=True)
sys.stdin.readline()
"""


def test_a_program_serves_its_page_by_environment_variables() -> None:
    settings = {
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_PROMETHEUS_PORT": "0",
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(settings),
    ) as child:
        assert child.stdout
        address = child.stdout.readline().strip()
        samples = scrape(address).samples()
        _, errors = child.communicate("end\\n", timeout=20)
    assert (samples["sold_total", ()], samples["heat_celsius", ()]) == (5, 21.5)
    assert (child.returncode, errors) == (0, "")
    assert refuses(address)


# ---- ports -----------------------------------------------------------------------------------------------------------


def test_a_port_in_use_degrades_only_metrics_and_has_a_fix(received: Collector) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        options: dict[str, Any] = {**QUIET, "prometheus_port": port, "prometheus_host": "127.0.0.1"}
        handle = init_observability(
            exporters=["otlp_http", "prometheus"], otlp_endpoint=received.url, **options
        ).unwrap()
        status = handle.status()
        assert {signal: each.state for signal, each in status.items()} == {
            "traces": "active",
            "metrics": "degraded",
            "logs": "active",
        }
        assert (status["metrics"].exporters, handle.ops_address) == (("otlp_http",), "")
        assert f"{port}" in status["metrics"].reason
        assert "another port" in status["metrics"].fix
        metrics.get_meter("t").create_counter("sold").add(1)
        assert handle.flush().unwrap().complete
    assert newest(received, "sold").sum.data_points[0].as_int == 1


def test_a_second_start_moves_the_page_and_keeps_the_totals() -> None:
    first = init_observability(exporters="prometheus", **QUIET).unwrap()
    counter = metrics.get_meter("t").create_counter("kept")
    counter.add(3)
    before = first.ops_address
    assert scrape(before).samples()["kept_total", ()] == 3
    second = init_observability(exporters="prometheus", **QUIET).unwrap()
    counter.add(4)
    assert second.ops_address != before
    assert refuses(before)
    assert scrape(second.ops_address).samples()["kept_total", ()] == 7
    third = init_observability(exporters="memory", **QUIET).unwrap()
    assert third.ops_address == ""
    assert refuses(second.ops_address)


def test_a_second_start_on_the_same_port_continues_serving() -> None:
    first = init_observability(exporters="prometheus", **QUIET).unwrap()
    port = urlsplit(first.ops_address).port
    counter = metrics.get_meter("t").create_counter("kept")
    counter.add(3)
    options: dict[str, Any] = {**QUIET, "prometheus_port": port}
    second = init_observability(exporters="prometheus", **options).unwrap()
    counter.add(4)
    assert second.ops_address == first.ops_address
    assert second.status()["metrics"].state == "active"
    assert scrape(second.ops_address).samples()["kept_total", ()] == 7


def test_the_page_is_closed_after_shutdown() -> None:
    handle = init_observability(exporters="prometheus", **QUIET).unwrap()
    address = handle.ops_address
    assert scrape(address).status == 200
    shutdown_observability()
    assert refuses(address)
    with socket.create_server(("127.0.0.1", urlsplit(address).port or 0)):
        pass  # the port is free for others
