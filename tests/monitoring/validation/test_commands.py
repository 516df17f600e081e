"""Output and exit code of all checks, and programs that are missing or do not start."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from monitoring.native.parts import COMPOSE
from monitoring.native.places import REPOSITORY, StackError, places_from
from monitoring.validation.commands import validate
from tests.monitoring.validation.copies import Copy


def run(copy: Copy, *only: str, cache: Path | None = None) -> tuple[int, list[str]]:
    places = replace(places_from(), repository=copy.folder, state=copy.state)
    console = Console(file=io.StringIO(), width=80)
    code = validate(replace(places, cache=cache or places.cache), console, only=only)
    assert isinstance(console.file, io.StringIO)
    return code, console.file.getvalue().splitlines()


def test_good_files_exit_with_0_and_name_the_next_step(copy: Copy) -> None:
    code, lines = run(copy, "YAML syntax", "secrets")
    assert code == 0
    assert lines[0].startswith("good         YAML syntax of ")
    assert lines[-2].startswith("2 checks in ")
    assert lines[-2].endswith(": 2 good.")
    assert lines[-1].startswith("next         make monitoring-setup")


def test_a_fault_exits_with_1_and_has_one_line(copy: Copy) -> None:
    copy.change(".env", "JAEGER_TAG=", "JAEGER_TAG=9")
    code, lines = run(copy, "pins of .env", "YAML syntax")
    assert code == 1
    assert "faulty       pins of .env and monitoring/native/parts.py" in lines
    (fault,) = [line for line in lines if line.startswith(".env:")]
    assert fault.endswith(".")
    assert lines[-2].endswith("1 good, 1 faulty with 1 fault.")
    assert "observability-validate` again" in lines[-1]


def test_a_program_that_is_not_installed_exits_with_2(copy: Copy, tmp_path: Path) -> None:
    code, lines = run(copy, "docker-compose.monitoring.yml with", cache=tmp_path / "none")
    assert code == 2
    checked = [line for line in lines if line.startswith("not checked")]
    assert checked
    assert all("docker-compose is not installed, run `make stack-install`" in line for line in checked)
    assert lines[-1] == "next         make stack-install builds the missing programs"


@pytest.mark.parametrize(("content", "mode", "reason"), [
    ("#!/none/such\n", 0o755, "does not start"),
    ("", 0o644, "is not executable"),
])  # fmt: skip
def test_a_program_that_does_not_start_is_named(
    copy: Copy, tmp_path: Path, content: str, mode: int, reason: str
) -> None:
    places = replace(places_from(), repository=copy.folder, cache=tmp_path / "cache")
    program = places.program(COMPOSE, "docker-compose")
    program.parent.mkdir(parents=True)
    program.write_text(content, encoding="utf-8")
    program.chmod(mode)
    code, lines = run(copy, "docker-compose.monitoring.yml with all", cache=tmp_path / "cache")
    assert code == 2
    assert reason in lines[0]
    assert "delete its folder and run `make stack-install`" in lines[0]


def test_a_fault_is_worse_than_a_missing_program(copy: Copy, tmp_path: Path) -> None:
    copy.change("docker-compose.monitoring.yml", "services:", "\tservices:")
    code, _ = run(copy, "syntax", "docker-compose", cache=tmp_path / "none")
    assert code == 1


def test_an_unknown_word_is_an_error(copy: Copy) -> None:
    with pytest.raises(StackError, match="no check has this word"):
        run(copy, "no title")


def test_a_missing_manifest_is_a_fault_and_no_traceback(copy: Copy) -> None:
    copy.path("monitoring/collector/manifest.yaml").unlink()
    code, lines = run(copy)
    assert code == 1
    assert any(line.startswith("monitoring/collector/manifest.yaml:1: file: it does not exist") for line in lines)


def test_the_command_runs_from_the_repository() -> None:
    argv = [sys.executable, "-m", "monitoring.validation", "--only", "YAML syntax"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("good ")
