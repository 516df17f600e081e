"""README and docs: code blocks run, commands exist, links resolve."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.docs.output import environment, problems, unaccounted
from tests.docs.pages import ROOT, Block, blocks, name_of, pages
from tests.docs.shell import SCRIPTS, SHELLS

RUNNER = Path(__file__).with_name("run_page.py")
RUNNABLE = ("python", "pycon")
DATA = ("json", "toml", "yaml")
OTHERS = ("diff", "dockerfile", "ini", "logql", "markdown", "mermaid", "promql", "text")
LANGUAGES = {*RUNNABLE, *SHELLS, *DATA, *OTHERS}
PLACEHOLDER = re.compile(r"[<…]")


def _of(path: Path, *languages: str) -> list[Block]:
    return [block for block in blocks(path.read_text(encoding="utf-8")) if block.language in languages]


def _not_run() -> list[tuple[str, str]]:
    return [
        (f"{name_of(path)}:{block.line}", block.reason)
        for path in pages()
        for block in blocks(path.read_text(encoding="utf-8"))
        if block.reason
    ]


@pytest.mark.parametrize("path", [path for path in pages() if _of(path, *RUNNABLE)] or pages()[:1], ids=name_of)
def test_python_blocks_print_the_output_of_the_page(path: Path, tmp_path: Path) -> None:
    folder, written = tmp_path / "folder", tmp_path / "written.json"
    folder.mkdir()
    command = [sys.executable, "-W", "error", str(RUNNER), str(path), str(written)]
    run = subprocess.run(
        command, env=environment(), cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    found = problems(path, json.loads(written.read_text(encoding="utf-8")))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_every_text_block_is_compared_or_has_a_reason(path: Path) -> None:
    assert unaccounted(list(blocks(path.read_text(encoding="utf-8"))), "python", *SCRIPTS) == []


@pytest.mark.parametrize(("where", "reason"), _not_run() or [("no page", "every block is run and compared")])
def test_blocks_without_run_or_comparison_have_a_reason(where: str, reason: str) -> None:
    assert reason != "no reason given", where
    if where != "no page":
        pytest.skip(f"documentation block {where} is not run or compared: {reason}")


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_every_block_names_its_language(path: Path) -> None:
    found = blocks(path.read_text(encoding="utf-8"))
    assert [f"line {block.line}: {block.language!r}" for block in found if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_data_blocks_parse(path: Path) -> None:
    parsers: dict[str, Callable[[str], object]] = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
    }
    for block in _of(path, *parsers):
        if not block.reason:
            parsers[block.language](block.code)


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_commands_exist(path: Path) -> None:
    saved = {block.file for block in _of(path, *RUNNABLE)}
    wrong = [
        f"line {block.line}: {problem}"
        for block in _of(path, *SHELLS)  # tagged ones too, because readers type them
        for line in _commands(block)
        if (problem := _problem(line, saved))
    ]
    assert wrong == []


def _commands(block: Block) -> list[str]:
    lines = block.code.replace("\\\n", " ").splitlines()
    if block.language == "console":  # the rest is output
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    return [part.strip() for line in lines for part in re.split(r"&&|\|\||;|\|", line.split(" #")[0]) if part.strip()]


def _problem(command: str, saved: set[str]) -> str:
    if command.startswith("#"):
        return ""
    words = shlex.split(command)
    while words and re.match(r"[A-Za-z_]+=", words[0]):
        words.pop(0)
    if not words or PLACEHOLDER.search(command):
        return ""
    name = Path(words[0]).name
    if name == "make":
        return _unknown_targets(words[1:])
    if name.startswith(("python", "pip")):
        return _unknown_module(words, saved)
    return ""


def _unknown_targets(words: list[str]) -> str:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = [word for word in words if "=" not in word and not word.startswith("-") and word not in targets]
    return f"make has no target {', '.join(unknown)}" if unknown else ""


def _unknown_module(words: list[str], saved: set[str]) -> str:
    if "install" in words:
        return _unknown_extras(words)
    if "-m" in words:
        module = words[words.index("-m") + 1]
        return "" if module in {"venv", "pip"} or find_spec(module) else f"there is no module {module}"
    scripts = [word for word in words[1:] if word.endswith(".py") and word not in saved]
    missing = [word for word in scripts if not (ROOT / word).is_file()]
    return f"there is no file {', '.join(missing)}" if missing else ""


def _unknown_extras(words: list[str]) -> str:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {
        name
        for word in words
        if (found := re.search(r"(?:flext-observability|^\.)\[(.+)\]", word))
        for name in found[1].split(",")
    }
    return f"there is no extra {', '.join(sorted(asked - set(extras)))}" if asked - set(extras) else ""


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_links_inside_the_repository_resolve(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        other = (path.parent / file) if file else path
        if not other.exists() or (anchor and anchor not in _anchors(other)):
            missing.append(target)
    assert missing == []


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+?) *$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
