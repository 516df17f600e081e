"""Files and syntax trees for the architecture tests."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "flext_observability"


def modules() -> list[Path]:
    """Return all modules of the package."""
    return sorted(SOURCE.rglob("*.py"))


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """Return the path relative to the repository."""
    return str(path.relative_to(ROOT))


def text_files() -> list[Path]:
    """Return tracked and untracked files except ignored ones. Without git, return all files outside hidden folders."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return [path for line in run.stdout.splitlines() if (path := ROOT / line).is_file()]
    kept = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in kept if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]
