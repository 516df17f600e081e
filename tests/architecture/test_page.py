"""docs/architecture.md: its packages, layers and files are those of the repository."""

from __future__ import annotations

import re
import tomllib

from tests.architecture.tree import ROOT, SOURCE

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_page_names_every_package_and_no_other() -> None:
    rows = re.findall(r"^\|[^|]*\| `([\w./]+)` \|", PAGE, re.MULTILINE)
    packages = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in SOURCE.iterdir()
        if path.name not in {"__pycache__", "py.typed"} and not path.name.startswith(".")
    }
    packages |= {f"monitoring/{path.parent.name}/" for path in (ROOT / "monitoring").glob("*/__init__.py")}
    assert len(rows) == len(set(rows))
    assert set(rows) == packages


def test_the_page_shows_the_checked_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    checked = [re.sub(r"\(\w+\)( \| )?|( \| )?\(\w+\)", "", layer) for layer in contracts[0]["layers"]]
    shown = PAGE.partition("## Layers")[2].partition("```text no-output\n")[2].partition("```")[0].split("\n")
    assert shown[:-1] == [layer for layer in checked if layer]


def test_every_file_named_by_the_page_exists() -> None:
    named = re.findall(r"`((?:\w+/)*\w+(?:/|\.py|\.toml|\.txt|\.md))`", PAGE)
    folders = (SOURCE, ROOT, ROOT / "tests", ROOT / "monitoring")
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_the_page_names_the_oldest_supported_sdk() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    bound = next(entry.partition(">=")[2] for entry in dependencies if entry.startswith("opentelemetry-sdk"))
    assert f"Oldest supported SDK: {bound}" in PAGE
