"""Resolve pyproject.toml to constraints.txt (newest versions) and constraints-oldest.txt (lower bounds)."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEVER_PINNED = {"flext-observability", "pip", "setuptools", "wheel"}  # parts of the environment itself


def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        # Old versions of pip cannot resolve some sets that new ones can.
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", "pip"], check=True)
        newest = _resolve(python, f"{ROOT}[dev,docs]", Path(folder), pins=[])
        _write(
            "constraints.txt",
            newest,
            "Newest versions at the time of the resolve; all environments use them.",
        )
        oldest = _resolve(python, f"{ROOT}[test]", Path(folder), pins=_lower_bounds())
        _write(
            "constraints-oldest.txt", oldest, "Base dependencies at their lower bounds; `make test-oldest` uses them."
        )


def _lower_bounds() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = [requirement.replace(">=", "==") for requirement in project["dependencies"]]
    extras = project["optional-dependencies"]
    bounds += [
        entry.replace(">=", "==") for name in extras if name.startswith("instrumentation-") for entry in extras[name]
    ]
    return bounds


def _resolve(python: str, requirement: str, folder: Path, *, pins: list[str]) -> dict[str, str]:
    constraint, report = folder / "pins.txt", folder / "report.json"
    constraint.write_text("\n".join(pins))
    command = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--no-input"]
    command += ["--constraint", str(constraint), "--report", str(report), requirement]
    print(f"Resolving {requirement.replace(str(ROOT), 'flext-observability')} …", flush=True)
    subprocess.run(command, check=True)
    found: dict[str, str] = {}
    for item in json.loads(report.read_text())["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        if name not in NEVER_PINNED:
            found[name] = item["metadata"]["version"]
    return dict(sorted(found.items()))


def _write(name: str, versions: dict[str, str], meaning: str) -> None:
    header = f"# Made by `make constraints`; do not edit. {meaning}\n"
    (ROOT / name).write_text(header + "".join(f"{package}=={version}\n" for package, version in versions.items()))
    print(f"{name}: {len(versions)} versions", flush=True)


if __name__ == "__main__":
    main()
