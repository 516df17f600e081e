"""The list of guards names existing tests, and its command counts their random cases."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.guards import GUARDS, files

_MODULE = """
import pytest
from hypothesis import given, settings, strategies

@settings(max_examples=20)
@given(strategies.integers())
def test_counted(value):
    pass

@pytest.mark.parametrize("number", [1, 2])
@given(value=strategies.integers())
@settings(max_examples=10)
def test_parametrised(number, value):
    pass
"""


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_has_tests(guard: str) -> None:
    assert files(guard) != []


def test_random_cases_are_multiplied_and_counted(tmp_path: Path) -> None:
    module = tmp_path / "test_sample.py"
    module.write_text(_MODULE)
    options = ["-q", "-p", "tests.guards", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", os.devnull]
    report = "--junit-xml", str(tmp_path / "report.xml")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *report, str(module)],
        cwd=ROOT,
        env=os.environ | {"GUARD_FACTOR": "3"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    counted = re.findall(r'name="random cases" value="(\d+)"', (tmp_path / "report.xml").read_text())
    assert counted == ["60", "30", "30"]
