"""Boards → JSON files for Grafana, and the files that are not up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.dashboards import (
    alerts_health,
    collector,
    logs,
    prometheus_alertmanager,
    python_process,
    service_overview,
    telemetry_pipeline,
    traces,
)
from monitoring.dashboards.definition import Definition
from monitoring.native.places import REPOSITORY

FOLDER: Final = REPOSITORY / "monitoring" / "grafana" / "dashboards"


def definitions() -> tuple[Definition, ...]:
    """Return all dashboards, in the order of the documentation."""
    modules = (
        service_overview,
        traces,
        logs,
        python_process,
        telemetry_pipeline,
        collector,
        prometheus_alertmanager,
        alerts_health,
    )
    return tuple(module.definition() for module in modules)


def contents() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {f"{one.uid}.json": _text(one) for one in definitions()}


def write(folder: Path = FOLDER) -> list[Path]:
    """Write all files, remove others, and return those that changed."""
    wanted = contents()
    changed = [folder / name for name, text in wanted.items() if _read(folder / name) != text]
    for path in changed:
        path.write_text(wanted[path.name], encoding="utf-8")
    for path in _others(folder, wanted):
        path.unlink()
        changed.append(path)
    return changed


def stale(folder: Path = FOLDER) -> list[Path]:
    """Return the files that `write` would change or remove."""
    wanted = contents()
    differing = [folder / name for name, text in wanted.items() if _read(folder / name) != text]
    return differing + _others(folder, wanted)


def _others(folder: Path, wanted: dict[str, str]) -> list[Path]:
    return [path for path in sorted(folder.glob("*.json")) if path.name not in wanted]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _text(definition: Definition) -> str:
    return json.dumps(definition.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
