"""`/metrics` in each of its formats, scraped by the real Prometheus."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.native.places import REPOSITORY
from tests.stack.clients import Prometheus, eventually
from tests.stack.own_prometheus import scraping
from tests.stack.page_program import SCOPES, WAITS

pytestmark = pytest.mark.stack

PROTOCOLS = ["PrometheusProto", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0"]
PROTOCOLS.append("PrometheusText0.0.4")
SUM = sum(WAITS)


@pytest.fixture
def program() -> Iterator[tuple[str, str]]:
    """Run the program. Yields the `host:port` of its page, and its trace id."""
    command = [sys.executable, "-m", "tests.stack.page_program"]
    with subprocess.Popen(command, cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip(), process.stdout.readline().strip()
        process.stdin.close()
        assert process.wait(30) == 0


def by_scope(prometheus: Prometheus, expression: str) -> dict[str, float]:
    return {each.labels["otel_scope_name"]: each.value for each in prometheus.query(expression)}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_page_is_stored_completely(protocol: str, program: tuple[str, str], tmp_path: Path) -> None:
    address, trace_id = program
    with scraping(address, protocol, tmp_path) as prometheus:
        eventually(lambda: prometheus.query("page_sales_total"))
        sales = by_scope(prometheus, 'page_sales_total{otel_scope_version="1.0", shop="north"}')
        counts = by_scope(prometheus, "page_wait_seconds_count")
        sums = by_scope(prometheus, "page_wait_seconds_sum")
        buckets = by_scope(prometheus, 'page_wait_seconds_bucket{le=~"0.25|0.250000"}')
        own = prometheus.value("page_own_total"), prometheus.value('page_own_size_bucket{le="10.0"}')
        summary = prometheus.value("page_own_time_sum")
        info = prometheus.query('target_info{service_name="page"}')
        exemplars = prometheus.exemplars('{__name__=~"page_.*"}')
        up = prometheus.value("up")
    assert sales == {SCOPES[0]: 1, SCOPES[1]: 2}
    assert counts == dict.fromkeys(SCOPES, len(WAITS) + 1)
    assert sums == {SCOPES[0]: pytest.approx(SUM + 10), SCOPES[1]: pytest.approx(SUM + 20)}
    assert buckets == dict.fromkeys(SCOPES, 2)
    assert (own, summary, len(info), up) == ((3, 1), 2, 1, 1)
    found = {each.series["__name__"] for each in exemplars if each.labels.get("trace_id") == trace_id}
    assert found == _with_exemplars(protocol)


def _with_exemplars(protocol: str) -> set[str]:
    if protocol.startswith("PrometheusText"):
        return set()
    return {"page_own_total", "page_own_size_bucket", "page_sales_total", "page_wait_seconds_bucket"}


def test_exponential_histograms_are_native(program: tuple[str, str], tmp_path: Path) -> None:
    address, trace_id = program
    with scraping(address, "PrometheusProto", tmp_path, native=True) as prometheus:
        eventually(lambda: prometheus.query("histogram_count(page_wait_seconds)"))
        counts = by_scope(prometheus, "histogram_count(page_wait_seconds)")
        sums = by_scope(prometheus, "histogram_sum(page_wait_seconds)")
        below = by_scope(prometheus, "histogram_fraction(-1, 0.25, page_wait_seconds) * 5")
        largest = by_scope(prometheus, "histogram_quantile(1, page_wait_seconds)")
        classic = prometheus.query("page_wait_seconds_bucket")
        exemplars = prometheus.exemplars("page_wait_seconds")
        own = prometheus.value('page_own_size_bucket{le="10.0"}')
    assert counts == dict.fromkeys(SCOPES, len(WAITS) + 1)
    assert sums == {SCOPES[0]: pytest.approx(SUM + 10), SCOPES[1]: pytest.approx(SUM + 20)}
    assert below == dict.fromkeys(SCOPES, pytest.approx(2, rel=0.05))
    assert largest == {SCOPES[0]: pytest.approx(10, rel=0.05), SCOPES[1]: pytest.approx(20, rel=0.05)}
    assert (classic, own) == ([], 1)
    assert {each.labels["trace_id"] for each in exemplars} == {trace_id}


@pytest.mark.parametrize(
    ("escaping", "name"),
    [("underscores", "page_sales_total"), ("values", "page_sales_total"), ("dots", "page__sales__total")],
)
@pytest.mark.parametrize("protocol", ["PrometheusText1.0.0", "OpenMetricsText1.0.0"])
def test_names_are_escaped_as_requested(
    protocol: str, escaping: str, name: str, program: tuple[str, str], tmp_path: Path
) -> None:
    with scraping(program[0], protocol, tmp_path, escaping=escaping) as prometheus:
        assert len(eventually(lambda: prometheus.query(name))) == 2
