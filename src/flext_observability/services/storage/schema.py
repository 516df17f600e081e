"""Open SQLite database → the same with our tables, of this schema version (standard library only)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Final

APPLICATION_ID: Final = 0x466C7874
"""What SQLite files of ours carry in their header: "Flxt"."""
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
        "CREATE INDEX entities_by_kind ON entities (kind)",  # with seq behind it, as every index: who came first
    ),
)
"""Statements that lead from each schema version to the next; a file's version is how many of them it has seen."""
_PAUSE_SECONDS: Final = 0.01


class UnusableFile(Exception):
    """A database that we must leave alone.

    Attributes:
        code: Failure code.
        message: What is wrong, as the sentence goes on after the file's name.
        fix: The next action.
    """

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix


def prepare(
    connection: sqlite3.Connection, timeout_seconds: float, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Bring a database to the newest schema version; one that has it is only looked at.

    Args:
        connection: In autocommit mode.
        timeout_seconds: How long to wait for others, in seconds.
        migrations: Statements that lead from each version to the next.

    Raises:
        UnusableFile: It belongs to another program, or to a newer version of this one; it is not touched.
        sqlite3.Error: It cannot be read or written.
    """
    connection.execute("BEGIN")
    with connection:  # all answers of one moment: another process may be making the tables just now
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
        raise UnusableFile("storage_foreign", "is a database of another program", "choose another path")
    if version > newest:
        message = f"has schema version {version}, and this version of flext-observability knows {newest} at most"
        raise UnusableFile("storage_version", message, "upgrade flext-observability, or choose another path")
    return version


def _number(connection: sqlite3.Connection, question: str) -> int:
    return int(connection.execute(question).fetchone()[0])


def _switch_to_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Let readers and a writer work side by side; SQLite's own time limit does not cover this switch."""
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
        # Read again: another process may have been faster.
        for steps in migrations[_version(connection, len(migrations)) :]:
            for statement in steps:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
