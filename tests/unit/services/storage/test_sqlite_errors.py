"""A file that cannot be used gives a failure with code and fix, and loses no stored entity."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path
from time import monotonic

import pytest

from flext_observability import FlextLogEntry, FlextMetric, MetricsCriteria, SQLiteStorage

ANY = MetricsCriteria()


def metric() -> FlextMetric:
    return FlextMetric(name="load", value=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one metric in it."""
    path = tmp_path / "telemetry.sqlite3"
    storage = SQLiteStorage(path)
    assert storage.store(metric()).success
    storage.close()
    return path


def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all\n" * 100)
    storage = SQLiteStorage(path)
    for result in (storage.store(metric()), storage.query("metric", ANY), storage.count("metric"), storage.clear()):
        assert result.code == "storage_corrupt"
        assert str(result.error).startswith(
            f"Storage {str(path)!r}: the file is not an SQLite database. Move the file away"
        )
    assert path.read_text().startswith("not a database")
    path.unlink()
    assert storage.store(metric()).success  # moved away: a new file is created
    storage.close()


def test_a_damaged_file(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)
    storage = SQLiteStorage(file)
    result = storage.store(metric())
    assert (result.code, "the database is damaged. Move the file away" in str(result.error)) == (
        "storage_corrupt",
        True,
    )
    assert storage.query("metric", ANY).code == "storage_corrupt"
    storage.close()


@pytest.mark.parametrize("timeout_seconds", [0, 0.2])
def test_a_file_that_another_program_has_locked(file: Path, timeout_seconds: float) -> None:
    storage = SQLiteStorage(file, timeout_seconds=timeout_seconds)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = monotonic()
    result = storage.store(metric())
    assert timeout_seconds <= monotonic() - began < timeout_seconds + 2
    assert result.code == "storage_locked"
    assert f"for more than {timeout_seconds:g} s. End the program that holds the lock" in str(result.error)
    assert len(storage.query("metric", ANY).unwrap()) == 1  # reading still works
    other.execute("ROLLBACK")
    assert storage.store(metric()).success
    other.close()
    storage.close()


def test_a_new_file_that_another_program_has_locked(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    storage = SQLiteStorage(path, timeout_seconds=0.1)
    assert storage.store(metric()).code == "storage_locked"
    other.execute("ROLLBACK")
    assert storage.store(metric()).success
    other.close()
    storage.close()


def test_a_file_opened_read_only(file: Path) -> None:
    storage = SQLiteStorage(f"file:{file}?mode=ro")
    for result in (storage.store(metric()), storage.clear()):
        assert (result.code, "the database is read-only. Open it without mode=ro" in str(result.error)) == (
            "storage_read_only",
            True,
        )
    assert len(storage.query("metric", ANY).unwrap()) == 1
    storage.close()


def test_a_missing_file_opened_read_only(tmp_path: Path) -> None:
    storage = SQLiteStorage(f"file:{tmp_path}/none?mode=ro")
    result = storage.query("metric", ANY)
    assert result.code == "storage_unavailable"
    assert "the file cannot be opened. Check that the file exists" in str(result.error)
    assert list(tmp_path.iterdir()) == []


def test_a_full_file(file: Path) -> None:
    storage = SQLiteStorage(file, max_bytes=100_000)
    stored = 1
    while (result := storage.store(FlextLogEntry(level="info", message="x" * 2000))).success:
        stored += 1
    assert (result.code, "is full. Free disk space, raise max_bytes" in str(result.error)) == ("storage_full", True)
    assert storage.count("log").data == stored - 1 > 10
    assert len(storage.query("metric", ANY).unwrap()) == 1
    assert storage.clear().success
    assert storage.store(metric()).success
    storage.close()


def test_a_directory(tmp_path: Path) -> None:
    result = SQLiteStorage(tmp_path).store(metric())
    assert result.code == "storage_unavailable"
    assert str(result.error).endswith(": the path is a directory. Pass the path of a file.")


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "data" / "telemetry.sqlite3")
    result = storage.store(metric())
    assert result.code == "storage_unavailable"
    assert str(result.error).endswith(": the directory does not exist. Create the directory.")
    (tmp_path / "data").mkdir()
    assert storage.store(metric()).success
    storage.close()


def test_an_invalid_path() -> None:
    result = SQLiteStorage("a\0b").store(metric())
    assert (result.code, "ValueError" in str(result.error)) == ("storage_error", True)


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite3"
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE entities (theirs)")
    theirs.close()
    before = path.read_bytes()
    result = SQLiteStorage(path).store(metric())
    assert result.code == "storage_foreign"
    assert str(result.error).endswith(": the database belongs to another program. Choose another path.")
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version(file: Path) -> None:
    with sqlite3.connect(file) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = file.read_bytes()
    storage = SQLiteStorage(file)
    for result in (storage.store(metric()), storage.query("metric", ANY)):
        assert result.code == "storage_version"
        assert re.search(
            r"has schema version 99, newer than the supported version 1\. Upgrade flext-observability",
            str(result.error),
        )
    assert file.read_bytes() == before
    storage.close()


@pytest.mark.parametrize("uri", [False, True])
def test_a_pipe_is_a_failure_at_once(tmp_path: Path, uri: bool) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    result = SQLiteStorage(f"file:{path}" if uri else path).count("metric")
    assert result.code == "storage_unavailable"
    assert "it is not a regular file" in (result.error or "")
