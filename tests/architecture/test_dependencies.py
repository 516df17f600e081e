"""Dependencies: the packages that src imports, as declared in pyproject.toml."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, modules, name_of, parsed

# Declared without an import: the meta package of both OTLP exporters, and the gRPC one, which is found by entry point.
NOT_IMPORTED = {"opentelemetry-exporter-otlp", "opentelemetry-exporter-otlp-proto-grpc"}
# Imported by the modules of one folder, which are loaded on use: the package of an extra.
EXTRAS = {"grafana-foundation-sdk": "src/flext_observability/wire/grafana/"}
_LOADERS = {"import_module", "find_spec"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {normal(re.split(r"[\[>=<]", entry)[0]) for entry in project["dependencies"]}


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a module imports, also those of ``import_module("…")``."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.Call(func=ast.Name(id=loader), args=[ast.Constant(value=str(module)), *_]) if loader in _LOADERS:
                yield module
            case _:
                pass


def foreign(path: Path) -> set[str]:
    own = {*sys.stdlib_module_names, "flext_observability"}
    return {name for name in names_in(parsed(path)) if name.partition(".")[0] not in own}


def modules_of(distribution: Distribution) -> set[str]:
    """Return the dotted names of the modules and packages that a distribution installs."""
    files = [file for file in distribution.files or () if file.suffix in {".py", ".so", ".pyi"}]
    stems = {tuple(part.partition(".")[0] for part in file.parts) for file in files}
    return {".".join(stem).removesuffix(".__init__") for stem in stems}


@pytest.fixture(scope="module")
def installed() -> dict[str, str]:
    """Return the name of the distribution of each importable module."""
    return {module: normal(each.name) for each in distributions() for module in modules_of(each)}


def owner(name: str, installed: dict[str, str]) -> str:
    """Return the distribution of the longest prefix that is a module."""
    while name and name not in installed:
        name = name.rpartition(".")[0]
    return installed.get(name, "")


def test_every_imported_package_is_a_declared_dependency(installed: dict[str, str]) -> None:
    wanted = {f"{name_of(path)}: {name}": owner(name, installed) for path in modules() for name in foreign(path)}
    assert wanted
    others = {where: package for where, package in wanted.items() if package not in declared()}
    assert {where for where, package in others.items() if not where.startswith(EXTRAS.get(package, "?"))} == set()


def test_every_package_of_an_extra_is_declared_as_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {
        normal(re.split(r"[\[>=<]", each)[0]) for entry in project["optional-dependencies"].values() for each in entry
    }
    assert extras >= EXTRAS.keys()


def test_every_declared_dependency_is_imported(installed: dict[str, str]) -> None:
    imported = {owner(name, installed) for path in modules() for name in foreign(path)}
    assert (declared() | EXTRAS.keys()) - imported == NOT_IMPORTED


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import grpc", ["grpc"]),
        ("def f():\n    from google.rpc import status_pb2", ["google.rpc.status_pb2"]),
        ("from .a import b", []),
        ("import_module('grpc')\nimport_module(name)\nother('grpc')", ["grpc"]),
    ],
)
def test_imports_are_found_in_every_form(source: str, names: list[str]) -> None:
    assert list(names_in(ast.parse(source))) == names
