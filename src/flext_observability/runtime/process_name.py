"""Name of this process among the processes of one program: stable across runs, unique within one."""

from __future__ import annotations

import os
import sys
from typing import final

from flext_observability.runtime.fork import register_holder
from flext_observability.runtime.runtime import current_runtime


@final
class _ForkCounter:
    """Counts the forks that led to this process, from its first use on."""

    def __init__(self) -> None:
        self._forks = 0
        self._pid = os.getpid()
        self._path = _multiprocessing_name()
        register_holder(self)

    def name(self) -> str:
        return ".".join(self._path)

    def hold_for_fork(self) -> None:
        self._forks += 1

    def release_after_fork(self) -> None:
        # Of the holders' phase: exporters created later in the child read its name.
        if self._pid != os.getpid():
            self._pid, self._path, self._forks = os.getpid(), (*self._path, f"fork-{self._forks}"), 0


def process_name() -> str:
    """Return the name, such as ``SpawnPoolWorker-1`` or ``fork-2``; empty for the first process.

    Children of ``multiprocessing`` have the name that it gave them. Other forked children are numbered, from the first
    call in their parent on.
    """
    return current_runtime().get(_ForkCounter).name()


def _multiprocessing_name() -> tuple[str, ...]:
    process = sys.modules.get("multiprocessing.process")
    # Not parent_process(): it is still None while a spawned child imports the program.
    name = "MainProcess" if process is None else process.current_process().name
    return () if name == "MainProcess" else (name,)
