"""Nothing → locks that a forked child can use, whoever held them in the parent at that moment (standard library only)."""

from __future__ import annotations

import os
from threading import RLock
from typing import final
from weakref import WeakSet


@final
class ForkSafeLock:
    """A re-entrant lock for ``with``; in a forked child it is free unless the thread that forked holds it.

    A plain lock that another thread holds while the process forks stays locked in the child for ever: its holder is not there.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = RLock()
        _watch(self)

    def __enter__(self) -> None:
        """Wait for the lock and take it."""
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        """Give the lock back."""
        self._lock.release()

    def free(self) -> None:
        """Make the lock usable in a forked child."""
        if self._lock.acquire(blocking=False):  # nobody else had it
            self._lock.release()
        else:
            self._lock = RLock()


_locks: WeakSet[ForkSafeLock] = WeakSet()
_watched: list[bool] = []


def _watch(lock: ForkSafeLock) -> None:
    if not _watched:
        _watched.append(True)
        os.register_at_fork(after_in_child=_free_all)
    _locks.add(lock)


def _free_all() -> None:
    for lock in list(_locks):
        lock.free()
