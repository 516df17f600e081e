"""The shared directory: each process counts once, whenever one of them ends, and other files are ignored."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from flext_observability.pipeline.shared_page.merged_metrics import MergedMetrics
from flext_observability.pipeline.shared_page.process_directory import ProcessDirectory, Reading
from flext_observability.pipeline.shared_page.process_files import ProcessFiles
from flext_observability.runtime.process_family import ProcessIdentity, own_identity
from flext_observability.runtime.process_lock import ProcessLock
from flext_observability.wire.metric_snapshot.encode import Plain

NO_PROCESS = ProcessIdentity(2**22 + 1, 1)


def counter(value: int) -> Plain:
    """Return the resources of a document with one counter."""
    metrics = [["c", "orders", "", "", "", [], [["{}", 1, 0, value, []]]]]
    return [['{"service.name":"shop"}', "", [["s", "", "", "{}", metrics]]]]


def ended_process(directory: ProcessDirectory, value: int, root: ProcessIdentity = NO_PROCESS) -> str:
    """Leave the files of a process that was killed, and return its name."""
    files = ProcessFiles(directory, root)
    files.write(counter(value))
    files.close()
    return files.name


def total(directory: ProcessDirectory) -> float:
    """Return the counter of all processes, as a page shows it."""
    reading, merged = directory.read(""), MergedMetrics()
    for document in [*reading.ended.values(), *([reading.totals] if reading.totals else [])]:
        merged.add(document, running=False)
    points = [metric[6] for scope in merged.to_resources() for each in scope[2] for metric in each[4]]
    return float(points[0][0][3]) if points else 0.0


def files(path: Path) -> list[str]:
    """Return the names of the files of a directory."""
    return sorted(each.name for each in path.iterdir())


@contextmanager
def child(work: Callable[[], object]) -> Iterator[None]:
    """Fork a child that does the work, and ends with the block."""
    mine, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            kept = work()
            theirs.send(b"x")
            theirs.recv(1)
            del kept
        finally:
            os._exit(0)
    try:
        mine.recv(1)
        yield
    finally:
        mine.send(b"x")
        os.waitpid(pid, 0)
        mine.close()
        theirs.close()


@pytest.fixture
def directory(tmp_path: Path) -> ProcessDirectory:
    found = ProcessDirectory(tmp_path / "shared", is_automatic=False)
    found.create()
    return found


def test_ended_processes_are_added_up_and_removed(directory: ProcessDirectory) -> None:
    names = [ended_process(directory, value) for value in (1, 20, 300)]
    assert total(directory) == 321
    assert directory.fold(names[:2])
    assert total(directory) == 321
    assert directory.names() == names[2:]
    assert directory.fold(names)
    assert total(directory) == 321
    assert files(directory.path) == ["flext-totals.lock", "flext-totals.metrics"]


def test_thousands_of_ended_processes_need_one_file(directory: ProcessDirectory) -> None:
    sizes: list[int] = []
    for _ in range(100):
        directory.fold([ended_process(directory, 1) for _ in range(10)])
        sizes.append((directory.path / "flext-totals.metrics").stat().st_size)
    assert total(directory) == 1000
    assert max(sizes) <= sizes[0] + 100
    assert len(files(directory.path)) == 2


def test_a_process_that_ends_while_it_adds_up_counts_once(directory: ProcessDirectory) -> None:
    name = ended_process(directory, 5)
    kept = {path: path.read_bytes() for path in (directory.file(name, ".lock"), directory.file(name, ".metrics"))}
    directory.fold([name])
    for path, content in kept.items():  # the totals were written, but the files were not removed
        path.write_bytes(content)
    assert total(directory) == 5
    directory.fold([name])
    assert total(directory) == 5
    assert directory.names() == []
    directory.fold([ended_process(directory, 2)])
    assert total(directory) == 7


def test_a_running_process_is_not_added_up(directory: ProcessDirectory) -> None:
    def work() -> object:
        files = ProcessFiles(directory, own_identity())
        files.write(counter(9))
        return files

    with child(work):
        (name,) = directory.names()
        assert directory.is_running(name)
        assert list(directory.read("").running) == [name]
        directory.fold([name])
        assert directory.names() == [name]
    assert list(directory.read("").ended) == [name]


def test_a_process_without_a_snapshot_is_removed(directory: ProcessDirectory) -> None:
    with child(lambda: ProcessFiles(directory, own_identity())):
        assert directory.read("") == Reading()
        assert len(directory.names()) == 1
    directory.fold(list(directory.read("").ended))
    assert directory.names() == []
    assert total(directory) == 0


def test_other_files_are_ignored_and_named(directory: ProcessDirectory) -> None:
    name = ended_process(directory, 5)
    broken = ended_process(directory, 7)
    content = directory.file(broken, ".metrics").read_bytes()
    directory.file(broken, ".metrics").write_bytes(content[:-3])
    (directory.path / "counter_1.db").write_bytes(b"of prometheus_client")
    (directory.path / "flext-1-zz.lock").write_bytes(b"")
    reading = directory.read("")
    assert sorted(reading.ended) == sorted([name, broken])
    assert list(reading.ignored) == [f"{broken}.metrics"]
    assert "incomplete" in reading.ignored[f"{broken}.metrics"]
    directory.fold([name, broken])
    assert total(directory) == 5


def test_unreadable_totals_are_named(directory: ProcessDirectory) -> None:
    (directory.path / "flext-totals.metrics").write_bytes(b"alien")
    assert "flext-totals.metrics" in directory.read("").ignored


def test_one_process_adds_up_at_a_time(directory: ProcessDirectory) -> None:
    name = ended_process(directory, 5)
    lock = ProcessLock(directory.path / "flext-totals.lock")
    with child(lock.acquire):
        assert not directory.fold([name])
    assert directory.fold([name])


def test_a_full_disk_removes_nothing(directory: ProcessDirectory) -> None:
    name = ended_process(directory, 5)
    (directory.path / f"flext-totals.metrics.{os.getpid()}.new").mkdir()  # cannot be written
    with pytest.raises(OSError, match="irectory"):
        directory.fold([name])
    assert total(directory) == 5
    assert directory.names() == [name]


def test_a_new_program_starts_from_zero(directory: ProcessDirectory) -> None:
    directory.fold([ended_process(directory, 5)])
    ended_process(directory, 6)
    directory.create()
    assert total(directory) == 0
    assert directory.names() == []


def test_one_process_removes_the_files_of_an_ended_program(directory: ProcessDirectory) -> None:
    name = ended_process(directory, 6)
    with child(ProcessLock(directory.path / "flext-totals.lock").acquire):
        directory.create()
        assert directory.names() == [name]
    directory.create()
    assert directory.names() == []


def test_totals_remain_while_the_first_process_runs(directory: ProcessDirectory) -> None:
    directory.fold([ended_process(directory, 5, own_identity())])
    directory.create()
    assert total(directory) == 5


def test_an_automatic_directory_belongs_to_this_user_alone(tmp_path: Path) -> None:
    directory = ProcessDirectory(tmp_path / "base" / "1-2", is_automatic=True)
    directory.create()
    directory.create()
    assert [path.stat().st_mode & 0o777 for path in (directory.path, directory.path.parent)] == [0o700, 0o700]


@pytest.mark.parametrize(
    "make", [lambda path: path.mkdir(mode=0o777), lambda path: path.symlink_to("/tmp"), Path.touch]
)
def test_a_directory_of_others_is_not_used(make: object, tmp_path: Path) -> None:
    previous = os.umask(0)
    make(tmp_path / "base")  # type: ignore[operator]
    os.umask(previous)
    with pytest.raises(PermissionError, match="of this user alone"):
        ProcessDirectory(tmp_path / "base" / "1-2", is_automatic=True).create()


def test_directories_of_ended_programs_are_removed(tmp_path: Path) -> None:
    base = tmp_path / "base"
    own = own_identity()
    ended, running, orphan = (
        ProcessDirectory(base / name, is_automatic=True)
        for name in (f"{NO_PROCESS.pid}-1", f"{own.pid}-{own.started}", f"{NO_PROCESS.pid}-2")
    )
    ended.create()
    ended_process(ended, 1)
    (base / "notes").mkdir()
    orphan.create()
    with child(lambda: ProcessFiles(orphan, NO_PROCESS)):
        running.create()
        ProcessDirectory(base / "5-5", is_automatic=True).create()
        assert files(base) == sorted(["5-5", running.path.name, orphan.path.name, "notes"])


def test_a_missing_directory_has_no_processes(tmp_path: Path) -> None:
    directory = ProcessDirectory(tmp_path / "missing", is_automatic=False)
    assert directory.names() == []
    assert not directory.is_used()
    assert directory.read("") == directory.read("x")
    assert not directory.fold(["x"])
    directory.remove_if_unused()


def test_a_reading_counts_each_process_once_while_others_add_up(directory: ProcessDirectory) -> None:
    names = [ended_process(directory, 1) for _ in range(60)]
    found: list[float] = []

    def read() -> None:
        while len(directory.names()) > 0:
            found.append(total(directory))

    reader = Thread(target=read)
    reader.start()
    for name in names:
        while not directory.fold([name]):
            pass
        time.sleep(0.005)
    reader.join()
    assert set(found) == {60.0}
    assert total(directory) == 60
