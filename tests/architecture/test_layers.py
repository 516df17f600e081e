"""The layer contract of pyproject.toml: the tree keeps it, and violations are found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT, SOURCE


def _lint_imports(source: Path) -> subprocess.CompletedProcess[str]:
    # The first entry of the path has precedence over the installed package. monitoring is found in the repository.
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    environment = os.environ | {"PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    options = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--no-logo"]
    return subprocess.run(
        command + options, env=environment, cwd=source, capture_output=True, text=True, check=False, timeout=100
    )


def test_every_package_imports_only_lower_layers() -> None:
    run = _lint_imports(SOURCE.parent)
    assert run.returncode == 0, run.stdout + run.stderr


def test_an_upward_import_and_an_sdk_import_in_an_api_only_package_are_found(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "flext_observability", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "flext_observability" / "domain" / "wrong.py").write_text(
        "def late():\n    import flext_observability.pipeline.ledger\n    import opentelemetry.sdk.trace\n"
    )
    run = _lint_imports(tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stdout.count("BROKEN") == 2


def test_a_package_missing_from_the_contract_is_found(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "flext_observability", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "flext_observability" / "unlisted.py").touch()
    run = _lint_imports(tmp_path)
    assert run.returncode == 1
    assert "unlisted" in run.stdout
