"""Finished items of one (signal, exporter) → batches handed to the exporter by one daemon worker, against deadlines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from flext_observability.domain.report import ExporterCounts, Signal
from flext_observability.engine.compat import suppress_instrumentation
from flext_observability.extensions.ports import ExportOutcome, SignalExporter
from flext_observability.pipeline.export_queue import ExportQueue
from flext_observability.pipeline.exporter_state import ExporterState
from flext_observability.pipeline.retry import Backoff
from flext_observability.runtime.fork_barrier import fork_barrier

ItemT = TypeVar("ItemT")
FIRST_BATCH_DELAY_SECONDS = 0.1
MIN_ATTEMPT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a worker sends.

    Attributes:
        interval_seconds: Time between two batches; a batch that is full leaves at once.
        request_timeout_seconds: Limit of one attempt.
        max_batch: Items of one batch.
        periodic: Whether there is something to send at each interval without anything being offered (metrics).
    """

    interval_seconds: float
    request_timeout_seconds: float
    max_batch: int
    periodic: bool = False


class ExportWorker(Generic[ItemT]):
    """Queue, worker thread and retry pace of one (signal, exporter).

    The first item leaves within ``FIRST_BATCH_DELAY_SECONDS``, later ones at the interval. An item stays at the queue's head until
    it is accepted, refused for good, or evicted by overflow.

    Args:
        name: The exporter's name.
        signal: The signal carried.
        exporter: Where batches go.
        queue: The queue.
        schedule: When batches go.
        watch: Told of every outcome.
        collect: Called in the worker before each batch to put current data into the queue (metrics).
    """

    def __init__(  # noqa: PLR0913 — the parts of one pipeline, all named
        self,
        *,
        name: str,
        signal: Signal,
        exporter: SignalExporter[ItemT],
        queue: ExportQueue[ItemT],
        schedule: Schedule,
        state: ExporterState,
        collect: Callable[[], ItemT | None] | None = None,
        cumulative: bool = False,
    ) -> None:
        self.name = name
        self.signal: Signal = signal
        self._exporter = exporter
        self._queue = queue
        self._schedule = schedule
        self._state = state
        self._collect = collect
        self._cumulative = cumulative
        self._wake = threading.Condition(threading.RLock())
        self._thread: threading.Thread | None = None
        self._backoff = Backoff()
        self._due = 0.0
        self._not_before = 0.0
        self._retry_after_until = 0.0
        self._flush_requested = 0
        self._flush_done = 0
        self._close_deadline: float | None = None
        self._closed = False
        self._exported_once = False

    def start(self) -> None:
        """Start the worker now (periodic signals); others start with their first item."""
        with self._wake:
            self._due = time.monotonic() + self._schedule.interval_seconds
            self._ensure_thread()

    def enqueue(self, item: ItemT) -> None:
        """Queue an item without waiting; after the end it is counted as dropped."""
        with self._wake:
            if self._closed:
                self._queue.reject(item, "after_shutdown")
                return
            self._queue.put(item)
            waiting = len(self._queue)
            if self._thread is None:
                self._ensure_thread()
            if waiting in {1, self._schedule.max_batch}:
                if waiting == 1:
                    self._due = max(self._due, time.monotonic() + FIRST_BATCH_DELAY_SECONDS)
                self._wake.notify_all()

    def begin_flush(self) -> int:
        """Ask the worker to send all that was offered until now; return a ticket for ``wait_flushed``."""
        with self._wake:
            self._flush_requested += 1
            if self._thread is None:
                self._flush_done = self._flush_requested
            self._wake.notify_all()
            return self._flush_requested

    def wait_flushed(self, ticket: int, deadline: float) -> bool:
        """Wait until what the ticket stands for was sent; return whether it was before ``deadline`` (monotonic seconds)."""
        with self._wake:
            target: int | None = None
            while not self._closed:
                if target is None and (self._collect is None or self._flush_done >= ticket):
                    target = self._queue.put_total
                if target is not None and self._queue.settled_total >= target:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._wake.wait(left)
            return self._queue.empty

    def begin_close(self, deadline: float) -> None:
        """Ask the worker to send what is left and end before ``deadline`` (monotonic seconds); do not wait."""
        with self._wake:
            self._close_deadline = deadline
            self._not_before = self._retry_after_until = 0.0
            self._wake.notify_all()

    def wait_closed(self, deadline: float) -> ExporterCounts:
        """Wait for the end; what is left at ``deadline`` is counted as dropped. Return the last counts."""
        if self._thread is None:
            self._run()  # no worker was needed, or none could be had: an interpreter that ends may give no thread
        with self._wake:
            while not self._closed and (left := deadline - time.monotonic()) > 0:
                self._wake.wait(left)
            if not self._closed:
                self._queue.drop_all("shutdown_deadline")
                self._closed = True
            return self._queue.counts()

    def abandon(self) -> None:
        """Forget everything without touching locks or sockets of the parent (called in a forked child)."""
        self._wake = threading.Condition(threading.RLock())
        self._closed = True
        self._thread = None

    def counts(self) -> ExporterCounts:
        """Return the counts of this moment."""
        with self._wake:
            return self._queue.counts()

    # ---- the worker ------------------------------------------------------------------------------------------------

    def _ensure_thread(self) -> None:
        thread = threading.Thread(target=self._run, name=f"flext-{self.signal}-{self.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return  # the host is out of threads: items wait in the queue, and the next one tries again
        self._thread = thread

    def _run(self) -> None:
        with suppress_instrumentation():
            while self._wait_until_due():
                self._send_once()
        with self._wake:
            self._finish()
            self._wake.notify_all()

    def _wait_until_due(self) -> bool:
        """Wait for the next thing to do; False when the worker has to end."""
        with self._wake:
            while not self._closed:
                now = time.monotonic()
                due = self._next_due(now)
                if due <= now:
                    return True
                self._wake.wait(min(due - now, threading.TIMEOUT_MAX))
            return False

    def _next_due(self, now: float) -> float:
        if self._flush_requested > self._flush_done:
            return self._retry_after_until  # a flush is one attempt at once, unless the back end has named a time
        if self._close_deadline is not None:
            return min(self._not_before, self._close_deadline)
        waiting = len(self._queue)
        if waiting == 0 and not self._schedule.periodic:
            return now + threading.TIMEOUT_MAX
        full = waiting >= self._schedule.max_batch and not self._schedule.periodic
        return self._not_before if full else max(self._due, self._not_before)

    def _send_once(self) -> None:
        """Send one batch (all batches, when flushing or closing: the caller loops)."""
        with self._wake:
            closing = self._close_deadline is not None
            asked = self._flush_requested
        self._collect_current()
        with self._wake:
            batch = self._queue.pop_batch(self._schedule.max_batch)
        outcome = self._export(batch) if batch else ExportOutcome()
        with self._wake:
            too_late = self._closed or self._is_cut_short(outcome)
            if too_late:  # one word for a silent back end, whether the worker or whoever waits sees the deadline first
                self._queue.drop_all("shutdown_deadline")
            self._queue.complete(outcome)
            self._pace(outcome)
            if self._collect is not None or len(self._queue) == 0 or outcome.retry:
                self._flush_done = max(self._flush_done, asked)
            self._decide_end(outcome, final=closing)
            self._wake.notify_all()
        if batch and not too_late:
            self._state.record(self.name, self.signal, outcome)
            self._state.record_overflow(self.name, self.signal, self._queue.overflow)

    def _collect_current(self) -> None:
        if self._collect is None:
            return
        try:
            data = self._collect()
        except Exception as error:  # noqa: BLE001 — callbacks of the program run in it
            problem = f"reading {self.signal} raised {type(error).__name__}: {error}"
            self._state.record(self.name, self.signal, ExportOutcome(reason="error", message=problem))
            return
        if data is None:
            return
        with self._wake:
            if self._cumulative:
                self._queue.replace(data)
            else:
                self._queue.put(data)

    def _export(self, batch: list[ItemT]) -> ExportOutcome:
        timeout = self._schedule.request_timeout_seconds
        if self._close_deadline is not None:
            timeout = min(timeout, max(self._close_deadline - time.monotonic(), MIN_ATTEMPT_SECONDS))
        first, self._exported_once = (nullcontext() if self._exported_once else fork_barrier().section()), True
        try:
            with first:
                outcome = cast("object", self._exporter.export(batch, timeout))
        except Exception as error:  # noqa: BLE001 — an exporter of somebody else must not end the worker
            problem = f"raised {type(error).__name__}: {error}"
        else:
            if isinstance(outcome, ExportOutcome):
                return outcome
            problem = f"returned {type(outcome).__name__}, and no ExportOutcome"
        fix = "Report this to the exporter's author"
        return ExportOutcome(reason="error", message=f"the exporter {problem}", fix=fix)

    def _pace(self, outcome: ExportOutcome) -> None:
        now = time.monotonic()
        self._retry_after_until = 0.0
        if outcome.retry:
            self._due = self._not_before = now + self._backoff.next_seconds(outcome.retry_after_seconds)
            if outcome.retry_after_seconds is not None:
                self._retry_after_until = self._not_before
        else:
            self._due = now + self._schedule.interval_seconds
            self._not_before = 0.0
            self._backoff.reset()

    def _is_cut_short(self, outcome: ExportOutcome) -> bool:
        """Whether the deadline of leaving, and not the back end's own time limit, ended the attempt."""
        deadline = self._close_deadline
        ended = deadline is not None and time.monotonic() > deadline - MIN_ATTEMPT_SECONDS
        return ended and outcome.reason == "timeout"

    def _decide_end(self, outcome: ExportOutcome, *, final: bool) -> None:
        """While leaving: end when all is sent, when nobody answers, or when the next attempt would come too late.

        Args:
            outcome: What the attempt gave.
            final: Whether leaving had begun before the attempt, so that its data were the last.
        """
        if self._close_deadline is None:
            return
        if outcome.retry and (not outcome.reached or self._not_before >= self._close_deadline):
            self._queue.drop_all(outcome.reason or "unavailable")
            self._closed = True
        elif final:
            self._closed = self._queue.empty

    def _finish(self) -> None:
        self._closed = True
        with suppress(Exception):  # somebody else's exporter may fail to close; nothing depends on it any more
            self._exporter.close()
