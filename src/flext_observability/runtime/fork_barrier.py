"""Forks wait for first exports, so that no child inherits a half-imported module.

A worker imports the modules of its exporter during the first export. A child forked at that time inherits the
half-imported modules, but not the thread that imports them: it could never export.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from flext_observability.runtime.fork import register_fork_aware, register_holder
from flext_observability.runtime.runtime import current_runtime

MAX_WAIT_SECONDS: Final = 0.5


@final
class ForkBarrier:
    """Sections that a fork waits for, up to ``MAX_WAIT_SECONDS``: they may hang on the network."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._deadlines: set[float] = set()
        register_holder(self)
        register_fork_aware(self)

    @contextmanager
    def section(self) -> Iterator[None]:
        """Run the body as a section; wait for a fork in progress first."""
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        with self._changed:
            self._deadlines.add(deadline)
        try:
            yield
        finally:
            with self._changed:
                self._deadlines.discard(deadline)
                self._changed.notify_all()

    def hold_for_fork(self) -> None:
        """Wait for the running sections; none starts before ``release_after_fork``."""
        self._changed.acquire()
        while self._deadlines and (remaining := max(self._deadlines) - time.monotonic()) > 0:
            self._changed.wait(remaining)

    def release_after_fork(self) -> None:
        """Let sections start again."""
        self._changed.release()

    def reinit_after_fork(self) -> None:
        """Drop the sections of the parent."""
        self._changed = threading.Condition(threading.RLock())
        self._deadlines = set()


def fork_barrier() -> ForkBarrier:
    """Return the fork barrier of the process."""
    return current_runtime().get(ForkBarrier)
