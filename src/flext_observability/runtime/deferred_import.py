"""Optional import of a package by a module → done when the module uses the package (standard library only).

OpenTelemetry's resources import psutil, 5 % of a start, for one detector that few programs use. Only this import is
deferred: the package is not hidden from other modules and threads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_IMPORT_SYSTEM: Final = ("importlib.", "_frozen_importlib")


@contextmanager
def deferred_import(package: str, *, by: str) -> Iterator[None]:
    """Defer the import of an installed package by a module that is imported in the body for the first time.

    Args:
        package: Name of the package. It is not imported yet, otherwise nothing is deferred.
        by: Full name of the module. It sets its variable of this name to None where the package is not installed.
    """
    importer = sys.modules.get(by)
    if importer is not None or package in sys.modules:
        yield
        return
    finder = _finder
    if finder not in sys.meta_path:
        # Never removed: the import of another thread may be iterating over the list, and would skip a finder.
        sys.meta_path.insert(0, finder)
    finder.deferred[package] = by
    try:
        yield
    finally:
        finder.deferred.pop(package, None)
        if package in finder.found:
            finder.found.discard(package)
            _complete(sys.modules.get(by), package)


def _complete(module: ModuleType | None, package: str) -> None:
    if getattr(module, package, module) is None:
        setattr(module, package, _LazyModule(package))


@final
class _LazyModule:
    """Has the attributes of a module, which the first one imports."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the module
        return getattr(import_module(self._name), name)


@final
class _Finder:
    """Finds no deferred package for the module that would import it."""

    def __init__(self) -> None:
        self.deferred: dict[str, str] = {}
        self.found: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        importer = self.deferred.get(name)
        if importer is None or _importer() != importer:
            return None
        others = (each for each in sys.meta_path if each is not self and hasattr(each, "find_spec"))
        if all(each.find_spec(name, path, target) is None for each in others):
            return None
        self.found.add(name)
        raise ModuleNotFoundError(f"The import of {name} is deferred", name=name)


def _importer() -> str:
    """Return the name of the module whose statement is the import in progress."""
    frame: Any = sys._getframe(2)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented
    while _name(frame).startswith(_IMPORT_SYSTEM):
        frame = frame.f_back
    return _name(frame)


def _name(frame: Any) -> str:  # noqa: ANN401 - a frame, or None at the end
    return str(getattr(frame, "f_globals", {}).get("__name__"))


_finder: Final = _Finder()
