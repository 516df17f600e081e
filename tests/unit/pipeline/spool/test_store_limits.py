"""Spool: sizes and ages hold, and a shortage costs the new record alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from flext_observability.pipeline.spool import store as module
from flext_observability.pipeline.spool.counts import SpoolCounts
from flext_observability.pipeline.spool.folders import REFUSED_FOLDER, service_folder
from flext_observability.pipeline.spool.record import scan
from flext_observability.pipeline.spool.store import Spool
from tests.programs import run
from tests.unit.pipeline.spool.records import KEY, NOW, Clock, Make, bodies, files, record

# ---- limits ----------------------------------------------------------------------------------------------------------


def noise(size: int) -> str:
    return os.urandom(size // 2).hex()


def test_the_oldest_records_make_room(make_spool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1000)
    spool = make_spool(max_bytes=4000)
    kept = [noise(800) for _ in range(10)]
    for number, body in enumerate(kept):
        assert spool.write(record(body, created_ns=NOW + number)) == ""
    assert spool.usage().size <= 4000
    left = bodies(spool)
    assert left == kept[::-1][: len(left)]
    assert spool.counts(*KEY) == SpoolCounts(delivered=len(left), evicted={module.FULL: 10 - len(left)})
    assert 2 <= len(left) < 10


def test_records_that_ended_processes_left_make_room(make_spool: Make) -> None:
    first = make_spool()
    first.write(record(noise(3000), items=7))
    first.close()
    second = make_spool(max_bytes=4000)
    second.adopt()
    assert second.write(record(noise(3000))) == ""
    assert second.counts(*KEY) == SpoolCounts(found=7, found_dropped={module.FULL: 7})


def test_records_of_running_processes_do_not_make_room(make_spool: Make) -> None:
    first, second = make_spool(), make_spool(max_bytes=4000)
    first.write(record(noise(3000)))
    assert "used up by other processes" in second.write(record(noise(3000)))
    assert len(bodies(first)) == 1


def test_a_record_above_the_limit_is_refused(make_spool: Make) -> None:
    spool = make_spool(max_bytes=100)
    assert spool.write(record(noise(200))) == "the request is larger than spool_max_bytes"
    assert spool.usage().problem == "the request is larger than spool_max_bytes"
    assert spool.write(record()) == ""
    assert spool.usage().problem == ""


def test_a_record_that_was_evicted_while_it_was_sent_counts_once(make_spool: Make, clock: Clock) -> None:
    spool = make_spool()
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


def test_old_records_are_dropped(make_spool: Make, clock: Clock, folder: Path) -> None:
    first = make_spool()
    first.write(record(items=3))
    first.close()
    clock.now += int(3601 * 1e9)
    second = make_spool()
    second.adopt()
    assert second.lease(*KEY) is None
    assert second.counts(*KEY) == SpoolCounts(found=3, found_dropped={module.EXPIRED: 3})
    assert files(folder) == []


def test_a_clock_that_goes_back_drops_nothing(make_spool: Make, clock: Clock) -> None:
    spool = make_spool()
    spool.write(record())
    clock.now = 0
    spool.adopt()
    assert spool.write(record("b")) == ""
    assert bodies(spool) == ["b", "a"]


# ---- refused records ---------------------------------------------------------------------------------------------


def test_a_refused_record_is_kept_with_its_reason(make_spool: Make, folder: Path) -> None:
    spool = make_spool()
    spool.write(record(items=4))
    stored = spool.lease(*KEY)
    assert stored is not None
    spool.settle(stored, "rejected: the receiver answered 400")
    assert spool.counts(*KEY).evicted == {"rejected": 4}
    (file,) = files(folder / REFUSED_FOLDER)
    (found,) = scan(file.read_bytes())
    assert found.record == record(items=4, reason="rejected: the receiver answered 400")


def test_refused_records_are_kept_and_counted_in_the_limit(make_spool: Make, folder: Path) -> None:
    spool = make_spool(max_bytes=3000)
    assert spool.write_dead(record(noise(2000), reason="rejected: no")) == ""
    assert "read the refused records" in spool.write_dead(record(noise(2000), reason="rejected: no"))
    assert "refused records" in spool.write(record(noise(2000)))
    spool.close()
    second = make_spool()
    assert second.adopt() == 0
    assert len(files(folder / REFUSED_FOLDER)) == 1


# ---- shortage --------------------------------------------------------------------------------------------------------


def test_a_failed_write_leaves_whole_records(make_spool: Make, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    spool = make_spool()
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


def test_a_file_in_the_place_of_the_folder_is_a_clear_problem(make_spool: Make, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("mine")
    spool = make_spool()
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


def test_a_closed_spool_adopts_nothing(make_spool: Make) -> None:
    spool = make_spool()
    spool.write(record())
    spool.close()
    assert spool.adopt() == 0
    assert spool.write(record()) == "the spool is closed"
    assert make_spool().adopt() == 1


def test_a_folder_of_another_user_is_a_clear_problem(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        folder = Path("/usr")
    spool = Spool(folder, max_bytes=1 << 20, max_age_seconds=3600)
    assert spool.write(record()) == "it belongs to another user"


FEW_FILES = """
import os, resource
from pathlib import Path
from flext_observability.pipeline.spool.record import SpoolRecord
from flext_observability.pipeline.spool.store import Spool

spool = Spool(Path(os.environ["FOLDER"]), max_bytes=1 << 20, max_age_seconds=3600)
record = SpoolRecord("traces", "otlp_http", "", 1, 1, b"x")
spool.adopt()
import fcntl
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, limits[1]))
print(spool.write(record))
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
print(spool.write(record) or "stored")
spool.close()
"""


def test_too_many_open_files_cost_the_record_alone(folder: Path) -> None:
    done = run(FEW_FILES, FOLDER=str(folder))
    assert done.lines == ["its lock cannot be taken", "stored"], done.err
    assert not list(folder.glob(".new-*"))
