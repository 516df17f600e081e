"""Sections of threads that a fork waits for, so that no child inherits a half-done step of another thread.

Two limits are separate. What a section itself does may hang on the network: the fork waits for it up to the limit of
the section. What a section imports must be complete: the fork waits for it as long as for any other import
(``runtime.imports``), whichever package it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final, final

from flext_observability.runtime import imports
from flext_observability.runtime.fork import register_fork_aware, register_holder
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.named_tuple import NamedTuple

MAX_NETWORK_SECONDS: Final = 0.5
"""Limit of sections that use the network."""
MAX_LOCAL_SECONDS: Final = 10.0
"""Limit of sections that do not use the network; against a deadlock with the forking thread."""


class _Section(NamedTuple):
    thread: int
    began: float
    limit_seconds: float

    def is_over(self, importing: Collection[int]) -> bool:
        limit = imports.MAX_WAIT_SECONDS if self.thread in importing else self.limit_seconds
        return time.monotonic() - self.began >= limit


@final
class ForkBarrier:
    """Sections that a fork waits for, each up to its limit."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._sections: set[_Section] = set()
        register_holder(self)
        register_fork_aware(self)

    @contextmanager
    def section(self, limit_seconds: float = MAX_NETWORK_SECONDS) -> Iterator[None]:
        """Run the body as a section; wait for a fork in progress first."""
        entered = _Section(threading.get_ident(), time.monotonic(), limit_seconds)
        with self._changed:
            self._sections.add(entered)
        try:
            yield
        finally:
            with self._changed:
                self._sections.discard(entered)
                self._changed.notify_all()

    def hold_for_fork(self) -> None:
        """Wait for the running sections of other threads; none starts before ``release_after_fork``."""
        self._changed.acquire()
        me = threading.get_ident()
        while any(each.thread != me and not each.is_over(_importing()) for each in self._sections):
            self._changed.wait(imports.POLL_SECONDS)
        imports.wait_for_imports()  # those that began in the meantime

    def release_after_fork(self) -> None:
        """Let sections start again."""
        self._changed.release()

    def reinit_after_fork(self) -> None:
        """Drop the sections of the parent, and their imports, which a limit may have cut off."""
        imports.drop_cut_off_imports([each.thread for each in self._sections])
        self._changed = threading.Condition(threading.RLock())
        self._sections = set()


def _importing() -> set[int]:
    """Return the threads that import a module at this moment."""
    return {each.thread for each in imports.running_imports()}


def fork_barrier() -> ForkBarrier:
    """Return the fork barrier of the process."""
    return current_runtime().get(ForkBarrier)
