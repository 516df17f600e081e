"""Exit of the process: one callback when the interpreter or a ``multiprocessing`` child ends."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from typing import Any, final

from flext_observability.runtime.fork import register_restart


@final
class ExitHook:
    """Calls a function at exit.

    ``multiprocessing`` children skip ``atexit``; there the function runs as a finalizer.

    Args:
        at_exit: Called once in each process. It must return within its own deadline.
    """

    def __init__(self, at_exit: Callable[[], object]) -> None:
        self._at_exit = at_exit
        self._registered_after_fork = False
        atexit.unregister(at_exit)  # of a former runtime
        atexit.register(at_exit)
        register_restart(self)
        self._register_multiprocessing()

    def restart_after_fork(self) -> None:
        """Cover a child that becomes a ``multiprocessing`` child."""
        self._register_multiprocessing()

    def _register_multiprocessing(self) -> None:
        util: Any = sys.modules.get("multiprocessing.util")
        if util is None:  # not a program of multiprocessing
            return
        if not self._registered_after_fork:
            # A child clears its finalizers before it calls these.
            self._registered_after_fork = True
            util.register_after_fork(self, ExitHook._add_finalizer)
        if sys.modules["multiprocessing.process"].parent_process() is not None:
            self._add_finalizer()  # this child has called them already

    def _add_finalizer(self) -> None:
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, self._at_exit, exitpriority=0)
