"""A re-entrant lock that is usable in a forked child (standard library only)."""

from __future__ import annotations

from threading import RLock
from typing import final

from flext_observability.runtime.fork import register_lock


@final
class ForkSafeLock:
    """A re-entrant lock for ``with``; in a forked child it is free unless the forking thread holds it.

    A plain lock that another thread holds during a fork stays locked in the child: its holder does not exist there.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = RLock()
        register_lock(self)

    def acquire(self, timeout_seconds: float) -> bool:
        """Acquire the lock within this time; return whether it is acquired."""
        return self._lock.acquire(timeout=timeout_seconds)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __enter__(self) -> None:
        """Acquire the lock."""
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        """Release the lock."""
        self._lock.release()

    def free_after_fork(self) -> None:
        """Replace the lock in a forked child if another thread of the parent held it."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = RLock()
