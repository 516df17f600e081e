"""The shared page of one process: its files, its end, and what it does when a collection fails."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.sdk.metrics.export import MetricsData

from flext_observability.pipeline.shared_metric_reader import CollectionTimeout
from flext_observability.pipeline.shared_page.page import SharedPage
from flext_observability.pipeline.shared_page.process_directory import ProcessDirectory
from flext_observability.pipeline.shared_page.process_files import ProcessFiles
from flext_observability.runtime.process_family import ProcessIdentity, own_identity
from flext_observability.runtime.process_lock import ProcessLock
from tests.unit.pipeline.shared_page.test_merged_metrics import Process, points
from tests.unit.pipeline.shared_page.test_process_directory import NO_PROCESS, child, ended_process, total


class Source:
    """The metrics of this process.

    Attributes:
        failure: Raised by the next collections.
        seconds: Duration of a collection.
    """

    def __init__(self) -> None:
        self.process = Process(os.getpid())
        self.failure: Exception | None = None
        self.seconds = 0.0
        self.collections = 0

    def collect(self, *, repeat: bool = False) -> MetricsData:
        """Return all points."""
        self.collections += 1
        time.sleep(self.seconds)
        if self.failure is not None:
            raise self.failure
        return self.process.data()


def make(path: Path, source: Source, root: ProcessIdentity | None = None, *, automatic: bool = True) -> SharedPage:
    """Return an inactive page in use."""
    page = SharedPage(
        source.collect,
        lambda: ProcessDirectory(path / "base" / "1-2", is_automatic=automatic),
        root or own_identity(),
        lambda _: "",
        "",
    )
    page.retain()
    return page


def test_a_page_adds_ended_processes_and_removes_its_files_at_the_end(tmp_path: Path) -> None:
    source = Source()
    source.process.apply([("counter", 5, {})])
    page = make(tmp_path, source)
    assert page.to_dict() == {}
    assert page.port_lock(9464) is None
    page.write()
    page.activate()
    page.activate()
    ended_process(page.directory, 3)
    for _ in range(2):
        assert list(points(page.collect(), "counter", "orders").values()) == [3, 5]
    assert page.to_dict() == {"directory": str(tmp_path / "base" / "1-2"), "processes": [os.getpid()]}
    lock = page.port_lock(9464)
    assert lock is not None
    assert lock.acquire()
    lock.release()
    assert page.port_lock(0) is None
    page.release()
    assert list(tmp_path.iterdir()) == []


def test_files_that_were_removed_are_created_again(tmp_path: Path) -> None:
    source = Source()
    source.process.apply([("counter", 5, {})])
    page = make(tmp_path, source)
    page.activate()
    (before,) = page.directory.names()
    shutil.rmtree(tmp_path / "base")
    assert list(points(page.collect(), "counter", "orders").values()) == [5]
    (after,) = page.directory.names()
    assert after != before
    assert page.notices() == ()
    page.directory.file(after, ".lock").unlink()
    page.write()
    assert len(page.directory.names()) == 1
    assert not page.directory.file(after, ".metrics").exists()
    page.directory.path.rename(tmp_path / "moved")
    page.release()
    assert list(tmp_path.iterdir()) == [tmp_path / "moved"]


def test_a_snapshot_during_the_end_creates_no_files(tmp_path: Path) -> None:
    page = make(tmp_path, Source())
    page.activate()
    files = page._files
    assert files is not None
    page.release()
    assert page._restore(files) is files
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_created_again_are_a_notice(tmp_path: Path) -> None:
    page = make(tmp_path, Source())
    page.activate()
    shutil.rmtree(tmp_path / "base")
    (tmp_path / "base").touch()
    page.write()
    (notice,) = page.notices()
    assert "Metrics of other processes are not on the page" in str(notice)
    page.release()


def test_an_announced_directory_is_removed_at_the_end(tmp_path: Path) -> None:
    page = make(tmp_path, Source())
    page.announce()
    assert page.directory.path.is_dir()
    page.activate()
    page.announce()
    page.release()
    assert list(tmp_path.iterdir()) == []
    announced = make(tmp_path, Source())
    announced.announce()
    announced.release()
    assert list(tmp_path.iterdir()) == []


def test_an_inactive_page_leaves_no_files(tmp_path: Path) -> None:
    make(tmp_path, Source()).release()
    make(tmp_path, Source(), NO_PROCESS).release()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_announced_is_a_notice(tmp_path: Path) -> None:
    (tmp_path / "base").touch()
    page = make(tmp_path, Source())
    page.announce()
    (notice,) = page.notices()
    assert "Metrics of other processes are not on the page" in str(notice)


def test_the_totals_remain_for_other_processes(tmp_path: Path) -> None:
    source = Source()
    source.process.apply([("counter", 5, {})])
    page = make(tmp_path, source)
    page.activate()
    with child(lambda: ProcessFiles(page.directory, own_identity())):
        page.release()
        assert total(page.directory) == 5
        assert len(page.directory.names()) == 1


def test_a_process_that_cannot_add_up_leaves_its_last_snapshot(tmp_path: Path) -> None:
    source = Source()
    source.process.apply([("counter", 5, {}), ("busy", 2, {})])
    page = make(tmp_path, source)
    page.activate()
    lock = ProcessLock(page.directory.path / "flext-totals.lock")
    with child(lock.acquire), child(lambda: ProcessFiles(page.directory, own_identity())):
        page.release()
        (document,) = page.directory.read("").ended.values()
        assert document["ended"] is True


def test_a_collection_that_fails_at_the_end_leaves_the_snapshot_before(tmp_path: Path) -> None:
    source = Source()
    source.process.apply([("counter", 5, {})])
    page = make(tmp_path, source, own_identity())
    page.activate()
    page.write()
    source.failure = CollectionTimeout("a callback hangs")
    page.write()
    with pytest.raises(CollectionTimeout):
        page.collect()
    with child(lambda: ProcessFiles(page.directory, own_identity())):
        page.release()
        (document,) = page.directory.read("").ended.values()
        assert document["ended"] is False


def test_a_failing_collection_does_not_end_the_thread(tmp_path: Path) -> None:
    source = Source()
    page = make(tmp_path, source)
    page.activate()
    source.failure = ValueError("of a reader")
    collections, deadline = source.collections, time.monotonic() + 10
    while source.collections < collections + 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    source.failure = None
    page.release()


def test_one_collection_waits_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.pipeline.shared_page.page._TURN_SECONDS", 0.05)
    source = Source()
    page = make(tmp_path, source)
    page.activate()
    source.seconds = 1.0
    thread = Thread(target=page.write)
    thread.start()
    while source.collections == 0:
        time.sleep(0.01)
    with pytest.raises(CollectionTimeout, match="another collection"):
        page.collect()
    thread.join()
    source.seconds = 0.0
    page.release()


def test_totals_that_cannot_be_written_are_a_notice(tmp_path: Path) -> None:
    source = Source()
    page = make(tmp_path, source)
    page.activate()
    ended_process(page.directory, 3)
    blocker = page.directory.path / f"flext-totals.metrics.{os.getpid()}.new"
    blocker.mkdir()
    assert len(points(page.collect(), "orders")) == 1
    (notice,) = page.notices()
    assert "irectory" in str(notice)
    blocker.rmdir()
    assert len(points(page.collect(), "orders")) == 1
    assert page.notices() == ()
    page.release()


def test_a_page_of_a_child_removes_the_directory_of_an_ended_program(tmp_path: Path) -> None:
    page = make(tmp_path, Source(), NO_PROCESS)
    page.activate()
    page.release()
    assert list(tmp_path.iterdir()) == []


def test_files_of_the_parent_are_closed_in_a_child(tmp_path: Path) -> None:
    page = make(tmp_path, Source())
    page.abandon()
    page.activate()
    with child(page.abandon):
        assert page.is_active
    page.retain()
    page.release()


def test_a_page_whose_files_are_closed_during_a_collection_writes_no_snapshot(tmp_path: Path) -> None:
    source = Source()
    page = make(tmp_path, source)
    page.activate()
    collect = source.process.data

    def collect_while_the_files_are_closed() -> MetricsData:
        page.abandon()
        return collect()

    source.process.data = collect_while_the_files_are_closed  # type: ignore[method-assign]
    source.process.apply([("counter", 5, {})])
    page.write()
    assert source.collections > 0
    assert not page.is_active
    assert total(page.directory) == 0


def test_a_process_without_a_pipe_waits_its_time(tmp_path: Path) -> None:
    directory = ProcessDirectory(tmp_path, is_automatic=False)
    files = ProcessFiles(directory, own_identity())
    files.close()
    files.close()
    assert not files.wait(0.01)
    files.wake()


def test_a_file_that_cannot_be_read_is_a_notice_with_the_next_action(tmp_path: Path) -> None:
    page = make(tmp_path, Source())
    page.activate()
    (page.directory.path / "flext-totals.metrics").write_bytes(b"alien")
    page.collect()
    (notice,) = page.notices()
    assert "flext-totals.metrics in " in notice.message
    assert " is ignored: " in notice.message
    assert notice.fix == "Remove the file"
    page.release()
