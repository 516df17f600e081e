"""Private OpenTelemetry names are used only in engine/compat.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import SOURCE, modules, name_of, parsed

# The logs API and SDK have no public modules yet. These count as public.
PUBLIC = (
    "opentelemetry._logs",
    "opentelemetry.exporter.otlp.proto.common._log_encoder",
    "opentelemetry.sdk._logs",
)


def private_names(tree: ast.Module) -> Iterator[str]:
    """Yield the private names of OpenTelemetry that a module imports or reads."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        for dotted, bound in _imported(node):
            if bound:
                aliases[bound] = dotted
            if _is_private(dotted):
                yield dotted
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (dotted := _resolved(node, aliases)) and _is_private(dotted):
            yield dotted


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield alias.name, alias.asname or ""
                if not alias.asname:
                    yield alias.name.partition(".")[0], alias.name.partition(".")[0]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            for alias in names:
                yield f"{module}.{alias.name}", alias.asname or alias.name
        case ast.Call(func=ast.Name(id="import_module" | "__import__"), args=[ast.Constant(value=str(name)), *_]):
            yield name, ""
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
            yield name, ""
        case _:
            pass


def _resolved(node: ast.Attribute, aliases: dict[str, str]) -> str:
    parts = [node.attr]
    value: ast.expr = node.value
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    if not isinstance(value, ast.Name) or value.id not in aliases:
        return ""
    return ".".join([aliases[value.id], *reversed(parts)])


def _is_private(dotted: str) -> bool:
    if not dotted.startswith("opentelemetry"):
        return False
    for public in PUBLIC:
        if dotted == public or dotted.startswith(public + "."):
            dotted = dotted.removeprefix(public)
            break
    return any(part.startswith("_") and not part.startswith("__") for part in dotted.split("."))


@pytest.mark.parametrize("path", [path for path in modules() if path != SOURCE / "engine" / "compat.py"], ids=name_of)
def test_only_compat_uses_private_names_of_opentelemetry(path: Path) -> None:
    assert list(private_names(parsed(path))) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from opentelemetry.sdk.trace import _Span", "opentelemetry.sdk.trace._Span"),
        ("from opentelemetry.metrics._internal import Meter", "opentelemetry.metrics._internal.Meter"),
        ("import opentelemetry.sdk.metrics._internal.point", "opentelemetry.sdk.metrics._internal.point"),
        ("import opentelemetry.sdk.trace as t\nt._Span", "opentelemetry.sdk.trace._Span"),
        ("from opentelemetry import trace\ntrace._TRACER_PROVIDER", "opentelemetry.trace._TRACER_PROVIDER"),
        ("def f():\n    from opentelemetry.sdk._logs._internal import X", "opentelemetry.sdk._logs._internal.X"),
        ("import opentelemetry.trace\nopentelemetry.trace._x.y", "opentelemetry.trace._x.y"),
        ("import_module('opentelemetry.sdk.metrics._internal')", "opentelemetry.sdk.metrics._internal"),
    ],
)
def test_a_private_name_is_found(code: str, found: str) -> None:
    assert found in list(private_names(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "from opentelemetry._logs import get_logger",
        "from opentelemetry.sdk._logs.export import LogRecordExporter",
        "from opentelemetry import trace\ntrace.__name__",
        "from flext_observability import _x",
    ],
)
def test_a_public_name_is_accepted(code: str) -> None:
    assert list(private_names(ast.parse(code))) == []
