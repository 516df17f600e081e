"""Imports of other threads at a fork: the fork waits for them, and a forked child repeats those that were cut off.

A forked child inherits the half-imported modules and the import locks of all threads, but not the threads: an import of
such a module fails or blocks in the child. CPython has no public names for these locks. Its private ones are used here
only, and forks do not wait where they are missing (standard library only).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from threading import get_ident
from typing import Any, Final

from flext_observability.values.named_tuple import NamedTuple

MAX_WAIT_SECONDS: Final = 30.0
"""Limit that ends a wait for an import that waits for the forking thread."""
POLL_SECONDS: Final = 0.002
# Packages that telemetry imports, besides the standard library. A program may run inside an import of its own.
_PACKAGES: Final = frozenset(
    {
        "flext_observability",
        "opentelemetry",
        "google",
        "grpc",
        "pydantic",
        "pydantic_core",
        "pydantic_settings",
        "annotated_types",
        "typing_extensions",
        "typing_inspection",
        "importlib_metadata",
        "rich",
        "pygments",
        "markdown_it",
        "psutil",
        "structlog",
        "waitress",
        "prometheus_client",
        "requests",
        "urllib3",
        "charset_normalizer",
        "certifi",
        "idna",
    }
)
_abandoned: Final[set[RunningImport]] = set()


class RunningImport(NamedTuple):
    """An import in progress.

    Attributes:
        module: Full name of the module.
        thread: Identifier of the importing thread.
    """

    module: str
    thread: int


def wait_for_imports(limit_seconds: float = MAX_WAIT_SECONDS) -> None:
    """Wait until no other thread imports a module that telemetry needs.

    An import that does not end within the limit is not waited for again.
    """
    deadline = time.monotonic() + limit_seconds
    while running := [each for each in running_imports() if is_needed(each.module) and each not in _abandoned]:
        if time.monotonic() >= deadline:
            _abandoned.update(running)
            return
        time.sleep(POLL_SECONDS)


def running_imports() -> list[RunningImport]:
    """Return the imports in progress in other threads."""
    me, found = get_ident(), list[RunningImport]()
    for module, reference in list(_module_locks().items()):
        owner: int | None = getattr(reference(), "owner", None)
        if owner is not None and owner != me:
            found.append(RunningImport(module, owner))
    return found


def is_needed(module: str) -> bool:
    """Return whether a module is part of the standard library, of this package or of its dependencies."""
    package = module.partition(".")[0]
    return package in sys.stdlib_module_names or package in _PACKAGES


def drop_cut_off_imports(threads: Collection[int] = ()) -> None:
    """Let a forked child import the modules again whose import the fork has cut off.

    Args:
        threads: Threads of the parent whose imports are all dropped; of other threads, those of needed modules.
    """
    for module, thread in running_imports():
        if thread in threads or is_needed(module):
            _module_locks().pop(module, None)
            if getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False):
                del sys.modules[module]


def _module_locks() -> dict[str, Any]:
    """Return CPython's weak references to the locks of modules by name."""
    locks: dict[str, Any] = getattr(sys.modules["_frozen_importlib"], "_module_locks", {})
    return locks
