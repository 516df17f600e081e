"""Virtual environments of the benchmarks, under ``.cache/benchmarks``: the package alone, and with other libraries.

Other libraries load plug-ins at start and import, so they are never in the environment of other cases.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.catalogue import Kind
from benchmarks.machine import PEERS
from benchmarks.measure import BYTECODE, ROOT

VERSIONS: Final = ("3.11", "3.12", "3.13")
CONSTRAINTS: Final = (ROOT / "constraints.txt", ROOT / "benchmarks" / "constraints-peers.txt")
_FOLDER: Final = ROOT / ".cache" / "benchmarks"


def find_python(version: str) -> Path | None:
    """Return an interpreter of this version: from PATH, else from pyenv."""
    candidates = [shutil.which(f"python{version}")]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates += [str(path) for path in sorted(root.glob(f"versions/{version}.*/bin/python"))]
    for candidate in candidates:
        if candidate and _works(candidate, version):
            return Path(candidate)
    return None


def environment(python: Path, kind: Kind, progress: Callable[[str], object]) -> Path:
    """Return the interpreter of an environment, which is created or updated if necessary.

    Raises:
        RuntimeError: pip failed. The message has its output.
    """
    version = subprocess.run(
        [str(python), "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    folder = _FOLDER / f"{version}-{kind}"
    stamp, wanted = folder / "made", _fingerprint(folder)
    if not (stamp.is_file() and stamp.read_text() == wanted):
        progress(f"making the environment {folder.relative_to(ROOT)}")
        shutil.rmtree(folder, ignore_errors=True)
        _run([str(python), "-m", "venv", str(folder)])
        _run([str(folder / "bin" / "pip"), *_install(kind)])
        stamp.write_text(wanted)
    made = folder / "bin" / "python"
    compile_sources(made)
    return made


def compile_sources(python: Path) -> None:
    """Compile this checkout, so that no measurement does it."""
    folders = [str(ROOT / name) for name in ("src", "benchmarks", "monitoring")]
    _run([str(python), "-m", "compileall", "-q", *folders], {"PYTHONPYCACHEPREFIX": str(BYTECODE)})


def here() -> Path:
    """Return the interpreter of this process."""
    return Path(sys.executable)


def _install(kind: Kind) -> list[str]:
    pins = [argument for path in CONSTRAINTS for argument in ("--constraint", str(path))]
    extra = list(PEERS) if kind == "peers" else []
    return ["install", "--quiet", "--no-input", "--disable-pip-version-check", *pins, "--editable", str(ROOT), *extra]


def _fingerprint(folder: Path) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [project["build-system"], project["project"], *(path.read_text(encoding="utf-8") for path in CONSTRAINTS)]
    return f"{hashlib.sha256(repr(parts).encode()).hexdigest()} {folder}\n"


def _works(python: str, version: str) -> bool:
    program = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        output = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        raise RuntimeError(f"`{' '.join(command)}` failed. Check the network, and run it again.\n{output}")
