"""Spool: records survive their process, each is given to one caller, and the limits hold."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flext_observability.pipeline.spool import store as module
from flext_observability.pipeline.spool.counts import SpoolCounts
from flext_observability.pipeline.spool.folders import is_held, process_folders
from flext_observability.pipeline.spool.record import scan
from flext_observability.pipeline.spool.store import Spool
from tests.programs import run
from tests.threads import THREADS, in_threads
from tests.unit.pipeline.spool.records import KEY, NOW, Make, bodies, files, record

# ---- one process -----------------------------------------------------------------------------------------------------


def test_nothing_is_created_before_the_first_record(make_spool: Make, folder: Path) -> None:
    spool = make_spool()
    assert spool.adopt() == 0
    assert spool.lease(*KEY) is None
    assert not folder.exists()


def test_the_newest_record_is_leased_first_and_of_metrics_the_oldest(make_spool: Make) -> None:
    spool = make_spool()
    for number in range(3):
        assert spool.write(record(str(number))) == ""
        assert spool.write(record(str(number), signal="metrics")) == ""
    assert bodies(spool) == ["2", "1", "0"]
    assert bodies(spool, "metrics") == ["0", "1", "2"]


def test_a_record_is_leased_once_until_it_is_released(make_spool: Make) -> None:
    spool = make_spool()
    spool.write(record(items=5))
    stored = spool.lease(*KEY)
    assert stored is not None
    assert spool.lease(*KEY) is None
    spool.release(stored)
    assert bodies(spool) == ["a"]
    assert spool.counts(*KEY) == SpoolCounts(delivered=5)


def test_files_and_folders_are_private(make_spool: Make, folder: Path) -> None:
    former = os.umask(0)
    try:
        spool = make_spool()
        spool.write(record())
        spool.write_dead(record(reason="rejected: no"))
    finally:
        os.umask(former)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.rglob("*") if each.is_file()}
    folders = {stat.S_IMODE(each.stat().st_mode) for each in [folder, *folder.rglob("*")] if each.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_folder_that_others_may_read_becomes_private(make_spool: Make, folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    folder.chmod(0o755)
    assert make_spool().write(record()) == ""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_segments_end_at_their_size_and_age(make_spool: Make, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = make_spool()
    monkeypatch.setattr(module, "SEGMENT_BYTES", 300)
    for _ in range(4):
        spool.write(record(os.urandom(100).hex()))
    by_size = len(files(folder))
    assert by_size > 1
    monkeypatch.setattr(module, "SEGMENT_SECONDS", -1)
    spool.write(record())
    spool.write(record())
    assert len(files(folder)) == by_size + 2
    assert len(bodies(spool)) == 6
    spool.close()
    assert not process_folders(folder)


def test_what_was_sent_is_deleted(make_spool: Make, folder: Path) -> None:
    spool = make_spool()
    spool.write(record())
    bodies(spool)
    spool.close()
    assert list(folder.iterdir()) == []


def test_the_folder_may_be_deleted_while_it_is_used(make_spool: Make, folder: Path) -> None:
    import shutil

    spool = make_spool()
    spool.write(record("gone", items=2))
    shutil.rmtree(folder)
    stored = spool.lease(*KEY)
    assert stored is not None
    assert spool.read(stored) is None
    assert spool.counts(*KEY).evicted == {module.DAMAGED: 2}
    spool._roll()
    assert spool.write(record("again")) == ""
    assert bodies(spool) == ["again"]


def test_threads_share_the_spool(make_spool: Make) -> None:
    spool = make_spool(max_bytes=1 << 24)
    found: list[str] = []

    def write_and_lease(thread: int) -> None:
        for number in range(50):
            assert spool.write(record(str(thread * 50 + number))) == ""
            stored = spool.lease(*KEY)
            if stored is not None:
                found.append((spool.read(stored) or b"").decode())
                spool.settle(stored)

    in_threads(write_and_lease)
    found += bodies(spool)
    assert sorted(found, key=int) == [str(number) for number in range(THREADS * 50)]
    assert spool.counts(*KEY) == SpoolCounts(delivered=THREADS * 50)


# ---- the next process ------------------------------------------------------------------------------------------------


def test_the_next_process_adopts_what_is_left(make_spool: Make, folder: Path) -> None:
    first = make_spool()
    for number in range(3):
        first.write(record(str(number), items=2, created_ns=NOW + number))
    stored = first.lease(*KEY)
    assert stored is not None
    first.settle(stored)
    first.close()
    second = make_spool()
    assert second.adopt() == 4
    assert second.adopt() == 0
    assert bodies(second) == ["1", "0"]
    assert second.counts(*KEY) == SpoolCounts(found=4, found_delivered=4)
    second.close()
    assert list(folder.iterdir()) == []


def test_a_running_process_keeps_its_records(make_spool: Make, folder: Path) -> None:
    first, second = make_spool(), make_spool()
    first.write(record())
    assert second.adopt() == 0
    (held,) = process_folders(folder)
    assert is_held(held)
    first.close()
    assert not is_held(held)
    assert second.adopt() == 1


def test_an_exporter_that_is_not_configured_any_more_is_replaced_by_the_first_one(make_spool: Make) -> None:
    first = make_spool()
    first.write(record("other", exporter="otlp_grpc"))
    first.write(record("log", signal="logs"))
    first.close()
    second = make_spool()
    second.adopt()
    assert bodies(second) == ["other"]
    assert second.pending("logs", "otlp_http") == 1


def test_processes_that_adopt_at_once_share_the_records(make_spool: Make) -> None:
    writers = [make_spool() for _ in range(20)]
    for number, writer in enumerate(writers):
        writer.write(record(str(number)))
        writer.close()
    spools = [make_spool() for _ in range(THREADS)]
    found: list[int] = []
    in_threads(lambda thread: found.append(spools[thread].adopt()))
    assert sum(found) == 20
    assert sorted(int(body) for spool in spools for body in bodies(spool)) == list(range(20))


def test_a_damaged_segment_costs_the_damaged_records_alone(make_spool: Make, folder: Path) -> None:
    first = make_spool()
    for number in range(3):
        first.write(record(f"body {number}"))
    first.close()
    (file,) = files(folder)
    data = bytearray(file.read_bytes())
    second_record = list(scan(bytes(data)))[1]
    data[second_record.offset + second_record.size - 1] ^= 1
    file.write_bytes(bytes(data))
    second = make_spool()
    assert second.adopt() == 2
    assert bodies(second) == ["body 2", "body 0"]


def test_a_segment_without_records_and_foreign_files_harm_nothing(make_spool: Make, folder: Path) -> None:
    first = make_spool()
    first.write(record())
    first.close()
    (held,) = process_folders(folder)
    (held / "0.spool").write_bytes(b"")
    (held / "1.spool").mkdir()
    (held / "notes.txt").write_text("mine")
    (folder / "a file").write_text("mine")
    second = make_spool()
    assert second.adopt() == 1
    assert bodies(second) == ["a"]
    second.close()
    assert (held / "notes.txt").read_text() == "mine"


KILLED = """
import os, sys, time
from pathlib import Path
from flext_observability.pipeline.spool.record import SpoolRecord
from flext_observability.pipeline.spool.store import Spool

