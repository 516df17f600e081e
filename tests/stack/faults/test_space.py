"""A queue or a disk without space, and large items: the collector refuses, and the application keeps its data."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitoring.native.parts import COLLECTOR, JAEGER, PROMETHEUS, VICTORIALOGS
from tests.stack.clients import eventually
from tests.stack.faults.conftest import Measure
from tests.stack.faults.measuring import Stores, load
from tests.stack.faults.own_stack import OwnStack

pytestmark = pytest.mark.stack

BACK_ENDS = (JAEGER, PROMETHEUS, VICTORIALOGS)


def test_a_full_queue_refuses_and_loses_nothing(
    own_stack: OwnStack,
    stores: Stores,
    measure: Measure,
    note: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLLECTOR_QUEUE_ITEMS", "1000")
    own_stack.away([COLLECTOR], 0.0)
    own_stack.stop(*BACK_ENDS)
    with load(own_stack.endpoint) as running:
        time.sleep(5.0)  # more than the queue holds
        refused = own_stack.collector_counter("otelcol_exporter_enqueue_failed_spans")
        own_stack.start(*BACK_ENDS)
        counts = measure("queue full (1000 items), back ends stopped, 5 s", running)
    counted = eventually(lambda: _once_reached(stores.span_metric(running.service), counts[0].sent))
    note(f"A full queue refused {refused:.0f} spans, which the application repeated; span metrics counted {counted}.")
    monkeypatch.undo()
    own_stack.away([COLLECTOR], 0.0)
    assert refused > 0
    assert [count.lost for count in counts] == [0, 0, 0]


def test_a_full_disk_refuses_and_loses_nothing(
    own_stack: OwnStack, measure: Measure, note: Callable[[str], None]
) -> None:
    own_stack.stop(COLLECTOR, *BACK_ENDS)
    queue = own_stack.places.folder(COLLECTOR) / "data" / "queue"
    with small_disk(queue, megabytes=2) as grow:
        own_stack.start(COLLECTOR)
        with load(own_stack.endpoint, "--ballast", "1000") as running:
            time.sleep(5.0)  # more than the disk holds
            refused = own_stack.collector_counter("otelcol_exporter_enqueue_failed_spans")
            grow(200)
            own_stack.start(*BACK_ENDS)
            counts = measure("disk of the queue full (2 MB), back ends stopped, 5 s", running)
        own_stack.stop(COLLECTOR)
    own_stack.start(COLLECTOR)
    note(f"A full disk refused {refused:.0f} spans, which the application repeated.")
    assert refused > 0
    assert [count.lost for count in counts] == [0, 0, 0]


def test_batches_of_large_spans_after_an_outage_are_accepted(own_stack: OwnStack, measure: Measure) -> None:
    """Jaeger's gRPC server accepts 32 MiB here, but those of vendors 4 MiB: a larger batch would be lost for good."""
    with load(own_stack.endpoint, "--ballast", "4000") as running:
        own_stack.away([JAEGER], 5.0)
        counts = measure("jaeger stopped, 5 s, spans of 4 KB", running)
    assert [count.lost for count in counts] == [0, 0, 0]


def _once_reached(found: int, expected: int) -> int:
    return found if found >= expected else 0


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Generator[Callable[[int], None]]:
    """Mount a small file system at a folder. Yields a function that changes its size in megabytes."""
    if os.geteuid() != 0:
        pytest.skip("a file system of limited size needs root")
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m"

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}m", str(folder)], check=True)

    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this system does not permit mounting a file system")
    try:
        yield resize
    finally:
        subprocess.run(["umount", str(folder)], check=True)
