"""Rules for every module: docstring, size, exported names, and forbidden text."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, SOURCE, modules, name_of, parsed, text_files

MAX_MODULE_LINES = 400
MIN_MODULE_LINES = 25
FACES = {"__init__.py", "__main__.py", "_version.py"}
MAX_BODY_LINES = 30
# Measured hot functions, each with the benchmark that justifies it: "module.function": "benchmark".
HOT: dict[str, str] = {
    "encode_logs.encode": "OTLP encoding, log record",
    "record_fields.queue_if_plain": "log record",
    "tracer.start_span": "recorded span",
}
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
PACKAGES = [path for path in modules() if path.name == "__init__.py" and path.parent != SOURCE]
MODULES = [path for path in modules() if path not in PACKAGES]
OTHERS = [path for path in text_files() if path.suffix == ".py" and SOURCE not in path.parents]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_first_line_of_a_module_docstring_is_a_sentence(path: Path) -> None:
    first = (ast.get_docstring(parsed(path)) or "").partition("\n")[0]
    assert first.endswith("."), "the first line of a docstring is one sentence"


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_a_sub_package_init_is_empty(path: Path) -> None:
    assert path.read_text() == ""


@pytest.mark.parametrize("path", MODULES + OTHERS, ids=name_of)
def test_a_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_MODULE_LINES


@pytest.mark.parametrize("path", [path for path in MODULES if path.name not in FACES], ids=name_of)
def test_a_module_has_25_lines_or_more(path: Path) -> None:
    assert len(path.read_text().splitlines()) >= MIN_MODULE_LINES, "merge it into a related module"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_has_at_most_30_lines(path: Path) -> None:
    long = [
        f"{node.name}: {lines} lines"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := _body_lines(node)) > MAX_BODY_LINES
        and f"{path.stem}.{node.name}" not in HOT
    ]
    assert long == []


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_exported_name_exists(path: Path) -> None:
    tree = parsed(path)
    exported = [
        name
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]
        for name in (ast.literal_eval(node.value) if isinstance(node.value, ast.List | ast.Tuple) else ())
    ]
    assert len(exported) == len(set(exported))
    assert set(exported) <= _bound(tree) or path.parent == SOURCE  # the root resolves its names on use


def _bound(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias(name=name, asname=asname):
                names.add(asname or name)
            case _:
                pass
    return names


def test_no_file_has_a_marker_for_unfinished_work() -> None:
    marked = [
        f"{name_of(path)}:{number}"
        for path in text_files()
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ""} and path.suffix != ".lock"
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert marked == []


def test_no_file_names_a_home_folder() -> None:
    folder = re.compile(r"(?<![\w.])/(?:root|home/\w+|Users/\w+)/")
    found = [
        name_of(path)
        for path in text_files()
        if path != Path(__file__) and folder.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_the_repository_is_the_one_under_test() -> None:
    assert len(MODULES) > 20
    assert (ROOT / "pyproject.toml").is_file()
