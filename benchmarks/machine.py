"""Head of the results: machine, versions, and load of the machine at begin and end."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT

PACKAGES = ("opentelemetry-sdk", "prometheus-client", "requests", "protobuf", "grpcio", "pydantic")
PEERS = ("logfire", "ddtrace", "sentry-sdk", "opentelemetry-instrumentation-logging")
_PROGRAM = (
    "import json, platform, sys; sys.path.insert(0, '.'); from benchmarks.machine import versions; "
    "print(json.dumps({'python': platform.python_version(), 'versions': versions(sys.argv[1:])}))"
)


def machine() -> dict[str, Any]:
    """Return processor, cores, memory and operating system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def load() -> float:
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def quiet(head: Mapping[str, Any]) -> bool:
    """Return whether the machine had a core for the benchmark at the beginning."""
    return bool(head["load"][0] < head["machine"]["cores"] / 2)


def revision() -> str:
    """Return the commit of the checkout, with a mark if files differ from it; empty outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def interpreter(python: Path, packages: Sequence[str]) -> dict[str, Any]:
    """Return the version of an interpreter, and those of the packages of its environment."""
    done = subprocess.run(
        [str(python), "-c", _PROGRAM, *packages], cwd=ROOT, capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of installed packages."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
