"""The snapshot of open spans: replaced as a whole, settled one by one, read by the process that takes the folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from flext_observability.pipeline.spool.folders import SNAPSHOT_NAME
from flext_observability.pipeline.spool.snapshot import Snapshot
from tests.unit.pipeline.spool.records import KEY, Make, bodies, files, record


def left_by_a_killed_process(snapshot: Snapshot, folder: Path) -> Path:
    """Move the file to a folder that no process holds."""
    assert snapshot.path is not None
    left = folder / "1-killed"
    left.mkdir()
    shutil.copy(snapshot.path, left / SNAPSHOT_NAME)
    return left


def test_open_spans_of_a_killed_process_are_found(make_spool: Make, folder: Path) -> None:
    spool, snapshot = make_spool(), Snapshot()
    own = spool.own_folder()
    assert own is not None
    snapshot.write(own, [record("old")])
    offsets = snapshot.write(own, [record("a"), record("b"), record("c")])
    snapshot.settle(offsets[1])
    left = left_by_a_killed_process(snapshot, folder)
    (left / ".open-spans").touch()
    assert spool.adopt() == 2
    assert sorted(bodies(spool)) == ["a", "c"]
    assert spool.counts(*KEY).found_delivered == 2
    assert files(left) == []
    snapshot.delete()


def test_a_snapshot_without_open_spans_is_deleted(make_spool: Make, folder: Path) -> None:
    spool, snapshot = make_spool(), Snapshot()
    own = spool.own_folder()
    assert own is not None
    snapshot.settle(snapshot.write(own, [record("a")])[0])
    left = left_by_a_killed_process(snapshot, folder)
    assert spool.adopt() == 0
    assert files(left) == []
    snapshot.delete()
    assert snapshot.path is None


def test_the_end_of_a_spool_deletes_its_snapshot(make_spool: Make, folder: Path) -> None:
    spool, snapshot = make_spool(), Snapshot()
    own = spool.own_folder()
    assert own is not None
    snapshot.write(own, [record("a")])
    spool.close()
    snapshot.delete()
    snapshot.settle(0)
    assert list(folder.iterdir()) == []
    assert spool.own_folder() is None


def test_a_snapshot_that_cannot_be_written_leaves_the_former_one(make_spool: Make) -> None:
    spool, snapshot = make_spool(), Snapshot()
    own = spool.own_folder()
    assert own is not None
    snapshot.write(own, [record("a")])
    path = snapshot.path
    assert path is not None
    before = path.read_bytes()
    path.unlink()
    (path / "folder").mkdir(parents=True)  # it cannot be replaced by a file
    with pytest.raises(OSError, match="directory"):
        snapshot.write(own, [record("b")])
    shutil.rmtree(path)
    path.write_bytes(before)
    assert sorted(each.name for each in own.iterdir()) == ["lock", "open-spans"]
    snapshot.delete()


def test_files_are_private(make_spool: Make) -> None:
    snapshot, own = Snapshot(), make_spool().own_folder()
    assert own is not None
    former = os.umask(0)
    try:
        snapshot.write(own, [record("a")])
    finally:
        os.umask(former)
    assert snapshot.path is not None
    assert snapshot.path.stat().st_mode & 0o777 == 0o600
    snapshot.delete()


def test_a_folder_that_cannot_be_created_is_a_problem(make_spool: Make, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    spool = make_spool()
    assert spool.own_folder() is None
    assert spool.usage().problem
