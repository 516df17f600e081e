"""The coverage settings of pyproject.toml: lines in child processes of every kind are measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

KINDS = (
    "in_thread after_fork after_fork_and_exit in_process in_process_and_exit multiprocessing_fork multiprocessing_spawn"
)
PROGRAM = """
import multiprocessing, os, subprocess, sys, threading
from flext_observability import lines

def forked(function, leave):
    child = os.fork()
    if child == 0:
        function()
        leave(0)
    assert os.waitpid(child, 0)[1] == 0

if __name__ == "__main__":
    thread = threading.Thread(target=lines.in_thread)
    thread.start()
    thread.join()
    forked(lines.after_fork, sys.exit)
    forked(lines.after_fork_and_exit, os._exit)
    start = "import os; from flext_observability import lines; "
    subprocess.run([sys.executable, "-c", start + "lines.in_process()"], check=True)
    subprocess.run([sys.executable, "-c", start + "lines.in_process_and_exit(); os._exit(0)"], check=True)
    for kind in ("fork", "spawn"):
        child = multiprocessing.get_context(kind).Process(target=getattr(lines, "multiprocessing_" + kind))
        child.start()
        child.join()
        assert child.exitcode == 0
"""


def test_child_processes_of_every_kind_are_measured(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "flext_observability").mkdir()
    (tmp_path / "flext_observability" / "__init__.py").touch()
    lines = [f"def {kind}():\n    return 1\n\n\n" for kind in [*KINDS.split(), "never_called"]]
    (tmp_path / "flext_observability" / "lines.py").write_text("".join(lines))
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / ".cache" / "coverage").mkdir(parents=True)

    _coverage(tmp_path, "run", "program.py")
    _coverage(tmp_path, "combine", "--quiet")
    report = _coverage(tmp_path, "report", "--fail-under=0", "--format=text")

    assert f" {len(lines) * 4 - 2}\n" in report, "only the body of never_called may be missing"


def _coverage(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "coverage", *arguments]
    run = subprocess.run(
        command,
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
