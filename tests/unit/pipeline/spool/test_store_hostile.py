"""The spool among deleted folders, special files, lack of descriptors and hundreds of ended processes."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from flext_observability.pipeline.spool import store as module
from flext_observability.pipeline.spool.folders import REFUSED_FOLDER, ProcessFolder, process_folders
from flext_observability.pipeline.spool.record import MAGIC, scan
from flext_observability.pipeline.spool.segment import Segment
from tests.unit.pipeline.spool.records import KEY, Make, bodies, files, record


def left(make_spool: Make, folder: Path, number: int = 1) -> list[Path]:
    for index in range(number):
        ended = make_spool()
        ended.write(record(f"body {index}"))
        ended.close()
    return process_folders(folder)


def no_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", fail)


def test_records_after_the_deletion_of_the_folder_are_on_disk(make_spool: Make, folder: Path) -> None:
    spool = make_spool()
    assert spool.write(record("lost")) == ""
    shutil.rmtree(folder)
    assert spool.write(record("kept")) == ""
    spool.close()
    second = make_spool()
    assert second.adopt() == 1
    assert bodies(second) == ["kept"]


def test_refused_records_after_a_deletion_are_on_disk(make_spool: Make, folder: Path) -> None:
    spool = make_spool()
    assert spool.write_dead(record("first", reason="rejected: no")) == ""
    for file in files(folder / REFUSED_FOLDER):
        file.unlink()
    assert spool.write_dead(record("second", reason="rejected: no")) == ""
    (file,) = files(folder / REFUSED_FOLDER)
    assert [each.record.body for each in scan(file.read_bytes()) if each.record] == [b"second"]


def test_segments_of_refused_records_end_at_their_size(
    make_spool: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 100)
    spool = make_spool()
    for _ in range(2):
        assert spool.write_dead(record("refused", reason="rejected: no")) == ""
    assert len(files(folder / REFUSED_FOLDER)) == 2


def test_a_refused_record_that_cannot_be_kept_is_a_problem(make_spool: Make, folder: Path) -> None:
    spool = make_spool(max_bytes=10)
    assert spool.write_dead(record("x" * 20)) == spool.usage().problem != ""


def test_pipes_and_links_are_neither_read_nor_waited_for(make_spool: Make, folder: Path, tmp_path: Path) -> None:
    (held,) = left(make_spool, folder)
    target = tmp_path / "target.spool"
    shutil.copy(files(held)[0], target)
    os.mkfifo(held / "0.spool")
    (held / "1.spool").symlink_to(target)
    spool = make_spool()
    assert spool.adopt() == 1
    assert bodies(spool) == ["body 0"]
    assert target.exists()


def test_a_record_is_kept_while_there_are_no_descriptors(make_spool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = make_spool()
    spool.write(record("kept"))
    stored = spool.lease(*KEY)
    assert stored is not None
    with monkeypatch.context() as patch:
        no_descriptors(patch)
        assert spool.read(stored) is None
    assert spool.pending(*KEY) == 0
    assert spool.counts(*KEY).evicted == {}
    spool.adopt()
    assert bodies(spool) == ["kept"]


def test_a_refused_record_is_kept_while_there_are_no_descriptors(
    make_spool: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make_spool()
    spool.write(record("kept"))
    stored = spool.lease(*KEY)
    assert stored is not None
    with monkeypatch.context() as patch:
        no_descriptors(patch)
        spool.settle(stored, "rejected: no")
    assert spool.counts(*KEY).evicted == {}
    assert not (folder / REFUSED_FOLDER).exists()
    spool.adopt()
    assert bodies(spool) == ["kept"]


def test_a_found_record_is_delivered_while_there_are_no_descriptors(
    make_spool: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = make_spool()
    for name in ("a", "b"):
        ended.write(record(name))
    ended.close()
    spool = make_spool()
    assert spool.adopt() == 2
    stored = spool.lease(*KEY)
    assert stored is not None
    with monkeypatch.context() as patch:
        no_descriptors(patch)
        spool.settle(stored)
    assert spool.adopt() == 0
    assert bodies(spool) == ["a"]
    assert spool.counts(*KEY).found_delivered == 2


def test_folders_of_ended_processes_are_held_in_bounded_number(
    make_spool: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FOLDERS", 3)
    left(make_spool, folder, 8)
    spool = make_spool()
    found: list[str] = []
    while spool.adopt():
        assert spool.pending(*KEY) <= 3
        found += bodies(spool)
    assert sorted(found) == [f"body {index}" for index in range(8)]
    assert process_folders(folder) == []


def test_writers_do_not_wait_while_folders_are_read(
    make_spool: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(make_spool, folder)
    spool = make_spool()
    entered, proceed, real = threading.Event(), threading.Event(), ProcessFolder.load

    def slow(self: ProcessFolder) -> list[Segment]:
        entered.set()
        assert proceed.wait(30)
        return real(self)

    monkeypatch.setattr(ProcessFolder, "load", slow)
    thread = threading.Thread(target=spool.adopt)
    thread.start()
    assert entered.wait(30)
    assert spool.write(record("meanwhile")) == ""
    proceed.set()
    thread.join(30)
    assert sorted(bodies(spool)) == ["body 0", "meanwhile"]


def test_any_truncated_or_changed_byte_costs_one_record(make_spool: Make, folder: Path) -> None:
    ended = make_spool()
    for name in ("one", "two", "three"):
        ended.write(record(name))
    ended.close()
    (segment,) = files(folder)
    data = segment.read_bytes()
    whole = [each for each in scan(data) if each.record]
    assert len(whole) == 3
    for position in range(len(data)):
        cut = [each.record for each in scan(data[:position]) if each.record]
        assert cut == [each.record for each in whole if each.offset + each.size <= position]
        changed = data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :]
        rest = [each.record for each in scan(changed) if each.record]
        hit = next(each for each in whole if each.offset <= position < each.offset + each.size)
        assert [each for each in rest if each != hit.record] == [each.record for each in whole if each is not hit]


def test_a_segment_without_a_whole_record_harms_nothing(make_spool: Make, folder: Path) -> None:
    (held,) = left(make_spool, folder)
    (held / "0.spool").write_bytes((MAGIC + b"torn") * 3)
    spool = make_spool()
    assert spool.adopt() == 1
    assert bodies(spool) == ["body 0"]
    assert spool.adopt() == 0


def test_a_refused_record_that_is_damaged_counts_as_refused(make_spool: Make, folder: Path) -> None:
    spool = make_spool()
    spool.write(record("damaged", items=3))
    stored = spool.lease(*KEY)
    assert stored is not None
    (file,) = files(folder)
    file.write_bytes(b"x" * file.stat().st_size)
    spool.settle(stored, "rejected: no")
    assert spool.counts(*KEY).evicted == {"rejected": 3}
    assert not (folder / REFUSED_FOLDER).exists()
