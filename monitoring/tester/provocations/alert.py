"""A temporary alert rule that fires at its first evaluation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from monitoring.native.parts import ALERTMANAGER, PROMETHEUS
from monitoring.native.places import Places, StackError
from monitoring.native.targets import prometheus_folder

ALERT: Final = "ObservabilityTest"
FILE_NAME: Final = "observability-test.yml"
_SECONDS: Final = 15.0


def add_alert(places: Places) -> None:
    """Add a rule for each severity to the rules of Prometheus."""
    file = _rules_folder(places) / FILE_NAME
    file.write_text(json.dumps(_groups()), encoding="utf-8")  # JSON is valid YAML
    _reload(places)


def remove_alert(places: Places) -> None:
    """Remove the rules, if they exist, and resolve their alerts."""
    file = _rules_folder(places) / FILE_NAME
    if not file.exists():
        return
    file.unlink()
    _reload(places)
    _resolve(places)


def _rules_folder(places: Places) -> Path:
    """Return the folder that the running Prometheus reads, native or in Docker."""
    native = prometheus_folder(places) / "rules"
    address = f"http://{places.address(PROMETHEUS, 'http')}/api/v1/status/flags"
    flags = httpx.get(address, timeout=_SECONDS, trust_env=False).raise_for_status().json()["data"]
    is_native = Path(flags["config.file"]).parent == native.parent
    return native if is_native else places.repository / "monitoring" / "prometheus" / "rules"


def _groups() -> dict[str, object]:
    rules = [
        {
            "alert": ALERT,
            "expr": "vector(1)",
            "labels": {"severity": severity, "owner": "observability", "service_name": "observability-test"},
            "annotations": {
                "summary": "A test of the monitoring stack",
                "description": "make observability-test added this rule, and removes it at its end.",
            },
        }
        for severity in ("info", "warning", "critical")
    ]
    return {"groups": [{"name": "observability-test", "interval": "5s", "rules": rules}]}


def _resolve(places: Places) -> None:
    """Resolve the alerts in Alertmanager, which would keep them for some minutes after the end of their rule."""
    address = f"http://{places.address(ALERTMANAGER, 'http')}/api/v2/alerts"
    with httpx.Client(timeout=_SECONDS, trust_env=False) as http:
        found = http.get(address, params={"filter": f'alertname="{ALERT}"'}).raise_for_status().json()
        now = datetime.now(UTC).isoformat()
        ended = [{"labels": one["labels"], "startsAt": one["startsAt"], "endsAt": now} for one in found]
        http.post(address, json=ended).raise_for_status()


def _reload(places: Places) -> None:
    address = f"http://{places.address(PROMETHEUS, 'http')}/-/reload"
    answer = httpx.post(address, timeout=_SECONDS, trust_env=False)
    if answer.is_error:
        raise StackError(
            f"Prometheus refuses to reload its rules: {answer.status_code} {answer.text[:300]}. "
            "Start it with --web.enable-lifecycle, and correct the rules: make observability-validate."
        )
