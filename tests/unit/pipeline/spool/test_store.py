"""Spool: records survive their process, each is given to one caller, and the limits hold."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flext_observability.domain.report import Signal
from flext_observability.pipeline.spool import store as module
from flext_observability.pipeline.spool.folders import REFUSED_FOLDER, is_held, process_folders, service_folder
from flext_observability.pipeline.spool.record import SpoolRecord, scan
from flext_observability.pipeline.spool.store import Spool, SpoolCounts
from tests.programs import run
from tests.threads import THREADS, in_threads

NOW = 1_800_000_000_000_000_000
KEY: tuple[Signal, str] = ("traces", "otlp_http")
Make = Callable[..., Spool]


class Clock:
    """Wall time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return service_folder(tmp_path / "spool", "my service")


@pytest.fixture
def make(folder: Path, clock: Clock) -> Iterator[Make]:
    made: list[Spool] = []

    def build(*, max_bytes: int = 1 << 20, age: float = 3600.0) -> Spool:
        spool = Spool(folder, max_bytes=max_bytes, max_age_seconds=age, time_ns=clock)
        spool.register(*KEY)
        made.append(spool)
        return spool

    yield build
    for spool in made:
        spool.close()


def record(name: str = "a", /, *, items: int = 1, **changes: Any) -> SpoolRecord:
    return SpoolRecord("traces", "otlp_http", "", items, NOW, name.encode())._replace(**changes)


def bodies(spool: Spool, signal: Any = "traces", exporter: str = "otlp_http") -> list[str]:
    """Take and settle all records, and return their bodies."""
    found: list[str] = []
    while (stored := spool.lease(signal, exporter)) is not None:
        body = spool.read(stored)
        assert body is not None
        found.append(body.decode())
        spool.settle(stored)
    return found


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.name != "lock")


# ---- one process -----------------------------------------------------------------------------------------------------


def test_nothing_is_created_before_the_first_record(make: Make, folder: Path) -> None:
    spool = make()
    assert spool.adopt() == 0
    assert spool.lease(*KEY) is None
    assert not folder.exists()


def test_the_newest_record_is_leased_first_and_of_metrics_the_oldest(make: Make) -> None:
    spool = make()
    for number in range(3):
        assert spool.write(record(str(number))) == ""
        assert spool.write(record(str(number), signal="metrics")) == ""
    assert bodies(spool) == ["2", "1", "0"]
    assert bodies(spool, "metrics") == ["0", "1", "2"]


def test_a_record_is_leased_once_until_it_is_released(make: Make) -> None:
    spool = make()
    spool.write(record(items=5))
    stored = spool.lease(*KEY)
    assert stored is not None
    assert spool.lease(*KEY) is None
    spool.release(stored)
    assert bodies(spool) == ["a"]
    assert spool.counts(*KEY) == SpoolCounts(delivered=5)


