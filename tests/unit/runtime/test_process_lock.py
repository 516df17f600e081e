"""A lock ends with its process, and other processes see it from the moment when they see its file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from flext_observability.runtime.process_lock import ProcessLock, is_locked

HOLDER = """
import sys
from pathlib import Path
from flext_observability.runtime.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
lock.create() if sys.argv[2] == "create" else print(lock.acquire(), end=" ")
print("locked", flush=True)
sys.stdin.readline()
"""


def holder(path: Path, how: str) -> subprocess.Popen[str]:
    """Start a process that locks the file until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "locked" in process.stdout.readline()
    return process


@pytest.mark.parametrize("how", ["create", "acquire"])
def test_a_lock_ends_with_its_process(how: str, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    with holder(path, how) as process:
        assert is_locked(path)
        assert not ProcessLock(path).acquire()
        process.kill()
    assert not is_locked(path)
    lock = ProcessLock(path)
    assert lock.acquire()
    assert not lock.acquire()
    lock.release()
    lock.release()
    assert lock.acquire()
    lock.release()


def test_a_forked_child_does_not_have_the_lock(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "lock")
    lock.create()
    child = os.fork()
    if child == 0:
        try:
            lock.release()
            os._exit(int(is_locked(lock.path)))
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    lock.release()


def test_processes_that_ask_at_the_same_moment_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    asking = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # in the middle of is_locked
print("locked", flush=True)
sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", asking, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        assert not is_locked(path)
        process.kill()


def test_asking_does_not_release_the_lock_of_this_process(tmp_path: Path) -> None:
    lock, path = ProcessLock(tmp_path / "lock"), tmp_path / "lock"
    lock.create()
    assert is_locked(path)
    assert not ProcessLock(path).acquire()
    child = os.fork()
    if child == 0:
        os._exit(int(is_locked(path)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    lock.release()
    assert not is_locked(path)


def test_a_file_that_is_removed_or_replaced_is_not_visible(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "lock")
    assert not lock.is_visible()
    lock.create()
    assert lock.is_visible()
    lock.path.unlink()
    assert not lock.is_visible()
    lock.path.touch()
    assert not lock.is_visible()
    lock.release()


def test_one_thread_has_the_lock(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "lock")
    found: list[bool] = []
    threads = [Thread(target=lambda: found.append(lock.acquire())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 7 + [True]
    lock.release()


def test_a_missing_directory_has_no_lock(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "missing" / "lock")
    assert not lock.acquire()
    with pytest.raises(FileNotFoundError):
        lock.create()


def test_a_file_that_cannot_be_replaced_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / "lock" / "x").mkdir(parents=True)
    lock = ProcessLock(tmp_path / "lock")
    with pytest.raises(OSError, match="irectory"):
        lock.create()
    assert lock.descriptor == -1
