"""Module name and function → the function is called once the program has imported the module (standard library only).

Importing a large module only to register something with it costs start-up time, in most programs for nothing.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def call_after_import(module: str, function: Callable[[], object]) -> None:
    """Call a function after the import of a module; now if another import of it has begun.

    Args:
        module: Full name.
        function: Called once, in the importing thread, which may hold import locks. Its errors are logged.
    """
    if module in sys.modules:
        _call(module, function)
        return
    _finder.pending[module] = function
    if _finder not in sys.meta_path:
        # Never removed: the import of another thread may be iterating over the list, and would skip a finder.
        sys.meta_path.insert(0, _finder)


def _call(module: str, function: Callable[[], object]) -> None:
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - the import belongs to the program
        reraise_interrupt(error)
        report_once(f"Registering with {module}", error)


@final
class _Finder:
    """Finds awaited modules with the other finders. The import of all other modules is left to these."""

    def __init__(self) -> None:
        self.pending: dict[str, Callable[[], object]] = {}
        self._thread = threading.local()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self.pending or hasattr(self._thread, "searches"):
            return None
        self._thread.searches = True  # other finders may search through all finders
        try:
            spec = _find(name, path, target)
        finally:
            del self._thread.searches
        if spec is not None and hasattr(spec.loader, "exec_module"):
            loader: Any = _Loader(spec.loader)
            spec.loader = loader
        return spec


def _find(name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
    for finder in [each for each in sys.meta_path if each is not _finder and hasattr(each, "find_spec")]:
        spec = finder.find_spec(name, path, target)
        if spec is not None:
            return spec
    return None


@final
class _Loader:
    """Loads one module with its own loader, which the module has from then on."""

    def __init__(self, loader: Any) -> None:  # noqa: ANN401 - of any class
        self._loader = loader

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the loader
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        function = _finder.pending.pop(module.__name__, None)
        if function is not None:
            _call(module.__name__, function)


_finder: Final = _Finder()
