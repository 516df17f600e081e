"""No connection to a file is open while the process forks, and each process opens its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flext_observability.services.storage.connection import SharedConnection
from tests.programs import UNMEASURED, run

PRELUDE = """
import os, threading
from flext_observability import FlextMetric, SQLiteStorage

storage = SQLiteStorage(os.environ["STORAGE_PATH"])

def store():
    return storage.store(FlextMetric(name="load", value=1)).success

def in_child(work):
    child = os.fork()
    if child == 0:
        os._exit(0 if work() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

store()
"""


def lines(path: Path | str, source: str) -> list[str]:
    done = run(PRELUDE + source, STORAGE_PATH=str(path))
    assert done.code == 0, done.err
    return done.lines


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are listed in /proc")
def test_a_child_inherits_no_open_file(tmp_path: Path) -> None:
    source = """
def opened():
    links = [f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd")]
    return any("telemetry" in os.readlink(link) for link in links if os.path.islink(link))

print(opened(), in_child(lambda: not opened()))
"""
    assert lines(tmp_path / "telemetry", source) == ["True 0"]


def test_both_sides_of_a_fork_store(tmp_path: Path) -> None:
    source = """
print([(in_child(store), store()) for _ in range(3)], storage.count("metric").data)
"""
    assert lines(tmp_path / "telemetry", source) == ["[(0, True), (0, True), (0, True)] 7"]


def test_a_fork_while_other_threads_store_loses_nothing(tmp_path: Path) -> None:
    source = """
done, stored = threading.Event(), [True]

def store_until_done():
    while not done.is_set():
        stored.append(store())

threads = [threading.Thread(target=store_until_done) for _ in range(3)]
for thread in threads:
    thread.start()
codes = [in_child(store) for _ in range(10)]
done.set()
for thread in threads:
    thread.join()
print(set(codes), all(stored), storage.count("metric").data - len(stored))
"""
    assert lines(tmp_path / "telemetry", source) == ["{0} True 10"]


def test_a_database_in_memory_is_copied_by_a_fork() -> None:
    source = """
print(in_child(lambda: store() and storage.count("metric").data == 2), storage.count("metric").data)
"""
    assert lines(":memory:", source) == ["0 1"]


def test_an_unreferenced_connection_is_closed(tmp_path: Path) -> None:
    made: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        made.append(sqlite3.connect(tmp_path / "x", check_same_thread=False))
        return made[-1]

    shared = SharedConnection(connect, in_memory=False)
    with shared.use() as connection:
        connection.execute("SELECT 1")
    del shared, connection
    with pytest.raises(sqlite3.ProgrammingError):
        made[0].execute("SELECT 1")


def test_an_error_closes_a_file_but_not_a_database_in_memory() -> None:
    for in_memory in (True, False):
        shared = SharedConnection(lambda: sqlite3.connect(":memory:"), in_memory=in_memory)
        with shared.use() as first:
            pass
        with pytest.raises(sqlite3.OperationalError), shared.use() as connection:
            connection.execute("invalid")
        with shared.use() as second, closing(first):
            assert (second is first) is in_memory
        shared.close()


def test_threads_that_fork_at_the_same_time_release_all_locks(tmp_path: Path) -> None:
    source = """
import sys
sys.setswitchinterval(1e-6)

def fork_often():
    for _ in range(60):
        in_child(lambda: True)

threads = [threading.Thread(target=fork_often) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
others = threading.Thread(target=lambda: print(store(), flush=True), daemon=True)
others.start()
others.join(5)
"""
    done = run(PRELUDE + source, STORAGE_PATH=str(tmp_path / "telemetry"), **UNMEASURED)
    assert done.lines == ["True"], done.err
    assert "un-acquired" not in done.err
