"""Fork handling of the process, in ordered phases (standard library only).

0. Imports: the fork waits for the imports of other threads; a child drops those that were cut off all the same.
1. Hold: holders make a fork safe and keep it so, before the fork; they release in the parent and in the child.
2. Free locks: locks that another thread held in the parent become usable in the child.
3. Reinitialise: objects drop the threads, queued items and sockets of the parent.
4. Restart: objects start their threads again.

Objects are known by weak reference, in the order of their registration. The interpreter is asked once, with the first
object.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from flext_observability.runtime.imports import drop_cut_off_imports, wait_for_imports
from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")


class ForkHolder(Protocol):
    """An object that has something in progress that a fork must not interrupt."""

    def hold_for_fork(self) -> None:
        """Wait until a fork is safe, and keep it so until ``release_after_fork``."""
        ...

    def release_after_fork(self) -> None:
        """Continue; called in the parent and in the child."""
        ...


class ForkLock(Protocol):
    """A lock."""

    def free_after_fork(self) -> None:
        """Make the lock usable in a child, even if another thread of the parent held it."""
        ...


class ForkAware(Protocol):
    """An object with a thread, or with items that belong to one process."""

    def reinit_after_fork(self) -> None:
        """Drop the state of the parent; called in the child."""
        ...


class RestartAware(Protocol):
    """An object whose work continues in a forked child."""

    def restart_after_fork(self) -> None:
        """Start the thread again, if there is work; called in the child, last."""
        ...


_holders: Final[WeakKeyDictionary[ForkHolder, None]] = WeakKeyDictionary()
_locks: Final[WeakKeyDictionary[ForkLock, None]] = WeakKeyDictionary()
_aware: Final[WeakKeyDictionary[ForkAware, None]] = WeakKeyDictionary()
_restarted: Final[WeakKeyDictionary[RestartAware, None]] = WeakKeyDictionary()
_installed: Final[dict[str, object]] = {}


def register_holder(holder: ForkHolder) -> None:
    """Hold and release ``holder`` around every fork, for as long as it lives."""
    _install()
    _holders[holder] = None


def register_lock(lock: ForkLock) -> None:
    """Free ``lock`` in every forked child, before anything else runs there."""
    _install()
    _locks[lock] = None


def register_fork_aware(aware: ForkAware) -> None:
    """Reinitialise ``aware`` in every forked child, for as long as it lives."""
    _install()
    _aware[aware] = None


def register_restart(restarted: RestartAware) -> None:
    """Restart ``restarted`` in every forked child, after everything was reinitialised."""
    _install()
    _restarted[restarted] = None


def _install() -> None:
    """Register with the interpreter once: a fork hook can never be removed."""
    mine = object()
    if not _installed and _installed.setdefault("by", mine) is mine:
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


def _before() -> None:
    _run((wait_for_imports,))
    _run(holder.hold_for_fork for holder in _alive(_holders))


def _in_parent() -> None:
    _run(holder.release_after_fork for holder in reversed(_alive(_holders)))


def _in_child() -> None:
    _run((drop_cut_off_imports,))
    _run(lock.free_after_fork for lock in _alive(_locks))
    _run(holder.release_after_fork for holder in reversed(_alive(_holders)))
    _run(aware.reinit_after_fork for aware in _alive(_aware))
    _run(restarted.restart_after_fork for restarted in _alive(_restarted))


def _alive(registry: WeakKeyDictionary[T, None]) -> list[T]:
    # keyrefs() copies in one step, also while another thread registers.
    return [found for reference in registry.keyrefs() if (found := reference()) is not None]


def _run(calls: Iterable[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - the other objects must be handled
            reraise_interrupt(error)
            from flext_observability.runtime.internal_log import report_once

            report_once("Handling a fork", error)
