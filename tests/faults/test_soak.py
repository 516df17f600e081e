"""A long time under load with outages: memory, threads and open files stay flat, and all arrives."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.backends.collector import Answer, collector
from tests.faults.running import Faults, missing, received, show, twice

SECONDS = float(os.environ.get("FAULT_SOAK_SECONDS", "12"))
CYCLES = 6
MAX_GROWTH_BYTES = 16 << 20


def usage(pid: int) -> tuple[int, int, int]:
    """Return resident memory in bytes, threads and open files of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident = int(status["VmRSS"].split()[0]) * 1024
    return resident, int(status["Threads"]), sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def assert_flat(seen: Sequence[tuple[int, int, int]]) -> None:
    """Assert that the second half of the measurements is no higher than the first."""
    half = len(seen) // 2
    first, second = ([max(values) for values in zip(*part, strict=True)] for part in (seen[:half], seen[half:]))
    assert second[0] <= first[0] + MAX_GROWTH_BYTES
    assert second[1] <= first[1]
    assert second[2] <= first[2] + 1  # a segment of the spool may be open


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the state of a process from /proc")
def test_memory_threads_and_files_stay_flat(faults: Faults) -> None:
    seen: list[tuple[int, int, int]] = []
    with collector() as back_end:
        process = faults.start(back_end.url, seconds=SECONDS, rate=300)
        faults.wait_until_it_records(process)
        while process.poll() is None and len(seen) < 2 * CYCLES:
            back_end.standing = Answer(503) if len(seen) % 2 == 0 else Answer()
            time.sleep(SECONDS / (2 * CYCLES + 2))
            if process.poll() is None:
                seen.append(usage(process.pid))
        back_end.standing = Answer()
        faults.finish(process, timeout=SECONDS + 60)
        faults.drain(back_end)
        arrived = received(back_end)
    print(f"memory MB, threads, files: {[(memory >> 20, threads, files) for memory, threads, files in seen]}")
    for signal, numbers in arrived.items():
        show(f"{SECONDS:g} s with outages", faults, numbers, signal)
        assert missing(numbers, faults.sent) == []
        assert twice(numbers) == 0
    assert_flat(seen)
