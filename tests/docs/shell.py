"""Execute the shell blocks of a page in a fresh copy of the checkout, without network except loopback."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.docs.output import differs, outputs, same
from tests.docs.pages import ROOT, Block, blocks

SCRIPTS = ("bash", "sh")
SHELLS = ("console", *SCRIPTS)
HARMLESS_TARGETS = {"help"}  # the others install into .venv or run this test again
TIMEOUT_SECONDS = 60
_COPIED = ("README.md", "Makefile", "examples", "otel-collector.yaml", "docs/images")
# Python imports this module at its start. It installs the hook that rejects other hosts.
_SITE = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.docs.run_page import loopback_only
while {str(ROOT)!r} in sys.path:
    sys.path.remove({str(ROOT)!r})
sys.addaudithook(loopback_only)
"""


def run_page(page: Path, folder: Path) -> list[str]:
    """Run the shell blocks of a page in a copy of the checkout in ``folder``. Return the problems."""
    environment = _checkout(folder)
    found = list(blocks(page.read_text(encoding="utf-8")))
    shown = outputs(found, *SCRIPTS)
    problems: list[str] = []
    for block in found:
        if block.file:
            (folder / block.file).write_text(block.code, encoding="utf-8")
        if block.language in SHELLS and not block.reason:
            for command, expected in steps(block):
                problem, output = _run(command, folder, environment)
                if not problem and expected.strip() and not same(expected, output):
                    problem = f"{command}: printed\n{output}\ninstead of\n{expected}"
                if not problem and block.line in shown:
                    problem = differs(shown[block.line], output)
                if problem:
                    problems.append(f"line {block.line}: {problem}")
    return problems


def steps(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command of a block with its shown output. Only console blocks have prompts (``$``) and output."""
    if block.language != "console":
        yield block.code, ""
        return
    for part in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        command, _, output = part.replace("\\\n", " ").partition("\n")
        yield command, output


def _checkout(folder: Path) -> dict[str, str]:
    for name in _COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    site = folder / ".site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_SITE)
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "python3"):
        (binaries / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (binaries / name).chmod(0o755)
    unreachable = "http://127.0.0.1:9"
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "TMPDIR"}
    }
    return kept | {
        "COLUMNS": "120",
        "HOME": str(folder),
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        "http_proxy": unreachable,
        "https_proxy": unreachable,
        "no_proxy": "127.0.0.1,localhost",
    }


def _forbidden(command: str) -> str:
    if re.search(r"\bpip3? install\b", command):
        return "pip install would change the environment of the tests; tag the block no-run with a reason"
    targets = {
        word
        for words in re.findall(r"\bmake\b([^|;&\n]*)", command)
        for word in words.split("#")[0].split()
        if word[0].isalpha()
    }
    if targets - HARMLESS_TARGETS:
        names = " ".join(sorted(targets - HARMLESS_TARGETS))
        return f"make {names}: this target is not run from a page; tag the block no-run with a reason"
    return ""


def _run(command: str, folder: Path, environment: dict[str, str]) -> tuple[str, str]:
    """Return (problem, output)."""
    if problem := _forbidden(command):
        return problem, ""
    shell = ["bash", "-euo", "pipefail", "-c", command]
    with subprocess.Popen(
        shell,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return f"{command}: still runs after {TIMEOUT_SECONDS} s", ""
        finally:
            _end(process)
    if process.returncode != 0:
        return f"{command}: exit code {process.returncode}\n{output[-2000:]}", ""
    return "", output


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the background processes of a block."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
