"""docs/architecture.md → names exactly the rooms and layers that are there."""

from __future__ import annotations

import re
import tomllib

from tests.architecture.tree import ROOT, SOURCE

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_page_names_each_room_and_no_other() -> None:
    rows = re.findall(r"^\|[^|]*\| `([\w./]+)` \|", PAGE, re.MULTILINE)
    rooms = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in SOURCE.iterdir()
        if path.name not in {"__pycache__", "py.typed"} and not path.name.startswith(".")
    }
    assert len(rows) == len(set(rows))
    assert set(rows) == rooms


def test_the_page_draws_the_layers_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    checked = [re.sub(r"\(\w+\)( \| )?|( \| )?\(\w+\)", "", layer) for layer in contracts[0]["layers"]]
    drawn = PAGE.partition("## Layers")[2].partition("```text no-output\n")[2].partition("```")[0].split("\n")
    assert drawn[:-1] == [layer for layer in checked if layer]


def test_every_file_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:\w+/)*\w+(?:/|\.py|\.toml|\.txt|\.md))`", PAGE)
    folders = (SOURCE, ROOT, ROOT / "tests")
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_the_oldest_sdk_of_the_page_is_the_one_required() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    bound = next(entry.partition(">=")[2] for entry in dependencies if entry.startswith("opentelemetry-sdk"))
    assert f"Oldest supported SDK: {bound}" in PAGE
