"""Create a virtual environment with this package and an extra. Needs only the standard library.

Returns quickly if the environment matches pyproject.toml and the constraints.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTAINS = {"base": ["base"], "demo": ["base", "demo"], "test": ["base", "demo", "test"]}
CONTAINS["docs"] = ["base", "docs"]
CONTAINS["monitoring"] = ["base", "demo", "monitoring"]
CONTAINS["dev"] = [*CONTAINS["test"], "monitoring", "dev"]


def main() -> int:
    """Create or update the environment, and write its stamp files. Return pip's exit code."""
    arguments = _arguments()
    target = Path(arguments.target)
    wanted = _fingerprint(Path(arguments.constraints), target)
    if _stamp(target, arguments.extra).is_file() and _stamp(target, arguments.extra).read_text() == wanted:
        _write_stamps(target, arguments.extra, wanted)
        return 0
    if not (target / "bin" / "python").exists():
        print(f"Creating {target} with Python {sys.version.split()[0]}", flush=True)
        venv.create(target, with_pip=True, symlinks=True)
    code = _install(target, arguments.extra, arguments.constraints)
    if code == 0:
        _write_stamps(target, arguments.extra, wanted)
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--extra", choices=list(CONTAINS), default="dev")
    parser.add_argument("--constraints", default="constraints.txt")
    return parser.parse_args()


def _fingerprint(constraints: Path, target: Path) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [project["build-system"], project["project"], project["tool"]["hatch"], constraints.read_text()]
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    return f"{digest} {ROOT} {target.resolve()}\n"  # a moved or copied environment is created again


def _stamp(target: Path, extra: str) -> Path:
    return target / f".made-{extra}"


def _write_stamps(target: Path, extra: str, text: str) -> None:
    for name in CONTAINS[extra]:
        _stamp(target, name).write_text(text)


def _install(target: Path, extra: str, constraints: str) -> int:
    requirement = f"{ROOT}" if extra == "base" else f"{ROOT}[{extra}]"
    pip = [str(target / "bin" / "python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command = [*pip, "--progress-bar", "off", "--constraint", constraints, "--editable", requirement]
    print(f"Installing {requirement.replace(str(ROOT), 'flext-observability')} into {target}", flush=True)
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        for line in process.stdout or ():
            lines.append(line)
            _show_progress(line, lines)
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    if process.returncode != 0:
        print("".join(lines[-25:]), file=sys.stderr)
        print("pip failed (last lines above). Check the network, or delete the environment and try again.")
    else:
        print(f"{target} is ready", flush=True)
    return process.returncode


def _show_progress(line: str, lines: list[str]) -> None:
    found = re.match(r"Collecting (\S+?)(\[|[=<>!~ ]|$)", line)
    stage = re.match(r"(Installing|Building|Preparing)\b[^:]*", line)
    if stage:
        text = stage.group(0).strip()[:80]
    elif found:
        text = f"{sum(entry.startswith('Collecting') for entry in lines)} packages found, now {found.group(1)}"
    else:
        return
    if sys.stdout.isatty() and os.environ.get("CI") != "true":
        print(f"\r\033[K  {text}", end="", flush=True)
    elif stage or text.partition(" ")[0].endswith("0"):
        print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
