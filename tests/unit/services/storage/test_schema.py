from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from flext_observability.services.storage.schema import MIGRATIONS, prepare


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.sqlite3"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(path)) as opened:
        yield opened


def scalar(connection: sqlite3.Connection, statement: str) -> Any:
    return connection.execute(statement).fetchone()[0]


def test_a_new_file_has_tables_version_and_write_ahead_log(connection: sqlite3.Connection) -> None:
    prepare(connection, 0)
    assert scalar(connection, "PRAGMA user_version") == len(MIGRATIONS)
    assert scalar(connection, "PRAGMA journal_mode") == "wal"
    assert scalar(connection, "PRAGMA synchronous") == 1  # NORMAL
    assert scalar(connection, "SELECT count(*) FROM entities") == 0


def test_threads_create_one_new_file_concurrently(tmp_path: Path) -> None:
    def create(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            prepare(connection, 5)

    with ThreadPoolExecutor(4) as pool:
        created = [pool.submit(create, tmp_path / str(number // 4)) for number in range(200)]
    assert [each.exception() for each in created] == [None] * 200


def test_an_older_file_is_migrated_and_keeps_its_rows(connection: sqlite3.Connection) -> None:
    prepare(connection, 0)
    connection.execute("INSERT INTO entities VALUES (1, 'metric', 'a', 'load', 0, NULL, '{}', 0)")
    newer = (*MIGRATIONS, ("ALTER TABLE entities ADD COLUMN note TEXT", "UPDATE entities SET note = 'old'"))
    for _ in range(2):
        prepare(connection, 0, newer)
    assert scalar(connection, "PRAGMA user_version") == len(newer)
    assert scalar(connection, "SELECT note FROM entities") == "old"


def test_a_change_that_fails_leaves_the_file_as_it_was(connection: sqlite3.Connection) -> None:
    prepare(connection, 0)
    with pytest.raises(sqlite3.OperationalError):
        prepare(connection, 0, (*MIGRATIONS, ("ALTER TABLE entities ADD COLUMN note TEXT", "invalid")))
    assert scalar(connection, "PRAGMA user_version") == len(MIGRATIONS)
    assert [row[1] for row in connection.execute("PRAGMA table_info(entities)")][-1] == "emitted"


def test_the_switch_to_the_write_ahead_log_waits_for_readers(path: Path, connection: sqlite3.Connection) -> None:
    with closing(connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("ROLLBACK")
        other.execute("BEGIN")
        other.execute("SELECT * FROM sqlite_master").fetchall()  # an open read blocks the switch
        timer = Timer(0.1, lambda: other.execute("ROLLBACK"))
        timer.start()
        prepare(connection, 10)
        timer.join()
    assert scalar(connection, "PRAGMA journal_mode") == "wal"


def test_the_switch_gives_a_timeout_error(path: Path, connection: sqlite3.Connection) -> None:
    with closing(connect(path)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM sqlite_master").fetchall()
        with pytest.raises(sqlite3.OperationalError) as raised:
            prepare(connection, 0.05)
        assert raised.value.sqlite_errorcode == sqlite3.SQLITE_BUSY
