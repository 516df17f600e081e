"""Write the configuration of the native Prometheus and Alertmanager, with loopback addresses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from monitoring.native.grafana import described
from monitoring.native.parts import (
    ALERTMANAGER,
    COLLECTOR,
    GRAFANA,
    JAEGER,
    PROMETHEUS,
    PUSHGATEWAY,
    VICTORIALOGS,
    WEBHOOK,
)
from monitoring.native.places import Places

_SCRAPED = (
    (COLLECTOR, "metrics"),
    (JAEGER, "metrics"),
    (PROMETHEUS, "http"),
    (ALERTMANAGER, "http"),
    (VICTORIALOGS, "http"),
)


def prometheus_folder(places: Places) -> Path:
    """Return the configuration folder of the native Prometheus."""
    return places.folder(PROMETHEUS) / "config"


def write_prometheus_folder(places: Places) -> None:
    """Copy the configuration and the rules, and write target files with the addresses of this stack.

    Target files are JSON, which is valid YAML. Files in `applications/` stay.
    """
    source = places.repository / "monitoring" / "prometheus"
    target = prometheus_folder(places)
    (target / "applications").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "prometheus.yml", target / "prometheus.yml")
    shutil.rmtree(target / "rules", ignore_errors=True)
    shutil.copytree(source / "rules", target / "rules")
    (target / "targets").mkdir(exist_ok=True)
    # A Grafana of the user is scraped once it has been started here.
    grafana = ((described(), "http"),) if (places.folder(GRAFANA) / "process.json").is_file() else ()
    files = {
        "stack.yml": [
            {"targets": [places.address(part, port)], "labels": {"job": part.name}}
            for part, port in (*_SCRAPED, *grafana)
        ],
        "alertmanager.yml": [{"targets": [places.address(ALERTMANAGER, "http")]}],
        "pushgateway.yml": [{"targets": [places.address(PUSHGATEWAY, "http")]}],
    }
    for name, groups in files.items():
        (target / "targets" / name).write_text(json.dumps(groups, indent=2) + "\n", encoding="utf-8")


def alertmanager_folder(places: Places) -> Path:
    """Return the configuration folder of the native Alertmanager."""
    return places.folder(ALERTMANAGER) / "config"


def write_alertmanager_folder(places: Places) -> None:
    """Copy the configuration and the templates, with the address of the receiver and the folder of the secrets.

    Alertmanager does not expand variables in its file.
    """
    source = places.repository / "monitoring" / "alertmanager"
    target = alertmanager_folder(places)
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / "templates", ignore_errors=True)
    shutil.copytree(source / "templates", target / "templates")
    text = (source / "alertmanager.yml").read_text(encoding="utf-8")
    text = text.replace("http://webhook:9095/", f"http://{places.address(WEBHOOK, 'http')}/")
    text = text.replace("../secrets/", f"{places.secrets}/")
    (target / "alertmanager.yml").write_text(text, encoding="utf-8")
