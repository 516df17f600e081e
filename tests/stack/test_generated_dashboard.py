"""The dashboard of a program's instruments: each query has data in a real Prometheus that scrapes the program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitoring.native.places import REPOSITORY
from tests.programs import environment
from tests.stack.clients import Prometheus, eventually
from tests.stack.dashboard_program import AGGREGATIONS
from tests.stack.own_prometheus import scraping

pytestmark = pytest.mark.stack

VARIABLE = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"


@pytest.fixture(params=AGGREGATIONS, ids=["classic", "native"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    return environment({VARIABLE: request.param})


@pytest.fixture
def page(settings: dict[str, str]) -> Iterator[str]:
    """Run the program. Yields the `host:port` of its page."""
    command = [sys.executable, "-m", "tests.stack.dashboard_program"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=settings, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()
        assert process.wait(30) == 0


def generated(settings: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "flext_observability", "dashboard", "tests.stack.dashboard_program"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=settings, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def filled(expr: str) -> str:
    """Replace the variables as Grafana does with all services and processes."""
    return expr.replace("$service", ".*").replace("$instance", ".*").replace("$__rate_interval", "10s")


def empty_queries(prometheus: Prometheus, panels: list[dict[str, Any]]) -> list[str]:
    exprs = [filled(target["expr"]) for panel in panels for target in panel.get("targets", [])]
    return [expr for expr in exprs if not prometheus.query(f"count({expr})")]


def test_every_query_has_data(settings: dict[str, str], page: str, tmp_path: Path) -> None:
    panels = generated(settings)["panels"]
    assert sum(len(panel.get("targets", [])) for panel in panels) == 10
    with scraping(page, "PrometheusProto", tmp_path, native="base2" in settings[VARIABLE]) as prometheus:
        assert eventually(lambda: not empty_queries(prometheus, panels), within_seconds=20), empty_queries(
            prometheus, panels
        )
        rate = next(panel for panel in panels if panel["title"] == "generated.orders per second")
        expr = filled(rate["targets"][0]["expr"])
        assert eventually(lambda: 5 < (prometheus.value(expr) or 0) < 11)  # ten a second, once ten seconds are known
