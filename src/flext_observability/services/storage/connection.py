"""SQLite connection shared by all threads and closed while the process forks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import final
from weakref import WeakSet

from flext_observability.runtime.fork import register_holder
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime


@final
class SharedConnection:
    """One connection, opened on first use, used by one thread at a time.

    A child process must not use a database file that its parent had open: SQLite's locks belong to the process, and the
    file may be damaged. Every connection to a file is therefore closed before a fork, and each process opens its own on
    next use. Source: https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_file_across_a_fork_

    Args:
        connect: Function that opens the database.
        in_memory: Whether the database is in memory. It stays open, and a child has a copy.
    """

    __slots__ = ("__weakref__", "_connect", "_connection", "_guard", "_in_memory", "lock")

    def __init__(self, connect: Callable[[], sqlite3.Connection], *, in_memory: bool) -> None:
        self._connect = connect
        self._in_memory = in_memory
        self._connection: sqlite3.Connection | None = None
        self.lock = ForkSafeLock()
        self._guard = current_runtime().get(_ForkGuard)
        self._guard.add(self)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection. An SQLite error closes it, so that the next use opens the file again."""
        with self.lock:
            if self._connection is None:
                self._connection = self._connect()
            try:
                yield self._connection
            except sqlite3.Error:
                self.close_file()
                raise

    def close_file(self) -> None:
        """Close the connection to a file. A database in memory stays open."""
        if not self._in_memory:
            self.close()

    def close(self) -> None:
        """Close the connection. The next use opens a new one."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()


@final
class _ForkGuard:
    """Closes the connections to files before a fork, and keeps all of them unused until it is over."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._connections: WeakSet[SharedConnection] = WeakSet()
        self._held = ExitStack()
        register_holder(self)

    def add(self, connection: SharedConnection) -> None:
        with self._lock:
            self._connections.add(connection)

    def hold_for_fork(self) -> None:
        self._held.enter_context(self._lock)
        for connection in self._connections:
            self._held.enter_context(connection.lock)
            connection.close_file()

    def release_after_fork(self) -> None:
        # In one step: once the last lock is free, another forking thread pushes its own locks.
        self._held.pop_all().close()
