"""Objects with threads → each told to begin again in a forked child, and those with periodic work to go on (standard library only)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final, Protocol
from weakref import WeakSet

from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.report_once import report_once


class ForkAware(Protocol):
    """What has a thread, or holds what belongs to one process."""

    def reinit_after_fork(self) -> None:
        """Forget the parent's threads and items."""
        ...


class RestartAware(Protocol):
    """What works by itself in a forked child, as it did in the parent."""

    def go_on(self) -> None:
        """Start the thread again, when there is something to do."""
        ...


_lock: Final = ForkSafeLock()  # the first handler is the locks' own then: they are free before anything here takes one
_known: Final[WeakSet[ForkAware]] = WeakSet()
_going_on: Final[WeakSet[RestartAware]] = WeakSet()
_watching: Final[list[bool]] = []
_threads_wait: Final[list[bool]] = []


def register_fork_aware(thing: ForkAware) -> None:
    """Have ``thing.reinit_after_fork`` called in every forked child from now on, for as long as the thing lives."""
    with _lock:
        if not _watching:
            _watching.append(True)
            os.register_at_fork(after_in_child=_begin_again)
        _known.add(thing)


def register_restart(thing: RestartAware) -> None:
    """Have ``thing.go_on`` called once everything has begun again: a thread may be at work before this returns."""
    with _lock:
        _going_on.add(thing)


def defer_threads() -> None:
    """Start no thread in a child before ``start_threads``, which is to be called there."""
    _threads_wait.append(True)


def start_threads() -> None:
    """Have all go on that wait for it."""
    _tell(thing.go_on for thing in list(_going_on))


def _begin_again() -> None:
    _tell(thing.reinit_after_fork for thing in list(_known))
    if not _threads_wait:
        start_threads()


def _tell(calls: Iterable[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the others must begin again all the same
            report_once("Beginning again in a forked child", error)
