"""Functions that are called after the import of a module."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module, reload
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from flext_observability.runtime.after_import import call_after_import

NAME = "flext_awaited_module"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop(NAME, None)


@pytest.fixture
def calls(folder: Path) -> list[object]:
    (folder / f"{NAME}.py").write_text("value = 1\n")
    found: list[object] = []
    call_after_import(NAME, lambda: found.append(sys.modules[NAME].value))
    return found


def test_the_function_is_called_once_after_the_import(calls: list[object]) -> None:
    assert calls == []
    import_module(NAME)
    assert calls == [1]
    del sys.modules[NAME]
    import_module(NAME)
    assert calls == [1]


def test_the_module_has_its_own_loader(calls: list[object], folder: Path) -> None:
    module = import_module(NAME)
    assert calls == [1]
    assert module.__spec__ is not None
    loader: Any = module.__spec__.loader
    assert type(loader) is type(module.__loader__) is SourceFileLoader
    assert module.__spec__.origin == str(folder / f"{NAME}.py")
    assert reload(module) is module
    loader.exec_module(module)
    assert calls == [1]


def test_a_search_without_an_import_calls_nothing(calls: list[object]) -> None:
    spec = find_spec(NAME)
    assert spec is not None
    loader: Any = spec.loader
    assert loader.get_source(NAME) == "value = 1\n"
    assert calls == []
    module = import_module(NAME)
    assert calls == [1]
    loader.exec_module(module)
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


def test_an_error_of_the_function_is_logged_and_the_import_succeeds(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / f"{NAME}.py").write_text("")

    def fail() -> None:
        raise KeyError("name")

    call_after_import(NAME, fail)
    with caplog.at_level(logging.WARNING, "flext_observability"):
        assert import_module(NAME).__name__ == NAME
    assert [each.getMessage() for each in caplog.records] == [
        f"Registering with {NAME} failed: KeyError: 'name'; the program continues without it"
    ]


class _SearchingFinder:
    """Finds modules through all finders, as wrapt and ddtrace do."""

    def __init__(self) -> None:
        self.searches = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != NAME or self.searches:
            return None
        self.searches = True
        try:
            return find_spec(name)
        finally:
            self.searches = False


@pytest.mark.parametrize("first", [True, False])
def test_finders_that_search_through_all_finders_are_called(
    calls: list[object], monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    others = [_SearchingFinder(), *sys.meta_path] if first else [*sys.meta_path[:1], _SearchingFinder(), PathFinder]
    monkeypatch.setattr(sys, "meta_path", others)
    assert type(import_module(NAME).__loader__) is SourceFileLoader
    assert calls == [1]


class _OldFinder:
    """Finds a module with a loader of Python 3.3, which has no ``exec_module``."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def find_spec(self, name: str, *_: object) -> ModuleSpec:
        return ModuleSpec(name, self._loader)


def test_other_finders_and_loaders_are_left_alone(calls: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    loader: Any = object()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path[:1], object(), _OldFinder(loader), *sys.meta_path[1:]])
    spec = find_spec(NAME)
    assert spec is not None
    assert spec.loader is loader
    assert calls == []


def test_a_module_without_a_spec_is_executed(calls: list[object]) -> None:
    spec = find_spec(NAME)
    assert spec is not None
    assert spec.loader is not None
    module = ModuleType(NAME)
    sys.modules[NAME] = module
    assert spec.loader.create_module(spec) is None
    spec.loader.exec_module(module)
    assert type(module.__loader__) is SourceFileLoader
    assert calls == [1]
