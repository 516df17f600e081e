"""ExportWorker: its thread starts late, dies or never starts, and its exporter loads its modules first."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline import export_worker
from flext_observability.pipeline.export_queue import ExportQueue
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.schedule import Schedule
from flext_observability.runtime.daemon import FIRST_WAIT_SECONDS, THREAD_FIX
from tests.fakes import BUSY, REFUSED, ScriptedExporter
from tests.unit.pipeline.workers import close, flush
from tests.waiting import eventually

START = threading.Thread.start


class Reports(list[ExportOutcome]):
    """Reported outcomes. The first ones may be scripted to raise."""

    def __init__(self, *errors: BaseException) -> None:
        super().__init__()
        self._errors = list(errors)

    def __call__(self, outcome: ExportOutcome, overflow: int) -> None:
        self.append(outcome)
        if self._errors:
            raise self._errors.pop(0)

    @property
    def messages(self) -> list[str]:
        return [each.message for each in self]


class LoadingExporter(ScriptedExporter):
    """Exporter with modules to load, which fails first with the given errors."""

    def __init__(self, *errors: BaseException) -> None:
        super().__init__()
        self._errors = list(errors)
        self.loads: list[str] = []

    def load_modules(self) -> None:
        self.loads.append(threading.current_thread().name)
        if self._errors:
            raise self._errors.pop(0)


def make(
    exporter: ScriptedExporter,
    reports: Reports,
    *,
    collect: Callable[[], int | None] | None = None,
    interval: float = 60,
    idle: float = 3600,
) -> ExportWorker[Any]:
    sizer = None if collect is None else lambda _item: 1
    schedule = Schedule(interval, 10, 512, periodic=collect is not None, idle_seconds=idle)
    queue = ExportQueue[Any](100, sizer)
    return ExportWorker(
        name="flext-fake", exporter=exporter, queue=queue, schedule=schedule, report=reports, collect=collect
    )


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Refuse the threads of workers, until the value of the fixture is called."""

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "flext-fake":
            raise RuntimeError("can't start new thread")
        START(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        yield patched.undo


# ---- modules of the exporter -----------------------------------------------------------------------------------------


class _DeadlockError(RuntimeError):
    """Error by name as that of ``importlib``, which is not public."""


def test_another_error_of_a_load_is_reported_at_once(reports: Reports) -> None:
    worker = make(exporter := LoadingExporter(RuntimeError("broken")), reports)
    worker.start()
    worker.enqueue(1)
    flush(worker, 0.2)
    assert (exporter.batches, len(exporter.loads)) == ([], 1)
    assert "the modules of the exporter cannot be loaded: RuntimeError: broken" in reports.messages[0]
    close(worker)


@pytest.mark.parametrize(("deadlocks", "exported"), [(3, [[1]]), (10, [])])
def test_an_import_that_meets_another_one_is_tried_again(
    reports: Reports, deadlocks: int, exported: list[list[int]]
) -> None:
    exporter = LoadingExporter(*[_DeadlockError("deadlock detected") for _ in range(deadlocks)])
    worker = make(exporter, reports)
    worker.start()
    worker.enqueue(1)
    flush(worker, 0.2)
    assert exporter.batches == exported
    close(worker)
    assert exporter.batches == [[1]]


# ---- a thread that cannot start --------------------------------------------------------------------------------------


def test_a_refused_thread_is_reported_once_with_its_fix(allow: Callable[[], None], reports: Reports) -> None:
    worker = make(ScriptedExporter(), reports)
    worker.start()
    worker.enqueue(1)
    worker.begin_flush()
    (report,) = reports
    assert (report.message, report.fix) == (
        "the thread flext-fake cannot be started: can't start new thread",
        THREAD_FIX,
    )
    close(worker)


def test_a_later_item_starts_the_thread(allow: Callable[[], None], reports: Reports) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, reports)
    worker.enqueue(1)
    allow()
    time.sleep(FIRST_WAIT_SECONDS)
    worker.enqueue(2)
    assert exporter.wait_for_batches(1)
    assert exporter.batches == [[1, 2]]
    assert reports[1] == ExportOutcome(), "the thread runs"
    close(worker)


