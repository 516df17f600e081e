"""Results of mypy and pyright for small programs that use the public names, as in a user's project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import flext_observability
from tests.architecture.tree import ROOT

PROGRAMS = Path(__file__).parent / "programs"
ACCEPTED, EVERY_NAME, REJECTED = (PROGRAMS / name for name in ("accepted.py", "every_name.py", "rejected.py"))


def _mypy(folder: Path) -> dict[str, set[int]]:
    options = ["--strict", "--cache-dir", str(ROOT / ".cache" / "mypy-programs"), "--no-error-summary"]
    command = [sys.executable, "-m", "mypy", *options, ACCEPTED.name, EVERY_NAME.name, REJECTED.name]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=115)
    assert run.returncode in {0, 1}, run.stdout + run.stderr
    found: dict[str, set[int]] = {}
    for name, line in re.findall(r"^(.+?):(\d+): error:", run.stdout, re.MULTILINE):
        found.setdefault(name, set()).add(int(line))
    return found


def _pyright(folder: Path) -> dict[str, set[int]]:
    (folder / "pyrightconfig.json").write_text(json.dumps({"include": ["."], "typeCheckingMode": "strict"}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=115)
    found: dict[str, set[int]] = {}
    for item in json.loads(run.stdout)["generalDiagnostics"]:
        if item["severity"] == "error":
            found.setdefault(Path(item["file"]).name, set()).add(item["range"]["start"]["line"] + 1)
    return found


@pytest.fixture(scope="module", params=[_mypy, _pyright])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[int]]:
    """Return the lines with errors of each program, checked outside this repository and without its configuration."""
    folder = tmp_path_factory.mktemp("programs")
    for program in (ACCEPTED, EVERY_NAME, REJECTED):
        shutil.copy(program, folder)
    checked: dict[str, set[int]] = request.param(folder)
    return checked


def test_correct_programs_are_accepted(found: dict[str, set[int]]) -> None:
    assert {program.name: found.get(program.name) for program in (ACCEPTED, EVERY_NAME)} == {
        ACCEPTED.name: None,
        EVERY_NAME.name: None,
    }


def test_the_programs_use_every_name() -> None:
    words = set(re.findall(r"\w+", EVERY_NAME.read_text()))
    assert set(flext_observability.__all__) - words == set()


def test_exactly_the_marked_mistakes_are_found(found: dict[str, set[int]]) -> None:
    lines = REJECTED.read_text().splitlines()
    expected = {number for number, line in enumerate(lines, start=1) if line.endswith("# rejected")}
    assert found.get(REJECTED.name, set()) == expected
