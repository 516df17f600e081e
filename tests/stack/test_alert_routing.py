"""Routes, inhibition and templates of the shipped Alertmanager configuration, in the running Alertmanager."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from monitoring.native.parts import ALERTMANAGER, WEBHOOK
from monitoring.native.places import REPOSITORY, Places, places_from
from tests.stack.clients import eventually

pytestmark = pytest.mark.stack


@dataclass(frozen=True, slots=True)
class Parts:
    """The running Alertmanager and its receiver."""

    alertmanager: httpx.Client
    webhook: httpx.Client

    def send(self, *labels: dict[str, str], minutes: float = 5) -> None:
        """Send alerts, as Prometheus does."""
        ends = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        payload = [{"labels": one, "annotations": {"summary": "a test"}, "endsAt": ends} for one in labels]
        self.alertmanager.post("/api/v2/alerts", json=payload).raise_for_status()

    def muted(self, **labels: str) -> bool:
        """Return whether another alert mutes the alert with these labels."""
        filters = [f'{name}="{value}"' for name, value in labels.items()]
        (found,) = self.alertmanager.get("/api/v2/alerts", params={"filter": filters}).raise_for_status().json()
        return bool(found["status"]["inhibitedBy"])

    def notifications(self, name: str) -> list[dict[str, Any]]:
        """Return the notifications about the alert with this name."""
        found: list[dict[str, Any]] = self.webhook.get("/notifications", params={"label.alertname": name}).json()
        return found


@pytest.fixture(scope="module")
def parts(stack: Places) -> Iterator[Parts]:
    with ExitStack() as clients:
        alertmanager, webhook = (
            clients.enter_context(
                httpx.Client(base_url=f"http://{stack.address(part, 'http')}", timeout=15.0, trust_env=False)
            )
            for part in (ALERTMANAGER, WEBHOOK)
        )
        yield Parts(alertmanager, webhook)


def test_each_severity_reaches_its_receiver(parts: Parts) -> None:
    names = {severity: f"routed_{uuid4().hex}" for severity in ("critical", "warning", "error", "page")}
    labels = [{"alertname": name, "severity": severity, "service_name": name} for severity, name in names.items()]
    parts.send(*labels)
    eventually(lambda: all(parts.notifications(name) for name in names.values()))
    reached = {severity: parts.notifications(name)[0]["receiver"] for severity, name in names.items()}
    assert reached == {"critical": "critical", "warning": "warning", "error": "warning", "page": "default"}
    parts.send(*labels, minutes=-1)


def test_a_critical_alert_mutes_the_warning_about_the_same_service(parts: Parts) -> None:
    name = f"muting_{uuid4().hex}"
    same, other = ({"alertname": name, "severity": "warning", "service_name": service} for service in ("a", "b"))
    critical = same | {"severity": "critical"}
    parts.send(critical, same, other)
    eventually(lambda: parts.muted(**same))
    assert not parts.muted(**other)
    assert not parts.muted(**critical)
    parts.send(critical, same, other, minutes=-1)


def test_a_collector_that_is_down_mutes_alerts_about_missing_telemetry(parts: Parts) -> None:
    service = f"silent-{uuid4().hex}"
    down = {"alertname": "TargetDown", "severity": "critical", "job": "collector", "instance": service}
    silent = {"alertname": "ServiceSendsNothing", "severity": "warning", "service_name": service}
    parts.send(silent)
    eventually(lambda: parts.alertmanager.get("/api/v2/alerts", params={"filter": f'service_name="{service}"'}).json())
    assert not parts.muted(**silent)
    parts.send(down)
    eventually(lambda: parts.muted(**silent))
    parts.send(down, silent, minutes=-1)


@pytest.fixture(scope="module")
def amtool() -> Path:
    places = places_from()
    if not places.installed(ALERTMANAGER):
        pytest.skip("Alertmanager is not installed: run `make stack-install`")
    return places.program(ALERTMANAGER, "amtool")


def rendered(amtool: Path, folder: Path, template: str, alerts: list[dict[str, Any]]) -> str:
    """Return the text of a template for a group of alerts."""
    data = folder / "data.json"
    firing = any(one["status"] == "firing" for one in alerts)
    group = {
        "status": "firing" if firing else "resolved",
        "receiver": "mail",
        "alerts": alerts,
        "groupLabels": {"alertname": "ServiceSlow"},
        "commonLabels": {"service_name": "orders", "severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
    }
    data.write_text(json.dumps(group), encoding="utf-8")
    files = REPOSITORY / "monitoring" / "alertmanager" / "templates" / "*.tmpl"
    text = f'{{{{ template "{template}" . }}}}'
    command = [str(amtool), "template", "render", f"--template.glob={files}", f"--template.text={text}"]
    done = subprocess.run(
        [*command, f"--template.data={data}"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def alert(status: str, **annotations: str) -> dict[str, Any]:
    """Return an alert of a group."""
    times = {"startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T03:14:05Z"}
    return {"status": status, "labels": {"alertname": "ServiceSlow"}, "annotations": annotations, **times}


def test_the_subject_has_number_name_service_and_severity(amtool: Path, tmp_path: Path) -> None:
    both = [alert("firing"), alert("resolved")]
    assert rendered(amtool, tmp_path, "flext.subject", both) == "[FIRING: 1] ServiceSlow of orders (critical)"
    assert rendered(amtool, tmp_path, "flext.subject", both[1:]) == "[RESOLVED] ServiceSlow of orders (critical)"


def test_the_text_has_summary_description_runbook_and_times(amtool: Path, tmp_path: Path) -> None:
    firing = alert("firing", summary="slow", description="in 1h", runbook_url="https://example.org/ServiceSlow.md")
    firing["generatorURL"] = "http://127.0.0.1:9090/graph"
    ended = alert("resolved", summary="was slow")
    assert rendered(amtool, tmp_path, "flext.text", [firing, ended]).splitlines() == [
        "slow",
        "in 1h",
        "Runbook: https://example.org/ServiceSlow.md",
        "Query: http://127.0.0.1:9090/graph",
        "Since 2026-01-02 03:04:05 UTC",
        "",
        "Resolved:",
        "was slow",
        "Since 2026-01-02 03:04:05 UTC until 03:14:05 UTC",
    ]
