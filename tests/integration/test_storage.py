"""Processes that share an SQLite file, and one that is killed while writing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from flext_observability import FlextMetric, MetricsCriteria, SQLiteStorage
from tests.programs import UNMEASURED, environment

WRITER = """
    import sys
    from flext_observability import FlextMetric, SQLiteStorage

    storage = SQLiteStorage(sys.argv[1])
    for number in range(int(sys.argv[2])):
        metric = FlextMetric(name="load", value=number, tags={"writer": sys.argv[3]})
        assert storage.store(metric).success
        print(metric.id, flush=True)
"""


def start(path: Path, count: int, name: str = "a") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path), str(count), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(UNMEASURED))


@pytest.mark.parametrize("acknowledged", [1, 300, 1500])
def test_stored_entities_survive_a_killed_process(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "telemetry.sqlite3"
    with start(path, 1_000_000) as writer:
        assert writer.stdout is not None
        seen = [writer.stdout.readline().strip() for _ in range(acknowledged)]
        writer.send_signal(signal.SIGKILL)
        seen += [line.strip() for line in writer.stdout if line.endswith("\n")]
    assert writer.returncode == -signal.SIGKILL
    assert len(seen) >= acknowledged
    storage = SQLiteStorage(path)
    found = {each.id for each in storage.query("metric", MetricsCriteria(limit=1_000_000)).unwrap()}
    assert set(seen) <= found
    assert len(found) <= len(seen) + 1  # at most one was stored and not printed
    assert storage.store(FlextMetric(name="load", value=1)).success
    storage.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_processes_write_concurrently_while_another_reads(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.sqlite3"
    writers = [start(path, 300, name) for name in "abcd"]  # they also create the file concurrently
    storage = SQLiteStorage(path)
    counts = [0]
    deadline = monotonic() + 50
    while counts[-1] < 1200 and monotonic() < deadline:
        counts.append(len(storage.query("metric", MetricsCriteria(limit=10_000)).unwrap()))
    assert [len(writer.communicate()[0].split()) for writer in writers] == [300] * 4
    assert counts == sorted(counts)
    assert storage.count("metric").data == 1200
    assert len(storage.query("metric", MetricsCriteria(tags={"writer": "c"})).unwrap()) == 300
    storage.close()
