"""This process → its name among the processes of one program: the same in the next run, and no other's in this one."""

from __future__ import annotations

import os
import sys
from typing import final


@final
class Lineage:
    """Counts the forks that led to this process.

    Child processes that start a fresh interpreter (``spawn``, ``forkserver``) have the name that ``multiprocessing`` gave them.
    """

    __slots__ = ("_forks", "_pid", "_steps")

    def __init__(self) -> None:
        self._forks = 0
        self._pid = 0
        self._steps: tuple[str, ...] = ()

    def name(self) -> str:
        """Return the name, such as ``fork-2`` or ``SpawnPoolWorker-1``; empty for the first process. Counts forks from then on."""
        if not self._pid:
            self._pid, self._steps = os.getpid(), _given_name()
            os.register_at_fork(before=self._count)
        self._descend()
        return ".".join(self._steps)

    def _count(self) -> None:
        self._descend()
        self._forks += 1

    def _descend(self) -> None:
        # Asked, not told: hooks in the child run in an order of their own, and its exporters may be made before ours.
        if self._pid != os.getpid():
            self._pid, self._steps = os.getpid(), (*self._steps, f"fork-{self._forks}")
            self._forks = 0


def _given_name() -> tuple[str, ...]:
    """Return the name of a child of ``multiprocessing``; nothing for the first process."""
    process = sys.modules.get("multiprocessing.process")
    # While a spawned child imports the program, its parent is not known yet, and its name is.
    name = "MainProcess" if process is None else process.current_process().name
    return () if name == "MainProcess" else (name,)


LINEAGE = Lineage()
