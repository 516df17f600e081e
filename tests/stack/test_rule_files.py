"""Rule files in the real Prometheus: valid, and firing when the library's own evaluation fires."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from flext_observability.wire.prometheus.names import metric_name
from flext_observability.wire.prometheus.rules.promql import QueryScope
from flext_observability.wire.prometheus.rules.rule_file import RuleGroup, rule_file
from monitoring.native.parts import PROMETHEUS
from monitoring.native.places import places_from
from tests.stack.rule_scenarios import SAMPLES, WINDOW, Scenario, expected, input_series, scenarios

pytestmark = pytest.mark.stack

RULES = 60
GROUP = RuleGroup("shop", WINDOW, QueryScope("shop", WINDOW, WINDOW), "sales", "https://example.org/{name}")
PROGRAM = """
from flext_observability import FlextAlertRule, init_observability

metrics = init_observability(service_name='sh"op é', exporters="none").unwrap().metrics
metrics.counter("shop.orders", unit="orders").add(1, {"outcome": "sold"})
metrics.histogram("shop.time", unit="seconds")
RULES = [
    FlextAlertRule(
        'ref"used {{x}}', metric="shop.orders", attributes={"outcome": ('a"b', "c\\\\.d")}, measure="rate", above=5,
        message='{name} {{braces}} {value:.1%} {attributes} {threshold}',
    ),
    FlextAlertRule("slow", metric="shop.time", measure="p95", combine="mean", below=0.25, keep_firing_seconds=0.5),
    FlextAlertRule("silent", metric="shop.time", absent_seconds=90),
    FlextAlertRule("cpu", metric="process.cpu.utilization", combine="sum", above=0.8, for_seconds=300),
]
"""


@pytest.fixture(scope="session")
def promtool() -> Path:
    places = places_from()
    if not places.installed(PROMETHEUS):
        reason = "Prometheus is not installed: run `make stack-install`"
        if os.environ.get("FLEXT_STACK_REQUIRED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return places.program(PROMETHEUS, "promtool")


def run(*command: object) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def prometheus_name(scenario: Scenario) -> str:
    instrument = scenario.instrument
    kind = "gauge" if instrument.kind == "up_down_counter" else instrument.kind
    return metric_name(instrument.name, instrument.unit, kind, ratio=instrument.kind == "gauge")


def written(found: list[Scenario], folder: Path) -> tuple[Path, Path]:
    """Write the rules and what they should do; return both files."""
    rules, file = folder / "rules.yml", folder / "test.yml"
    rules.write_text(rule_file([(each.rule, each.instrument) for each in found], GROUP), encoding="utf-8")
    test = {
        "interval": f"{WINDOW // SAMPLES}s",
        "input_series": [row for each in found for row in input_series(each, prometheus_name(each))],
        "promql_expr_test": [row for each in found for row in expected(each)],
    }
    whole = {"rule_files": [rules.name], "evaluation_interval": f"{WINDOW}s", "tests": [test]}
    file.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return rules, file


@pytest.mark.parametrize("seed", range(5))
def test_prometheus_fires_when_the_library_does(seed: int, promtool: Path, tmp_path: Path) -> None:
    found = scenarios(seed, RULES)
    assert sum(any(each.firing) and not all(each.firing) for each in found) > RULES / 4  # many change their state
    assert len(Counter(each.instrument.kind for each in found)) == 4
    rules, file = written(found, tmp_path)
    assert run(promtool, "check", "rules", rules) == ""
    assert run(promtool, "test", "rules", file) == ""


def test_a_rule_that_fires_at_another_time_is_found(promtool: Path, tmp_path: Path) -> None:
    found = scenarios(0, RULES)
    changed = next(each for each in found if each.rule.for_seconds and any(each.firing))
    index = found.index(changed)
    found[index] = replace(changed, rule=replace(changed.rule, for_seconds=0))
    _, file = written(found, tmp_path)
    output = run(promtool, "test", "rules", file)
    assert set(re.findall(r'alertname=\\"(\w+)', output)) == {changed.rule.name}


def test_rules_over_native_histograms_are_valid(promtool: Path, tmp_path: Path) -> None:
    found = scenarios(0, RULES)
    group = replace(GROUP, scope=QueryScope("shop", WINDOW, WINDOW, across_processes=True, native_histograms=True))
    rules = tmp_path / "rules.yml"
    rules.write_text(rule_file([(each.rule, each.instrument) for each in found], group), encoding="utf-8")
    assert run(promtool, "check", "rules", rules) == ""


def test_what_the_command_writes_is_valid(promtool: Path, tmp_path: Path) -> None:
    program, rules = tmp_path / "shop_program.py", tmp_path / "rules.yml"
    program.write_text(PROGRAM, encoding="utf-8")
    command = (sys.executable, "-m", "flext_observability", "rules", program, "-o", rules)
    assert run(*command, "--owner", 'a "b" {c}', "--runbook-url", "https://example.org/{name}") == ""
    assert run(promtool, "check", "rules", rules) == ""
