"""A blind ``except`` contains every exception of foreign code, and lets interrupts of the program through."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import modules, name_of, parsed

BLIND = {"Exception", "BaseException"}


def faults(tree: ast.Module) -> Iterator[str]:
    """Yield a line for each blind ``except`` or ``suppress`` that breaks the rule."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and BLIND & _names(node.type) and not _is_correct(node):
            yield f"line {node.lineno}: catch BaseException alone, and call reraise_interrupt(error) first, or raise"
        if isinstance(node, ast.Call) and _names(node.func) == {"suppress"}:
            yield from (
                f"line {node.lineno}: suppress hides {name}" for each in node.args for name in BLIND & _names(each)
            )


def _names(node: ast.expr | None) -> set[str]:
    match node:
        case None:
            return {"Exception"}  # a bare except
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {name}
        case ast.Tuple(elts=elements):
            return {name for each in elements for name in _names(each)}
        case _:
            return set()


def _is_correct(handler: ast.ExceptHandler) -> bool:
    match handler.type, handler.body:
        case ast.Name(id="BaseException"), [
            ast.Expr(ast.Call(ast.Name(id="reraise_interrupt"), [ast.Name(id=name)])),
            *_,
        ]:
            return name == handler.name
        case ast.Name(id="BaseException"), [*_, ast.Raise()]:
            return True
        case ast.Name(id="BaseException"), _:
            return handler.name == "thrown"  # thrown into the generator that the program gave
        case _:
            return False


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_blind_except_contains_everything_but_interrupts(path: Path) -> None:
    assert list(faults(parsed(path))) == []


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept: pass",
        "try: f()\nexcept (ValueError, Exception) as error: reraise_interrupt(error)",
        "try: f()\nexcept BaseException as error: log(error)",
        "try: f()\nexcept BaseException as error: reraise_interrupt(other)",
        "with suppress(Exception): f()",
        "with contextlib.suppress(OSError, BaseException): f()",
    ],
)
def test_a_fault_is_found(code: str) -> None:
    assert len(list(faults(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept BaseException as error: reraise_interrupt(error)",
        "try: f()\nexcept BaseException:\n    undo()\n    raise",
        "try: f()\nexcept ValueError: pass",
        "with suppress(OSError): f()",
    ],
)
def test_a_correct_handler_is_accepted(code: str) -> None:
    assert list(faults(ast.parse(code))) == []
