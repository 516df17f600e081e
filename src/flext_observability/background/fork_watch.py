"""Objects with threads → each told to begin again in a forked child (standard library only)."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class BeginsAgain(Protocol):
    """What has a thread, or holds what belongs to one process."""

    def begin_again(self) -> None:
        """Forget the parent's threads and items."""
        ...


_known: WeakSet[BeginsAgain] = WeakSet()
_watching: list[bool] = []


def in_children(thing: BeginsAgain) -> None:
    """Have ``thing.begin_again`` called in every forked child from now on, for as long as the thing lives."""
    if not _watching:
        _watching.append(True)
        os.register_at_fork(after_in_child=_tell_all)
    _known.add(thing)


def _tell_all() -> None:
    for thing in list(_known):
        thing.begin_again()
