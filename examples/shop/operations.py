"""Metrics of the process, health checks, and the final counts of the telemetry of a service."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from flext_observability import FlextMetricsCollector, get_observability, shutdown_observability

COUNTS_FILE = "SHOP_COUNTS_FILE"
"""Variable with the file for the final counts; without it, none is written."""
_HEALTH_SECONDS = 2.0
_MIN_FREE_BYTES = 2**24


def start_operations(*, system: bool, checks: dict[str, Callable[[], bool]]) -> None:
    """Measure the process, and run health checks in the background.

    Args:
        system: Whether to measure the machine, too. One process of a machine is enough.
        checks: Health checks of the service by name, in addition to the one of the disk.
    """
    FlextMetricsCollector(system=system).start().unwrap()
    health = get_observability().unwrap().health
    for name, check in {"disk": _has_free_disk, **checks}.items():
        health.register_check(name, check, interval_seconds=_HEALTH_SECONDS).unwrap()


def end_operations() -> None:
    """End the telemetry, and write the number of exported items by signal."""
    report = shutdown_observability().unwrap()
    if file := os.environ.get(COUNTS_FILE):
        exported: Counter[str] = Counter()
        for row in report.ledger.exporters:
            exported[row.signal] += row.exported
        Path(file).write_text(json.dumps(exported), encoding="utf-8")


def _has_free_disk() -> bool:
    return shutil.disk_usage(Path.cwd()).free > _MIN_FREE_BYTES
