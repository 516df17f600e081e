"""SQLite schema: create the tables of a new database, migrate an older one (standard library only)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Final

APPLICATION_ID: Final = 0x466C7874
"""Application id in the file header of our databases: "Flxt"."""
MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    (
        """
        CREATE TABLE entities (
            seq INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            time_us INTEGER NOT NULL,
            tags TEXT,
            body TEXT NOT NULL,
            emitted INTEGER NOT NULL,
            UNIQUE (kind, id)
        )
        """,
        "CREATE INDEX entities_by_name ON entities (kind, name, time_us)",
        "CREATE INDEX entities_by_time ON entities (kind, time_us)",
        "CREATE INDEX entities_by_kind ON entities (kind)",  # ends with the row id, as every index: insertion order
    ),
)
"""Statements from each schema version to the next. The version of a file is the number of migrations applied to it."""
_PAUSE_SECONDS: Final = 0.01


class UnusableFile(Exception):
    """Raised for a database that must not be changed. The arguments are failure code, reason and fix."""


def prepare(
    connection: sqlite3.Connection, timeout_seconds: float, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Migrate a database to the newest schema version. A current database is only read.

    Args:
        connection: Connection in autocommit mode.
        timeout_seconds: Time limit for waiting for a lock, in seconds.
        migrations: Statements from each version to the next.

    Raises:
        UnusableFile: The database belongs to another program or a newer version of this library. It is not changed.
        sqlite3.Error: The database cannot be read or written.
    """
    connection.execute("BEGIN")
    with connection:  # one transaction: another process may be creating the tables
        version = _version(connection, len(migrations))
    if version < len(migrations):
        if not version:
            _switch_to_wal(connection, monotonic() + timeout_seconds)
        _migrate(connection, migrations)
    connection.execute("PRAGMA synchronous = NORMAL")


def _version(connection: sqlite3.Connection, newest: int) -> int:
    version = _number(connection, "PRAGMA user_version")
    ours = _number(connection, "PRAGMA application_id") == APPLICATION_ID
    if not ours and (version or _number(connection, "SELECT count(*) FROM sqlite_master")):
        raise UnusableFile("storage_foreign", "the database belongs to another program", "Choose another path")
    if version > newest:
        reason = f"the database has schema version {version}, newer than the supported version {newest}"
        raise UnusableFile("storage_version", reason, "Upgrade flext-observability, or choose another path")
    return version


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


def _switch_to_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to the write-ahead log, where readers do not block a writer. SQLite's own timeout does not cover it."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
        sleep(_PAUSE_SECONDS)


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        # Read the version again: another process may have migrated meanwhile.
        for steps in migrations[_version(connection, len(migrations)) :]:
            for statement in steps:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