def test_the_thread_of_another_worker_starts_it(allow: Callable[[], None], reports: Reports) -> None:
    exporter, other = ScriptedExporter(), make(ScriptedExporter(), Reports(), collect=lambda: 1, interval=0.05)
    worker = make(exporter, reports, collect=lambda: 1, interval=0.05)
    worker.start()
    allow()
    other.start()
    assert exporter.wait_for_batches(1)
    close(worker)
    close(other)


@pytest.mark.parametrize("collect", [None, lambda: 7])
def test_a_flush_sends_in_the_calling_thread(
    collect: Callable[[], int] | None, allow: Callable[[], None], reports: Reports
) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, reports, collect=collect)
    worker.start()
    worker.enqueue(1)
    assert flush(worker)
    assert [item for batch in exporter.batches for item in batch] == ([1] if collect is None else [1, 7])
    assert len(reports) == 1, "the problem of the thread remains"
    close(worker)


def test_a_flush_in_the_calling_thread_repeats_until_the_deadline(allow: Callable[[], None], reports: Reports) -> None:
    exporter = ScriptedExporter(REFUSED, REFUSED, REFUSED, REFUSED)
    worker = make(exporter, reports)
    worker.enqueue(1)
    began = time.monotonic()
    assert not flush(worker, 0.8)
    assert time.monotonic() - began < 2
    assert len(exporter.batches) >= 2
    assert max(exporter.timeouts) <= 0.8
    close(worker)


def test_a_drain_sends_in_the_calling_thread(allow: Callable[[], None], reports: Reports) -> None:
    worker = make(ScriptedExporter(), reports)
    worker.enqueue(1)
    deadline = time.monotonic() + 5
    worker.begin_drain(deadline)
    assert worker.wait_drained(deadline)
    close(worker)


def test_the_close_sends_in_the_calling_thread(allow: Callable[[], None], reports: Reports) -> None:
    exporter = ScriptedExporter()
    worker = make(exporter, reports)
    worker.enqueue(1)
    assert close(worker) == {}
    assert (exporter.batches, exporter.closed) == ([[1]], True)


def test_an_item_queued_during_a_flush_in_another_thread_starts_the_thread(
    allow: Callable[[], None], reports: Reports
) -> None:
    exporter = ScriptedExporter()
    exporter.hold.clear()
    worker = make(exporter, reports, interval=0.05)
    worker.enqueue(1)
    thread = threading.Thread(target=flush, args=(worker,))
    thread.start()
    assert exporter.wait_for_batches(1)
    allow()
    worker.enqueue(2)
    time.sleep(2 * FIRST_WAIT_SECONDS)
    exporter.hold.set()
    thread.join(5)
    assert exporter.wait_for_batches(2)
    close(worker)


def test_an_interrupted_flush_keeps_the_items(allow: Callable[[], None], reports: Reports) -> None:
    worker = make(ScriptedExporter(KeyboardInterrupt()), reports)
    worker.enqueue(1)
    with pytest.raises(KeyboardInterrupt):
        flush(worker)
    assert worker.counts().queued == 1
    assert not worker.is_running
    assert close(worker) == {}
    assert worker.counts().exported == 1


# ---- a thread that dies ----------------------------------------------------------------------------------------------


def test_a_worker_continues_after_an_error_of_its_own() -> None:
    exporter, reports = ScriptedExporter(), Reports(ValueError("a fault in the library"))
    worker = make(exporter, reports, interval=0.05)
    worker.enqueue(1)
    eventually(lambda: "the thread flext-fake failed: ValueError: a fault in the library" in reports.messages)
    worker.enqueue(2)
    assert exporter.wait_for_batches(2)
    eventually(lambda: worker.counts().exported == 1)
    counts = worker.counts()
    assert (counts.finished, dict(counts.dropped), counts.queued, counts.in_flight) == (2, {"error": 1}, 0, 0)
    close(worker)


