"""Bad files: every one is a failure with a code and the next action, and nothing that was stored is lost."""

from __future__ import annotations

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


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all\n" * 100)
    storage = SQLiteStorage(path)
    for result in (storage.store(metric()), storage.query("metric", ANY), storage.count("metric"), storage.clear()):
        assert result.code == "storage_corrupt"
        assert str(result.error).startswith(f"Storage {str(path)!r} is no SQLite database: move it away")
    assert path.read_text().startswith("not a database")
    path.unlink()
    assert storage.store(metric()).success  # moved away: a new one is made
    storage.close()


def test_a_damaged_file(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)
    storage = SQLiteStorage(file)
    result = storage.store(metric())
    assert (result.code, "is damaged: move it away" in str(result.error)) == ("storage_corrupt", True)
    assert storage.query("metric", ANY).code == "storage_corrupt"
    storage.close()


@pytest.mark.parametrize("timeout_seconds", [0, 0.2])
def test_a_file_that_another_program_holds(file: Path, timeout_seconds: float) -> None:
    storage = SQLiteStorage(file, timeout_seconds=timeout_seconds)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = monotonic()
    result = storage.store(metric())
    assert timeout_seconds <= monotonic() - began < timeout_seconds + 2
    assert result.code == "storage_locked"
    assert f"for more than {timeout_seconds:g} s: end what holds the lock" in str(result.error)
    assert len(storage.query("metric", ANY).unwrap()) == 1  # readers go on
    other.execute("ROLLBACK")
    assert storage.store(metric()).success
    other.close()
    storage.close()


def test_a_new_file_that_another_program_holds(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    storage = SQLiteStorage(path, timeout_seconds=0.1)
    assert storage.store(metric()).code == "storage_locked"
    other.execute("ROLLBACK")
    assert storage.store(metric()).success
    other.close()
    storage.close()


def test_a_file_opened_for_reading_alone(file: Path) -> None:
    storage = SQLiteStorage(f"file:{file}?mode=ro")
    for result in (storage.store(metric()), storage.clear()):
        assert (result.code, "can only be read: open it without mode=ro" in str(result.error)) == (
            "storage_read_only",
            True,
        )
    assert len(storage.query("metric", ANY).unwrap()) == 1
    storage.close()


def test_a_file_that_is_not_there_opened_for_reading_alone(tmp_path: Path) -> None:
    storage = SQLiteStorage(f"file:{tmp_path}/none?mode=ro")
    result = storage.query("metric", ANY)
    assert result.code == "storage_unavailable"
    assert "cannot be opened: check that the file is there" in str(result.error)
    assert list(tmp_path.iterdir()) == []


def test_a_full_file(file: Path) -> None:
    storage = SQLiteStorage(file, max_bytes=100_000)
    stored = 1
    while (result := storage.store(FlextLogEntry(level="info", message="x" * 2000))).success:
        stored += 1
    assert (result.code, "is full: free disk space, raise max_bytes" in str(result.error)) == ("storage_full", True)
    assert storage.count("log").data == stored - 1 > 10
    assert len(storage.query("metric", ANY).unwrap()) == 1
    assert storage.clear().success
    assert storage.store(metric()).success
    storage.close()


def test_a_directory(tmp_path: Path) -> None:
    result = SQLiteStorage(tmp_path).store(metric())
    assert result.code == "storage_unavailable"
    assert str(result.error).endswith("is a directory: name a file")


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "data" / "telemetry.sqlite3")
    result = storage.store(metric())
    assert result.code == "storage_unavailable"
    assert str(result.error).endswith("is in a directory that does not exist: make the directory")
    (tmp_path / "data").mkdir()
    assert storage.store(metric()).success
    storage.close()


def test_a_path_that_no_file_can_have() -> None:
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
    assert str(result.error).endswith("is a database of another program: choose another path")
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version(file: Path) -> None:
    with sqlite3.connect(file) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = file.read_bytes()
    storage = SQLiteStorage(file)
    for result in (storage.store(metric()), storage.query("metric", ANY)):
        assert result.code == "storage_version"
        assert re.search(r"has schema version 99, .* knows 1 at most: upgrade flext-observability", str(result.error))
    assert file.read_bytes() == before
    storage.close()
