"""Commands for contributors: Makefile, constraints and audit scripts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from scripts.audit_dependencies import report
from scripts.audit_pydantic import findings
from tests.architecture.tree import ROOT

TARGETS = """demo test test-unit test-integration test-fast test-stack coverage-html lint type-check security
audit-pydantic-v2 docs docs-serve format fix check validate setup install install-dev build clean stack-install stack-up
stack-status stack-down guards bench bench-quick bench-paced bench-report help observability-init
observability-validate observability-test monitoring-setup prometheus-start grafana-setup jaeger-start
alertmanager-config metrics-collect traces-start alerts-configure health-monitor test-observability
test-monitoring test-metrics-e2e
test-tracing-distributed test-alerts-integration test-health-monitoring"""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    data: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return data


def _pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_help_lists_every_promised_target() -> None:
    run = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    listed = set(re.findall(r"^ +make ([a-z0-9-]+) ", run.stdout, re.MULTILINE))
    assert set(TARGETS.split()) <= listed


def test_every_dependency_is_pinned(project: dict[str, Any]) -> None:
    pins = _pins("constraints.txt")
    extras = project["optional-dependencies"]
    required = [entry for entries in [project["dependencies"], *extras.values()] for entry in entries]
    names = {re.split(r"[\[>=<]", entry)[0] for entry in required} - {"flext-observability"}
    assert names <= set(pins)


def test_lower_bounds_are_the_oldest_versions_tested(project: dict[str, Any]) -> None:
    pins = _pins("constraints-oldest.txt")
    for requirement in project["dependencies"]:
        name, bound = requirement.split(">=")
        assert (pins[name] + ".0").startswith(bound), requirement


def test_no_dependency_has_an_upper_bound(project: dict[str, Any]) -> None:
    entries = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    assert [each for each in entries if "<" in each.removesuffix(",<1!0")] == []  # an epoch is no version bound


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-oldest.txt"])
def test_constraints_hold_names_and_versions_only(name: str) -> None:
    for line in (ROOT / name).read_text().splitlines()[1:]:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)


def test_a_failing_python_is_reported_with_the_fix() -> None:
    run = subprocess.run(
        [ROOT / "scripts" / "python.sh", "-V"],
        env={"PATH": os.defpath, "PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert run.returncode == 2
    assert "Python 3.11" in run.stderr


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("from pydantic import validator", "field_validator"),
        ("from pydantic.v1 import BaseModel", "pydantic v1"),
        ("import pydantic\npydantic.root_validator", "model_validator"),
        ("class A(BaseModel):\n    class Config:\n        frozen = True", "model_config"),
        ("class A(BaseModel):\n    def f(self):\n        return self.dict()", "model_dump"),
        ("class A(BaseModel):\n    x: str = Field(regex='a')", "pattern"),
        ("A.parse_obj({})", "model_validate"),
        ("class A(BaseModel):\n    __root__: int", "RootModel"),
    ],
)
def test_a_pydantic_v1_idiom_is_found(code: str, advice: str) -> None:
    assert [text for _, text in findings(code) if advice in text]


def test_pydantic_v2_is_accepted() -> None:
    code = (
        "from pydantic import BaseModel, Field, field_validator\n"
        "class A(BaseModel):\n    x: str = Field(pattern='a')\n{}.copy()"
    )
    assert list(findings(code)) == []


def test_a_vulnerable_dependency_fails_the_audit(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([{"name": "sample", "version": "1", "vulns": [{"id": "CVE-1"}]}]) == 1
    assert "CVE-1" in capsys.readouterr().out


def test_an_unreachable_advisory_service_is_reported_as_not_audited(tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("idna==3.7\n")
    unreachable = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "SKIPS_FILE": str(tmp_path / "skips"),
    }
    command = [sys.executable, str(ROOT / "scripts" / "audit_dependencies.py"), str(pins)]
    run = subprocess.run(
        command, env=os.environ | unreachable, capture_output=True, text=True, check=False, timeout=100
    )
    assert run.returncode == 0, run.stderr
    assert "not audited" in run.stdout
    assert "passed" not in run.stdout
    assert "not audited" in (tmp_path / "skips").read_text()
