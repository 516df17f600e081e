"""Functions that are called after the import of a module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from flext_observability.runtime.after_import import call_after_import

NAME = "flext_awaited_module"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop(NAME, None)


def test_the_function_is_called_once_after_the_import(folder: Path) -> None:
    (folder / f"{NAME}.py").write_text("value = 1")
    calls: list[object] = []
    call_after_import(NAME, lambda: calls.append(sys.modules[NAME].value))
    assert calls == []
    module = import_module(NAME)
    assert calls == [1]
    assert module.__spec__ is not None
    assert module.__spec__.origin == str(folder / f"{NAME}.py")
    del sys.modules[NAME]
    import_module(NAME)
    assert calls == [1]


def test_the_function_is_called_at_once_for_an_imported_module() -> None:
    calls: list[object] = []
    call_after_import("sys", lambda: calls.append(1))
    assert calls == [1]


def test_an_import_that_fails_may_succeed_later(folder: Path) -> None:
    calls: list[object] = []
    call_after_import(NAME, lambda: calls.append(1))
    with pytest.raises(ModuleNotFoundError):
        import_module(NAME)
    path = folder / f"{NAME}.py"
    path.write_text("raise RuntimeError")
    with pytest.raises(RuntimeError):
        import_module(NAME)
    path.write_text("value = 12345")
    import_module(NAME)
    assert calls == [1]


def test_a_second_execution_does_not_call_again(folder: Path) -> None:
    (folder / f"{NAME}.py").write_text("")
    calls: list[object] = []
    call_after_import(NAME, lambda: calls.append(1))
    module = import_module(NAME)
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
    assert calls == [1]
