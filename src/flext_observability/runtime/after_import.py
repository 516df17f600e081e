"""Module name and function → the function is called once the program has imported the module (standard library only).

Importing a large module only to register something with it costs start-up time, in most programs for nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def call_after_import(module: str, function: Callable[[], object]) -> None:
    """Call a function after the import of a module; now if it is imported already.

    Args:
        module: Full name.
        function: Called once, in the importing thread. It must not raise.
    """
    if module in sys.modules:
        function()
        return
    _finder.pending[module] = function
    if _finder not in sys.meta_path:
        # Never removed: another thread may be iterating over the list.
        sys.meta_path.insert(0, _finder)


@final
class _Finder:
    """Finds awaited modules with the other finders, and calls their function after the load."""

    def __init__(self) -> None:
        self.pending: dict[str, Callable[[], object]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self.pending:
            return None
        others = (each for each in sys.meta_path if each is not self)
        found = (each.find_spec(name, path, target) for each in others)
        spec = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            loader.exec_module = partial(self._load, name, loader.exec_module)  # of this one object
        return spec

    def _load(self, name: str, load: Callable[[ModuleType], None], module: ModuleType) -> None:
        load(module)
        function = self.pending.pop(name, None)
        if function is not None:
            function()


_finder: Final = _Finder()
