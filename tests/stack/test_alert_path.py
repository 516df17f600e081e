"""Alerts of Python programs through Prometheus and Alertmanager to the webhook receiver, and resolved again.

One comes from an unhealthy check, by the shipped rule with a shorter `for`, and one from a metric, by a rule that the
library writes for the program. Both programs send to the collector. Everything else is the running stack as shipped.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from monitoring.native.parts import ALERTMANAGER, PROMETHEUS, WEBHOOK
from monitoring.native.places import REPOSITORY, Places
from monitoring.native.targets import prometheus_folder
from tests.programs import UNMEASURED, environment
from tests.stack.clients import Collector, eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

HEALTH = """
import sys
from flext_observability import init_observability

handle = init_observability(service_name=sys.argv[1], metric_export_interval_seconds=1, exporters="otlp").unwrap()
state = {"healthy": False}

def check_disk():
    return "healthy" if state["healthy"] else "unhealthy"

handle.health.register_check("disk", check_disk, interval_seconds=0.5).unwrap()
print("ready", flush=True)
for line in sys.stdin:
    state["healthy"] = line.strip() == "healthy"
"""

METRIC = """
import sys
from flext_observability import FlextAlertRule, init_observability

handle = init_observability(service_name="SERVICE", metric_export_interval_seconds=1, exporters="otlp").unwrap()
length = handle.metrics.gauge("shop.queue.length", unit="{order}")
RULES = [FlextAlertRule("NAME", metric="shop.queue.length", above=100, severity="critical")]

if __name__ == "__main__":
    length.set(500)
    print("ready", flush=True)
    for line in sys.stdin:
        length.set(float(line))
"""
FOR, INTERVAL = "1s", "1s"
"""The shipped rules hold for minutes and are evaluated every 15 s. Only these two values are shortened."""


@dataclass(frozen=True, slots=True)
class Hops:
    """Seconds from a change in the program until each part has seen it."""

    what: str
    began: float = field(default_factory=time.time)
    seen: dict[str, float] = field(default_factory=dict)

    def wait(self, part: str, probe: Callable[[], object]) -> None:
        """Wait until a part has seen the change."""
        eventually(probe, within_seconds=90)
        self.seen[part] = time.time() - self.began

    def show(self) -> None:
        """Print the seconds of each hop."""
        before, words = 0.0, list[str]()
        for part, seconds in self.seen.items():
            words.append(f"{part} +{seconds - before:.1f} s")
            before = seconds
        print(f"{self.what}: {', '.join(words)}; {before:.1f} s in total")


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts on the path of an alert."""

    places: Places
    prometheus: httpx.Client
    alertmanager: httpx.Client
    webhook: httpx.Client

    @contextmanager
    def rules(self, groups: list[dict[str, Any]]) -> Iterator[None]:
        """Add a rule file to the running Prometheus during the ``with`` block."""
        file = prometheus_folder(self.places) / "rules" / f"test-alert-path-{uuid4().hex}.yml"
        file.write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
        try:
            self.prometheus.post("/-/reload").raise_for_status()
            yield
        finally:
            file.unlink()
            self.prometheus.post("/-/reload").raise_for_status()

    def value(self, query: str) -> float | None:
        """Return the value of a query in Prometheus."""
        found = self.prometheus.get("/api/v1/query", params={"query": query}).raise_for_status().json()
        rows = found["data"]["result"]
        return float(rows[0]["value"][1]) if rows else None

    def firing(self, labels: dict[str, str]) -> bool:
        """Return whether the alert fires in Prometheus."""
        alerts = self.prometheus.get("/api/v1/alerts").raise_for_status().json()["data"]["alerts"]
        return any(one["state"] == "firing" and one["labels"].items() >= labels.items() for one in alerts)

    def active(self, labels: dict[str, str]) -> bool:
        """Return whether the alert is active in Alertmanager."""
        parameters = {"filter": [f'{name}="{value}"' for name, value in labels.items()], "active": "true"}
        return bool(self.alertmanager.get("/api/v2/alerts", params=parameters).raise_for_status().json())

    def notified(self, labels: dict[str, str], status: str) -> list[dict[str, Any]]:
        """Return the notifications of the receiver about the alert."""
        parameters = {f"label.{name}": value for name, value in labels.items()} | {"status": status}
        found: list[dict[str, Any]] = self.webhook.get("/notifications", params=parameters).raise_for_status().json()
        return found

    def follow(self, labels: dict[str, str], query: str, limit: Callable[[float], bool]) -> dict[str, Any]:
        """Follow an alert until it is notified. Return the notification."""
        hops = Hops(f"{labels['alertname']} fires")
        hops.wait("metric in Prometheus", lambda: (value := self.value(query)) is not None and limit(value))
        hops.wait("firing", lambda: self.firing(labels))
        hops.wait("Alertmanager", lambda: self.active(labels))
        hops.wait("receiver", lambda: self.notified(labels, "firing"))
        hops.show()
        return self.notified(labels, "firing")[-1]

    def follow_end(self, labels: dict[str, str]) -> dict[str, Any]:
        """Follow an alert until its end is notified. Return the notification."""
        hops = Hops(f"{labels['alertname']} is resolved")
        hops.wait("no longer firing", lambda: not self.firing(labels))
        hops.wait("Alertmanager", lambda: not self.active(labels))
        hops.wait("receiver", lambda: self.notified(labels, "resolved"))
        hops.show()
        return self.notified(labels, "resolved")[-1]


