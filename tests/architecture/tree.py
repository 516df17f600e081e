"""Repository folder → the files that the architecture tests look at."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "flext_observability"


def modules() -> list[Path]:
    """Return every module of the package."""
    return sorted(SOURCE.rglob("*.py"))


def parsed(path: Path) -> ast.Module:
    """Return the module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """Return the path as a reader of a test's failure wants it."""
    return str(path.relative_to(ROOT))


def text_files() -> list[Path]:
    """Return what git keeps or would keep; without git, all but hidden and generated folders."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return [path for line in run.stdout.splitlines() if (path := ROOT / line).is_file()]
    kept = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in kept if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]
