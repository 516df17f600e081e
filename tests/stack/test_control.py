"""The commands of the stack against the running stack, as processes. Each item is read back by another client."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from monitoring.control.engine import Engine
from monitoring.native.parts import PUSHGATEWAY, WEBHOOK, running_parts
from monitoring.native.places import REPOSITORY
from tests.stack.clients import Jaeger, Prometheus


def run(engine: Engine, *words: str, code: int = 0, variables: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output."""
    answer = subprocess.run(
        [sys.executable, "-m", "monitoring.control", *words],
        cwd=REPOSITORY,
        env=os.environ | {"FLEXT_STACK_ENGINE": engine.name} | dict(variables or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert answer.stderr == ""
    return answer.stdout


def test_metrics_collect_sends_a_measurement_that_prometheus_has(engine: Engine, prometheus: Prometheus) -> None:
    output = run(engine, "metrics-collect")
    assert "sent 3 through the collector and read 3 back from Prometheus" in output
    (query,) = re.findall(r'flext_control_measurements_total\{control_run="[0-9a-f]{8}"\}', output)
    assert prometheus.value(query) == 3
    # The webhook has no metrics: AlertmanagerNotificationsFail fires if it is down.
    jobs = {part.name for part in running_parts() if part is not WEBHOOK}
    assert set(re.findall(r"(?m)^([a-z]+) +http://", output)) >= jobs


def test_traces_start_sends_a_trace_that_jaeger_has(engine: Engine, jaeger: Jaeger) -> None:
    output = run(engine, "traces-start")
    (trace_id,) = re.findall(r"sent trace ([0-9a-f]{32})", output)
    spans = jaeger.trace(trace_id)
    assert [span.name for span in spans] == ["traces-start", "first step", "second step"]
    assert {span.service for span in spans} == {"flext-control"}
    assert f"{trace_id}\n" in output.partition("next")[2]


def test_alerts_configure_lists_every_alert_of_prometheus(engine: Engine, prometheus: Prometheus) -> None:
    output = run(engine, "alerts-configure")
    data = prometheus.http.get("/api/v1/rules", params={"type": "alert"}).raise_for_status().json()["data"]
    names = [rule["name"] for group in data["groups"] for rule in group["rules"]]
    assert names
    assert all(re.search(rf"(?m)^{name} ", output) for name in names)
    assert f"has loaded {len(names)} alerts" in output


def test_alertmanager_config_reloads_and_shows_the_receivers(engine: Engine) -> None:
    output = run(engine, "alertmanager-config")
    assert "amtool finds no fault" in output
    assert "Routing tree" in output
    assert re.search(r"has reloaded it: receivers \S+", output)


@pytest.mark.parametrize(
    ("command", "answer"),
    [("prometheus-start", "Prometheus 3.14.0 is on http://"), ("jaeger-start", "Jaeger is on http://")],
)
def test_starting_a_running_part_changes_nothing(engine: Engine, command: str, answer: str) -> None:
    before = {state.part.name: state.detail for state in engine.states()}
    assert answer in run(engine, command)
    assert {state.part.name: state.detail for state in engine.states()} == before


def test_health_monitor_shows_latency_and_fails_while_a_part_is_down(engine: Engine) -> None:
    healthy = run(engine, "health-monitor")
    assert "all parts are up" in healthy
    assert re.search(r"(?m)^prometheus +up +[0-9]+\.[0-9] ", healthy)
    quiet = Console(file=io.StringIO())
    engine.stop((PUSHGATEWAY,), quiet)
    try:
        broken = run(engine, "health-monitor", code=1)
    finally:
        engine.start((PUSHGATEWAY,), quiet)
    assert "pushgateway: is down. Run `make monitoring-setup`" in broken
    assert re.search(r"(?m)^pushgateway +down ", broken)


def test_health_monitor_repeats_until_it_is_interrupted(engine: Engine) -> None:
    argv = [sys.executable, "-m", "monitoring.control", "health-monitor", "--watch", "0.3"]
    environment = os.environ | {"FLEXT_STACK_ENGINE": engine.name, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(argv, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        seen = 0
        deadline = time.monotonic() + 30
        while seen < 2 and time.monotonic() < deadline:
            seen += "all parts are up" in watching.stdout.readline()
        watching.terminate()
        assert watching.wait(10) == 128 + 15
    assert seen == 2


def test_a_test_command_starts_the_stack_and_stops_it_after(engine: Engine, tmp_path: Path) -> None:
    if engine.name != "native":
        pytest.skip("Docker runs one stack on a machine")
    own = {"FLEXT_STACK_PORT_OFFSET": str(engine.places.port_offset + 11_300), "FLEXT_STACK_STATE": str(tmp_path)}
    output = run(engine, "test-tracing-distributed", "--args=-k protocol --collect-only", variables=own)
    started, _, after = output.partition("test session starts")
    assert "started for the tests: jaeger, prometheus, webhook, alertmanager" in started
    assert "test_protocols.py" in after
    assert [part.name for part in running_parts() if f"{part.name:<12} stopped in" not in after] == []
    assert not list(tmp_path.glob("*/process.json"))