def test_a_worker_whose_callback_raises_continues(reports: Reports) -> None:
    errors = [SystemExit(1), KeyboardInterrupt()]

    def collect() -> int:
        if errors:
            raise errors.pop(0)
        return 1

    exporter = ScriptedExporter()
    worker = make(exporter, reports, collect=collect, interval=0.05)
    worker.start()
    assert exporter.wait_for_batches(1)
    close(worker)


# ---- modules of the exporter -----------------------------------------------------------------------------------------


def test_the_modules_are_loaded_on_the_thread_before_the_first_batch(reports: Reports) -> None:
    exporter = LoadingExporter()
    worker = make(exporter, reports)
    worker.enqueue(1)
    assert flush(worker)
    assert exporter.loads == ["flext-fake"]
    close(worker)


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), ImportError("_ssl"), MemoryError()])
def test_items_wait_until_the_modules_can_be_loaded(error: BaseException, reports: Reports) -> None:
    exporter = LoadingExporter(error)
    worker = make(exporter, reports)
    worker.enqueue(1)
    assert flush(worker)
    first = reports[0]
    assert (first.retry, first.reason, bool(first.fix)) == (True, "unavailable", True)
    assert first.message.startswith("the modules of the exporter cannot be loaded: ")
    assert (worker.counts().exported, dict(worker.counts().dropped)) == (1, {})
    close(worker)


def test_an_idle_worker_loads_the_modules(monkeypatch: pytest.MonkeyPatch, reports: Reports) -> None:
    monkeypatch.setattr(export_worker, "LOAD_DELAY_SECONDS", 0.01)
    exporter = LoadingExporter(OSError(errno.EMFILE, "Too many open files"))
    worker = make(exporter, reports)
    assert worker.needs_load
    worker.start()
    eventually(lambda: not worker.needs_load)
    eventually(lambda: len(reports) == 2)
    assert reports[0].fix == "Raise the limit of open files (ulimit -n), or close files"
    assert reports[1] == ExportOutcome()
    assert exporter.batches == []
    close(worker)


def test_a_load_does_not_end_the_failure_of_an_export(monkeypatch: pytest.MonkeyPatch, reports: Reports) -> None:
    monkeypatch.setattr(export_worker, "LOAD_DELAY_SECONDS", 0.3)

    class DownExporter(LoadingExporter):
        def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
            super().export(batch, timeout_seconds)
            return BUSY

    exporter = DownExporter()
    worker = make(exporter, reports)
    worker.start()
    worker.enqueue(1)
    assert eventually(lambda: len(exporter.loads) == 1 and len(reports) >= 1)
    time.sleep(0.5)
    assert set(reports.messages) == {"busy"}
    close(worker)


def test_a_program_without_items_ends_without_a_load(reports: Reports) -> None:
    exporter = LoadingExporter()
    worker = make(exporter, reports)
    worker.start()
    close(worker)
    assert (exporter.loads, exporter.closed) == ([], True)


def test_a_started_worker_sends_the_first_item_at_once(reports: Reports) -> None:
    exporter = LoadingExporter()
    worker = make(exporter, reports)
    worker.start()
    began = time.monotonic()
    worker.enqueue(1)
    assert exporter.wait_for_batches(1)
    assert time.monotonic() - began < 2
    close(worker)


def test_items_that_cannot_be_sent_for_lack_of_files_wait(reports: Reports) -> None:
    exporter = ScriptedExporter(OSError(errno.EMFILE, "Too many open files"), BUSY)
    worker = make(exporter, reports)
    worker.enqueue(1)
    assert flush(worker)
    assert reports[0].message == "the exporter raised OSError: [Errno 24] Too many open files"
    assert worker.counts().exported == 1
    close(worker)


def test_other_errors_of_an_exporter_drop_the_batch(reports: Reports) -> None:
    worker = make(ScriptedExporter(OSError("no network")), reports)
    worker.enqueue(1)
    assert flush(worker)
    assert dict(worker.counts().dropped) == {"error": 1}
    close(worker)
