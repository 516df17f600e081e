"""Full, read-only and forbidden disks under the spool: programs go on, and every item is counted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.backends.collector import collector
from tests.backends.ports import refusing_port
from tests.faults.running import LEAVING_SECONDS, Faults, received, show


def test_a_full_disk_costs_what_it_cannot_hold(faults: Faults, request: pytest.FixtureRequest) -> None:
    folder = faults.folder / "spool"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    request.addfinalizer(lambda: subprocess.run(["umount", "-l", str(folder)], check=False))
    with refusing_port() as port:
        ledger = faults.run(f"http://127.0.0.1:{port}", seconds=4, rate=2000)
    assert ledger["leaving"] <= LEAVING_SECONDS
    assert faults.total("dropped") > 0
    with collector() as good:
        faults.drain(good)
        arrived = received(good)
    for signal, numbers in arrived.items():
        show("full disk", faults, numbers, signal)
        assert max(numbers.values()) == 1
        assert len(numbers) + faults.total("dropped", signal) == faults.sent


@pytest.mark.parametrize("kind", ["a file", "not writable"])
def test_a_spool_that_cannot_be_written_costs_no_more_than_none(kind: str, faults: Faults) -> None:
    folder = faults.folder / "spool"
    if kind == "a file":
        folder.write_text("in the way")
    elif os.geteuid() == 0:
        folder.symlink_to("/proc/1/no-such-folder")  # permissions do not bind root
    else:
        folder.mkdir(mode=0o500)
    with collector() as good:
        faults.run(good.url, seconds=1)
        assert {signal: len(numbers) for signal, numbers in received(good).items()} == dict.fromkeys(
            ("traces", "logs"), faults.sent
        )
    with refusing_port() as port:
        ledger = faults.run(f"http://127.0.0.1:{port}", seconds=1)
    assert ledger["leaving"] <= LEAVING_SECONDS
    assert faults.total("dropped") == ledger["number"]
    assert "Traceback" not in Path(faults.folder / "stderr").read_text()