def test_files_and_folders_are_private(make: Make, folder: Path) -> None:
    former = os.umask(0)
    try:
        spool = make()
        spool.write(record())
        spool.write_dead(record(reason="rejected: no"))
    finally:
        os.umask(former)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.rglob("*") if each.is_file()}
    folders = {stat.S_IMODE(each.stat().st_mode) for each in [folder, *folder.rglob("*")] if each.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_folder_that_others_may_read_becomes_private(make: Make, folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    folder.chmod(0o755)
    assert make().write(record()) == ""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_segments_end_at_their_size_and_age(make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = make()
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


def test_what_was_sent_is_deleted(make: Make, folder: Path) -> None:
    spool = make()
    spool.write(record())
    bodies(spool)
    spool.close()
    assert list(folder.iterdir()) == []


def test_the_folder_may_be_deleted_while_it_is_used(make: Make, folder: Path) -> None:
    import shutil

    spool = make()
    spool.write(record("gone", items=2))
    shutil.rmtree(folder)
    stored = spool.lease(*KEY)
    assert stored is not None
    assert spool.read(stored) is None
    assert spool.counts(*KEY).evicted == {module.DAMAGED: 2}
    spool._roll()
    assert spool.write(record("again")) == ""
    assert bodies(spool) == ["again"]


def test_threads_share_the_spool(make: Make) -> None:
    spool = make(max_bytes=1 << 24)
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


def test_the_next_process_adopts_what_is_left(make: Make, folder: Path) -> None:
    first = make()
    for number in range(3):
        first.write(record(str(number), items=2, created_ns=NOW + number))
    stored = first.lease(*KEY)
    assert stored is not None
    first.settle(stored)
    first.close()
    second = make()
    assert second.adopt() == 4
    assert second.adopt() == 0
    assert bodies(second) == ["1", "0"]
    assert second.counts(*KEY) == SpoolCounts(found=4, found_delivered=4)
    second.close()
    assert list(folder.iterdir()) == []


def test_a_running_process_keeps_its_records(make: Make, folder: Path) -> None:
    first, second = make(), make()
    first.write(record())
    assert second.adopt() == 0
    (held,) = process_folders(folder)
    assert is_held(held)
    first.close()
    assert not is_held(held)
    assert second.adopt() == 1


def test_an_exporter_that_is_not_configured_any_more_is_replaced_by_the_first_one(make: Make) -> None:
    first = make()
    first.write(record("other", exporter="otlp_grpc"))
    first.write(record("log", signal="logs"))
    first.close()
    second = make()
    second.adopt()
    assert bodies(second) == ["other"]
    assert second.pending("logs", "otlp_http") == 1


def test_processes_that_adopt_at_once_share_the_records(make: Make) -> None:
    writers = [make() for _ in range(20)]
    for number, writer in enumerate(writers):
        writer.write(record(str(number)))
        writer.close()
    spools = [make() for _ in range(THREADS)]
    found: list[int] = []
    in_threads(lambda thread: found.append(spools[thread].adopt()))
    assert sum(found) == 20
    assert sorted(int(body) for spool in spools for body in bodies(spool)) == list(range(20))


def test_a_damaged_segment_costs_the_damaged_records_alone(make: Make, folder: Path) -> None:
    first = make()
    for number in range(3):
        first.write(record(f"body {number}"))
    first.close()
    (file,) = files(folder)
    data = bytearray(file.read_bytes())
    second_record = list(scan(bytes(data)))[1]
    data[second_record.offset + second_record.size - 1] ^= 1
    file.write_bytes(bytes(data))
    second = make()
    assert second.adopt() == 2
    assert bodies(second) == ["body 2", "body 0"]


def test_a_segment_without_records_and_foreign_files_harm_nothing(make: Make, folder: Path) -> None:
    first = make()
    first.write(record())
    first.close()
    (held,) = process_folders(folder)
    (held / "0.spool").write_bytes(b"")
    (held / "1.spool").mkdir()
    (held / "notes.txt").write_text("mine")
    (folder / "a file").write_text("mine")
    second = make()
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
from flext_observability.pipeline.spool.store import Spool, SpoolCounts

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


# ---- limits ----------------------------------------------------------------------------------------------------------


def noise(size: int) -> str:
    return os.urandom(size // 2).hex()


def test_the_oldest_records_make_room(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1000)
    spool = make(max_bytes=4000)
    kept = [noise(800) for _ in range(10)]
    for number, body in enumerate(kept):
        assert spool.write(record(body, created_ns=NOW + number)) == ""
    assert spool.usage().size <= 4000
    left = bodies(spool)
    assert left == kept[::-1][: len(left)]
    assert spool.counts(*KEY) == SpoolCounts(delivered=len(left), evicted={module.FULL: 10 - len(left)})
    assert 2 <= len(left) < 10


def test_records_that_ended_processes_left_make_room(make: Make) -> None:
    first = make()
    first.write(record(noise(3000), items=7))
    first.close()
    second = make(max_bytes=4000)
    second.adopt()
    assert second.write(record(noise(3000))) == ""
    assert second.counts(*KEY) == SpoolCounts(found=7, found_dropped={module.FULL: 7})


def test_records_of_running_processes_do_not_make_room(make: Make) -> None:
    first, second = make(), make(max_bytes=4000)
    first.write(record(noise(3000)))
    assert "used up by other processes" in second.write(record(noise(3000)))
    assert len(bodies(first)) == 1


def test_a_record_above_the_limit_is_refused(make: Make) -> None:
    spool = make(max_bytes=100)
    assert spool.write(record(noise(200))) == "the request is larger than spool_max_bytes"
    assert spool.usage().problem == "the request is larger than spool_max_bytes"
    assert spool.write(record()) == ""
    assert spool.usage().problem == ""


def test_a_record_that_was_evicted_while_it_was_sent_counts_once(make: Make, clock: Clock) -> None:
    spool = make()
    for _ in range(3):
        spool.write(record())
    sent, failed = spool.lease(*KEY), spool.lease(*KEY)
    assert sent is not None
    assert failed is not None
    clock.now += int(4000 * 1e9)
    spool.adopt()
    assert spool.counts(*KEY).evicted == {module.EXPIRED: 1}
    spool.settle(sent)
    spool.release(failed)
    assert spool.counts(*KEY) == SpoolCounts(delivered=1, evicted={module.EXPIRED: 1, module.FULL: 1})
    assert spool.lease(*KEY) is None


def test_old_records_are_dropped(make: Make, clock: Clock, folder: Path) -> None:
    first = make()
    first.write(record(items=3))
    first.close()
    clock.now += int(3601 * 1e9)
    second = make()
    second.adopt()
    assert second.lease(*KEY) is None
    assert second.counts(*KEY) == SpoolCounts(found=3, found_dropped={module.EXPIRED: 3})
    assert files(folder) == []


def test_a_clock_that_goes_back_drops_nothing(make: Make, clock: Clock) -> None:
    spool = make()
    spool.write(record())
    clock.now = 0
    spool.adopt()
    assert spool.write(record("b")) == ""
    assert bodies(spool) == ["b", "a"]


# ---- refused records ---------------------------------------------------------------------------------------------


def test_a_refused_record_is_kept_with_its_reason(make: Make, folder: Path) -> None:
    spool = make()
    spool.write(record(items=4))
    stored = spool.lease(*KEY)
    assert stored is not None
    spool.settle(stored, "rejected: the receiver answered 400")
    assert spool.counts(*KEY).evicted == {"rejected": 4}
    (file,) = files(folder / REFUSED_FOLDER)
    (found,) = scan(file.read_bytes())
    assert found.record == record(items=4, reason="rejected: the receiver answered 400")


def test_refused_records_are_kept_and_counted_in_the_limit(make: Make, folder: Path) -> None:
    spool = make(max_bytes=3000)
    assert spool.write_dead(record(noise(2000), reason="rejected: no")) == ""
    assert "read the refused records" in spool.write_dead(record(noise(2000), reason="rejected: no"))
    assert "refused records" in spool.write(record(noise(2000)))
    spool.close()
    second = make()
    assert second.adopt() == 0
    assert len(files(folder / REFUSED_FOLDER)) == 1


# ---- shortage --------------------------------------------------------------------------------------------------------


def test_a_failed_write_leaves_whole_records(make: Make, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    spool = make()
    spool.write(record("first"))
    real = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if len(data) > 40:
            return real(descriptor, data[:40], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert spool.write(record("second" * 50)) == "No space left on device"
    monkeypatch.undo()
    assert spool.write(record("third")) == ""
    assert [each.record.body for file in files(folder) for each in scan(file.read_bytes()) if each.record] == [
        b"first",
        b"third",
    ]


def test_a_file_in_the_place_of_the_folder_is_a_clear_problem(make: Make, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("mine")
    spool = make()
    assert spool.write(record()) == "Not a directory"
    assert spool.adopt() == 0
    assert spool.write_dead(record()) == "Not a directory"
    assert folder.read_text() == "mine"


def test_names_of_services_are_safe_folders(tmp_path: Path) -> None:
    names = ["a", "A/../../b", "", "..", "ä ö", "x" * 300, "lone \ud800"]
    folders = [service_folder(tmp_path, name) for name in names]
    assert len(set(folders)) == len(names)
    for each in folders:
        assert each.parent == tmp_path
        each.mkdir()


def test_a_closed_spool_adopts_nothing(make: Make) -> None:
    spool = make()
    spool.write(record())
    spool.close()
    assert spool.adopt() == 0
    assert spool.write(record()) == "the spool is closed"
    assert make().adopt() == 1
