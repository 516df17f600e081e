"""Alerts of a Python program in the real Alertmanager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from flext_observability import (
    AlertmanagerNotifier,
    FlextAlert,
    Observability,
    flext_create_alert,
    init_observability,
    shutdown_observability,
)
from monitoring.native.parts import ALERTMANAGER
from monitoring.native.places import Places
from tests.programs import run
from tests.stack.clients import eventually


class Alertmanager:
    """API client of a running Alertmanager."""

    def __init__(self, url: str) -> None:
        self.url = url
        # trust_env=False: a proxy of the environment must not be used for loopback.
        self.http = httpx.Client(base_url=url, timeout=15.0, trust_env=False)

    def active(self, name: str) -> list[dict[str, Any]]:
        """Return the active alerts with this name."""
        parameters = {"filter": f'alertname="{name}"', "active": "true"}
        found: list[dict[str, Any]] = self.http.get("/api/v2/alerts", params=parameters).raise_for_status().json()
        return found


@pytest.fixture(scope="module")
def alertmanager(stack: Places) -> Iterator[Alertmanager]:
    client = Alertmanager(f"http://{stack.address(ALERTMANAGER, 'http')}")
    yield client
    client.http.close()


@pytest.fixture
def name() -> str:
    return f"test_{uuid4().hex}"


@pytest.fixture
def handle(alertmanager: Alertmanager, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observability]:
    monkeypatch.setenv("ALERTMANAGER_URL", alertmanager.url)
    handle = init_observability(service_name="stack-alerts", environment="test", exporters="none").unwrap()
    yield handle
    for alert in handle.alerts.active_alerts().unwrap():
        handle.alerts.resolve_alert(alert)
    shutdown_observability(5)


def flushed(handle: Observability) -> None:
    assert handle.flush(10).unwrap().complete
    assert handle.alerts.notifiers().unwrap()[0].failed == 0


def test_an_alert_becomes_active_and_resolved(handle: Observability, alertmanager: Alertmanager, name: str) -> None:
    alert = flext_create_alert(name, "error", "full", "host", {"labels": {"mount.point": "/"}, "free": 0}).unwrap()
    flushed(handle)
    (found,) = eventually(lambda: alertmanager.active(name))
    assert found["labels"] == {
        "alertname": name,
        "severity": "error",
        "source": "host",
        "service": "stack-alerts",
        "environment": "test",
        "mount_point": "/",
    }
    assert found["annotations"] == {
        "summary": "full",
        "description": "full",
        "status": "active",
        "details": '{"free":0}',
    }
    assert handle.alerts.resolve_alert(alert).success
    flushed(handle)
    assert eventually(lambda: not alertmanager.active(name))
    flext_create_alert(name, "error", "full again", "host", {"labels": {"mount.point": "/"}})
    flushed(handle)
    assert eventually(lambda: alertmanager.active(name))[0]["annotations"]["summary"] == "full again"


def test_an_escalation_to_another_severity_replaces_the_alert(
    handle: Observability, alertmanager: Alertmanager, name: str
) -> None:
    alert = flext_create_alert(name, "warning", "slow").unwrap()
    flushed(handle)
    handle.alerts.escalate_alert(alert, {"level": 2, "reason": "no answer", "severity": "critical"})
    flushed(handle)
    (found,) = eventually(lambda: alertmanager.active(name))
    assert (found["labels"]["severity"], found["annotations"]["escalation_level"]) == ("critical", "2")
    assert json.loads(found["annotations"]["details"]) == {"escalation_reason": "no answer"}


def test_unusual_alerts_are_accepted(handle: Observability, alertmanager: Alertmanager, name: str) -> None:
    details: dict[str, Any] = {"labels": {"": "x", "a.b": 1, "a-b": "\ud800\n", "severity": "own"}, "nan": float("nan")}
    details["self"] = details
    flext_create_alert(name, "info", "line\nline\t\x00", "s" * 100_000, details)
    flext_create_alert(name + "n" * 100_000, "info", "m" * 1_000_000)
    flushed(handle)
    assert eventually(lambda: alertmanager.active(name))[0]["labels"]["a_b_2"] == "1"


def test_many_alerts_are_sent_in_one_call(alertmanager: Alertmanager, name: str) -> None:
    alerts = [
        FlextAlert(name=name, severity="info", message="m", details={"labels": {"number": n}}) for n in range(250)
    ]
    notifier = AlertmanagerNotifier(alertmanager.url)
    assert notifier.notify_all(alerts, 10).success
    assert len(eventually(lambda: alertmanager.active(name))) == 250
    ended = [alert.model_copy(update={"status": "resolved"}) for alert in alerts]
    assert notifier.notify_all(ended, 10).success
    assert eventually(lambda: not alertmanager.active(name))


def test_a_short_program_delivers_its_alert(alertmanager: Alertmanager, name: str) -> None:
    program = f"""
        from flext_observability import flext_create_alert, init_observability
        init_observability(exporters="none")
        flext_create_alert({name!r}, "info", "the last word")
    """
    finished = run(program, ALERTMANAGER_URL=alertmanager.url)
    assert (finished.code, finished.err) == (0, "")
    assert eventually(lambda: alertmanager.active(name))