spool = Spool(Path(sys.argv[1]), max_bytes=1 << 28, max_age_seconds=3600)
number = 0
while True:
    assert spool.write(SpoolRecord("traces", "otlp_http", "", 1, time.time_ns(), str(number).encode() * 50)) == ""
    os.write(1, b"%d\\n" % number)
    number += 1
"""


@pytest.mark.parametrize("milliseconds", [20, 55, 90])
def test_a_kill_costs_the_record_under_way_at_most(folder: Path, milliseconds: int) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(milliseconds / 1000)
        child.kill()
        written = int(child.stdout.read().split()[-1]) + 1
    spool = Spool(folder, max_bytes=1 << 28, max_age_seconds=3600)
    spool.register(*KEY)
    found = spool.adopt()
    assert written <= found <= written + 1
    assert sorted(int(body[: len(body) // 50]) for body in bodies(spool)) == list(range(found))
    spool.close()


FORKING = """
import os, time
from pathlib import Path
from flext_observability.pipeline.spool.record import SpoolRecord
from flext_observability.pipeline.spool.counts import SpoolCounts
from flext_observability.pipeline.spool.store import Spool

spool = Spool(Path(os.environ["FOLDER"]), max_bytes=1 << 20, max_age_seconds=3600)
def write(name):
    assert spool.write(SpoolRecord("traces", "otlp_http", "", 1, time.time_ns(), name)) == ""
def read():
    stored = spool.lease("traces", "otlp_http")
    body = spool.read(stored)
    spool.settle(stored)
    return body.decode()

write(b"parent")
spool.write_dead(SpoolRecord("traces", "otlp_http", "", 1, 1, b"dead"))
child = os.fork()
if child == 0:
    assert spool.lease("traces", "otlp_http") is None
    write(b"child")
    assert spool.counts("traces", "otlp_http") == SpoolCounts()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(read())
print(spool.adopt(), read())
spool.close()
"""


def test_a_forked_child_has_a_folder_of_its_own(folder: Path) -> None:
    done = run(FORKING, FOLDER=str(folder))
    assert done.lines == ["parent", "1 child"], done.err
    assert process_folders(folder) == []


def test_a_record_of_a_deleted_file_is_settled_without_it(make_spool: Make, folder: Path) -> None:
    first = make_spool()
    for _ in range(2):
        first.write(record())
    first.close()
    second = make_spool()
    second.adopt()
    stored = second.lease(*KEY)
    assert stored is not None
    for file in files(folder):
        file.unlink()
    second.settle(stored)
    assert second.counts(*KEY).found_delivered == 1
