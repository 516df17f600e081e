"""Ends and forks of the process → one callback each (atexit, fork, multiprocessing children)."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import Any


class Lifecycle:
    """Watches the process; registers with the interpreter once, on first use.

    Args:
        at_exit: Called when the interpreter ends, and when a ``multiprocessing`` child ends (those skip ``atexit``).
        in_child: Called in a forked child before anything else runs there.
    """

    def __init__(self, at_exit: Callable[[], object], in_child: Callable[[], object]) -> None:
        self._at_exit = at_exit
        self._in_child = in_child
        self._watching = False

    def watch(self) -> None:
        """Begin to watch; calling again changes nothing."""
        if self._watching:
            return
        self._watching = True
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._in_child()
        multiprocessing: Any = sys.modules.get("multiprocessing.util")
        if multiprocessing is not None:
            # The child clears its finalizers first and then runs these, so this is the moment to add one.
            multiprocessing.register_after_fork(self, Lifecycle._finalize_in_child)

    def _finalize_in_child(self) -> None:
        multiprocessing: Any = sys.modules["multiprocessing.util"]
        multiprocessing.Finalize(None, self._at_exit, exitpriority=0)
