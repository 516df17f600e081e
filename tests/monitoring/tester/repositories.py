"""Small repositories with a dashboard, data sources, rules and a runbook, for the tests of the tester."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
LOGS = {"type": "victoriametrics-logs-datasource", "uid": "victorialogs"}
JAEGER = {"type": "jaeger", "uid": "jaeger"}
RUNBOOK = "https://github.com/flext-sh/flext-observability/blob/main/docs/runbooks/ShopSlow.md"

SOURCES: list[dict[str, Any]] = [
    {
        "name": "Prometheus",
        "uid": "prometheus",
        "type": "prometheus",
        "jsonData": {
            "timeInterval": "15s",
            "exemplarTraceIdDestinations": [{"name": "trace_id", "datasourceUid": "jaeger"}],
        },
    },
    {"name": "Jaeger", "uid": "jaeger", "type": "jaeger", "jsonData": {}},
    {"name": "Logs", "uid": "victorialogs", "type": "victoriametrics-logs-datasource", "jsonData": {"maxLines": 7}},
]
PANEL: dict[str, Any] = {
    "id": 1,
    "title": "Requests",
    "type": "timeseries",
    "datasource": PROMETHEUS,
    "targets": [{"refId": "A", "expr": 'rate(requests_total{service=~"$service"}[$__rate_interval])'}],
}
VARIABLE: dict[str, Any] = {
    "name": "service",
    "type": "query",
    "datasource": PROMETHEUS,
    "query": {"query": "label_values(requests_total, service)"},
    "includeAll": True,
    "multi": True,
    "allValue": ".+",
    "current": {"value": "$__all"},
}
DASHBOARD: dict[str, Any] = {
    "uid": "shop",
    "title": "Shop",
    "tags": ["flext"],
    "time": {"from": "now-30m", "to": "now"},
    "templating": {"list": [VARIABLE]},
    "panels": [PANEL],
}
RULE: dict[str, Any] = {
    "alert": "ShopSlow",
    "expr": "requests_total > 1",
    "labels": {"severity": "warning"},
    "annotations": {"runbook_url": RUNBOOK},
}


def dashboard(**changes: Any) -> dict[str, Any]:
    """Return the dashboard with other values of its keys."""
    return copy.deepcopy(DASHBOARD) | changes


def panel(**changes: Any) -> dict[str, Any]:
    """Return the panel with other values of its keys."""
    return copy.deepcopy(PANEL) | changes


def write(folder: Path, *dashboards: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> Path:
    """Write a repository, and return its folder."""
    files = {
        "monitoring/grafana/provisioning/datasources/stack.yml": yaml.safe_dump({"datasources": SOURCES}),
        "monitoring/prometheus/rules/shop.yml": yaml.safe_dump(
            {"groups": [{"name": "shop", "rules": rules or [RULE]}]}
        ),
        "docs/runbooks/ShopSlow.md": "# ShopSlow\n",
    }
    for number, one in enumerate(dashboards or (DASHBOARD,)):
        files[f"monitoring/grafana/dashboards/{number}.json"] = json.dumps(one)
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