@pytest.fixture(scope="module")
def path(stack: Places) -> Iterator[Stack]:
    with ExitStack() as clients:
        prometheus, alertmanager, webhook = (
            clients.enter_context(
                httpx.Client(base_url=f"http://{stack.address(part, 'http')}", timeout=15.0, trust_env=False)
            )
            for part in (PROMETHEUS, ALERTMANAGER, WEBHOOK)
        )
        yield Stack(stack, prometheus, alertmanager, webhook)


@contextmanager
def program(source: str, collector: Collector, folder: Path, *arguments: str) -> Iterator[Callable[[str], None]]:
    """Run a program that sends to the collector. Yield a function that writes it a line."""
    file = folder / "program.py"
    file.write_text(source, encoding="utf-8")
    own = environment(UNMEASURED | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint})
    with subprocess.Popen(
        [sys.executable, str(file), *arguments], env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin = process.stdin

        def write(line: str) -> None:
            stdin.write(line + "\n")
            stdin.flush()

        try:
            assert process.stdout.readline() == "ready\n"
            yield write
        finally:
            stdin.close()
            assert process.wait(20) == 0


def shortened(rule: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a group with the rule, faster."""
    return [{"name": f"test-{uuid4().hex}", "interval": INTERVAL, "rules": [rule | {"for": FOR}]}]


def shipped_rule(name: str) -> dict[str, Any]:
    """Return an alert of the shipped rule files."""
    files = (REPOSITORY / "monitoring" / "prometheus" / "rules").glob("*.yml")
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    (found,) = [rule for group in groups for rule in group["rules"] if rule.get("alert") == name]
    return dict(found)


def test_an_unhealthy_check_is_notified_and_resolved(path: Stack, collector: Collector, tmp_path: Path) -> None:
    service = f"press-{uuid4().hex[:8]}"
    rule = shipped_rule("HealthCheckUnhealthy")
    labels = {"alertname": "HealthCheckUnhealthy", "service_name": service}
    query = f'flext_health_status_ratio{{service_name="{service}",flext_check="disk"}}'
    with path.rules(shortened(rule)), program(HEALTH, collector, tmp_path, service) as write:
        fired = path.follow(labels, query, lambda value: value == 0)
        assert fired["receiver"] == rule["labels"]["severity"]
        (alert,) = fired["alerts"]
        assert alert["labels"]["flext_check"] == "disk"
        assert alert["labels"].items() >= rule["labels"].items()
        assert alert["annotations"]["runbook_url"].endswith("/HealthCheckUnhealthy.md")
        write("healthy")
        assert path.follow_end(labels)["alerts"][0]["labels"] == alert["labels"]


def test_a_rule_of_the_program_is_notified_and_resolved(path: Stack, collector: Collector, tmp_path: Path) -> None:
    service, name = f"orders-{uuid4().hex[:8]}", f"queue_{uuid4().hex[:8]}"
    (tmp_path / "declared.py").write_text(METRIC.replace("NAME", name).replace("SERVICE", service), encoding="utf-8")
    command = [sys.executable, "-m", "flext_observability", "rules", str(tmp_path / "declared.py")]
    written = subprocess.run(
        [*command, "--service", service],
        env=environment(UNMEASURED),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert written.returncode == 0, written.stderr
    (group,) = yaml.safe_load(written.stdout)["groups"]
    (rule,) = group["rules"]
    labels = {"alertname": name, "service_name": service}
    source = METRIC.replace("NAME", name).replace("SERVICE", service)
    with path.rules(shortened(rule)), program(source, collector, tmp_path) as write:
        fired = path.follow(labels, f'shop_queue_length{{service_name="{service}"}}', lambda value: value > 100)
        assert fired["receiver"] == "critical"
        assert fired["alerts"][0]["annotations"]["summary"]
        write("5")
        assert path.follow_end(labels)["status"] == "resolved"
