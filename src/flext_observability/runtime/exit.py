"""Ends and forks of the process → one callback each (atexit, fork, multiprocessing children)."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import Any

from flext_observability.runtime.fork import defer_threads, start_threads
from flext_observability.runtime.fork_barrier import FORK_BARRIER


class Lifecycle:
    """Watches the process.

    Args:
        at_exit: Called when the interpreter ends, and when a ``multiprocessing`` child ends (those skip ``atexit``).
        in_child: Called in a forked child before anything else runs there.
    """

    def __init__(self, at_exit: Callable[[], object], in_child: Callable[[], object]) -> None:
        self._at_exit = at_exit
        self._in_child = in_child
        self._finalizing = False

    def watch(self) -> None:
        """Begin to watch; to be called once."""
        atexit.register(self._at_exit)
        defer_threads()
        os.register_at_fork(before=FORK_BARRIER.hold, after_in_parent=FORK_BARRIER.let_go, after_in_child=self._forked)
        self._watch_multiprocessing()

    def _forked(self) -> None:
        FORK_BARRIER.reinit_after_fork()
        self._in_child()
        start_threads()
        self._watch_multiprocessing()

    def _watch_multiprocessing(self) -> None:
        """Ask to be called at the end of a ``multiprocessing`` child, when this process is or may become one."""
        util: Any = sys.modules.get("multiprocessing.util")
        if util is None:  # pragma: no cover — whoever measures lines has it loaded
            return
        if not self._finalizing:
            # A child clears its finalizers first and then calls these, so that is the moment to add one.
            self._finalizing = True
            util.register_after_fork(self, Lifecycle._add_finalizer)
        if sys.modules["multiprocessing.process"].parent_process() is not None:
            self._add_finalizer()  # that moment has passed

    def _add_finalizer(self) -> None:
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, self._at_exit, exitpriority=0)
