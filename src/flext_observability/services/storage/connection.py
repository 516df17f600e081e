"""A way to open a database → one connection for all threads, closed while the process forks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, final
from weakref import WeakSet

from flext_observability.runtime.locks import ForkSafeLock


@final
class SharedConnection:
    """One connection, opened on first use, used by one thread at a time.

    SQLite's own locks, held per process, do not survive a fork: a child that inherits an open database file may damage it, even by
    opening it anew. So every connection to a file is closed before the fork, and each side opens its own on next use.
    Source: https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_file_across_a_fork_

    Args:
        connect: Opens the database.
        in_memory: Whether the database lives in the connection: then it stays open, and a child has its own copy.
    """

    __slots__ = ("__weakref__", "_connect", "_connection", "_in_memory", "lock")

    def __init__(self, connect: Callable[[], sqlite3.Connection], *, in_memory: bool) -> None:
        self._connect = connect
        self._in_memory = in_memory
        self._connection: sqlite3.Connection | None = None
        self.lock = ForkSafeLock()
        with _guard:
            _watch(self)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection; an error of SQLite's closes it, so that the next use finds the file as it is then."""
        with self.lock:
            if self._connection is None:
                self._connection = self._connect()
            try:
                yield self._connection
            except sqlite3.Error:
                self.let_go()
                raise

    def let_go(self) -> None:
        """Close the connection, unless the database lives in it."""
        if not self._in_memory:
            self.close()

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()


_guard: Final = ForkSafeLock()
_connections: Final[WeakSet[SharedConnection]] = WeakSet()
_held: Final = ExitStack()
_watched: Final[list[bool]] = []


def _watch(connection: SharedConnection) -> None:
    if not _watched:
        _watched.append(True)
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
    _connections.add(connection)


def _before_fork() -> None:
    """Wait until no connection is in use, keep it so, and close them all."""
    _held.enter_context(_guard)
    for connection in _connections:
        _held.enter_context(connection.lock)
        connection.let_go()


def _after_fork() -> None:
    """Let others use connections again."""
    # Taken out as a whole: once the last lock is free, another thread that forks puts its own here.
    _held.pop_all().close()
