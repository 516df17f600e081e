"""Worker of one exporter: sends queued items in batches, on a daemon thread of its own, with retries and deadlines."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from threading import TIMEOUT_MAX, Condition, RLock
from typing import TYPE_CHECKING, TypeVar, final

from flext_observability.engine.compat import suppress_instrumentation
from flext_observability.extensions.ports import ExportOutcome, SignalExporter
from flext_observability.pipeline.exporter_calls import ExporterCalls
from flext_observability.pipeline.sending import STORE_RESERVE_SECONDS, Sending
from flext_observability.runtime.daemon import DaemonThread, retry_threads

if TYPE_CHECKING:
    from flext_observability.pipeline.endpoint_health import EndpointHealth
    from flext_observability.pipeline.export_queue import ExportQueue
    from flext_observability.pipeline.schedule import Schedule
    from flext_observability.pipeline.spool.worker_spool import WorkerSpool

ItemT = TypeVar("ItemT")
CLOSE_SECONDS = 0.05
LOAD_DELAY_SECONDS = 1.0
"""Time from the start of a worker until it loads its exporter without an item; a short program may not need it."""


@final
class ExportWorker(Sending[ItemT]):
    """Sends the items of one queue to one exporter. Thread-safe and re-entrant; ``enqueue`` never blocks.

    The first item is sent within ``FIRST_BATCH_DELAY_SECONDS``, later ones at the interval. An item stays at the head
    of the queue until the exporter accepts it, rejects it permanently, or overflow evicts it.

    Args:
        name: Name of the thread.
        exporter: Receives the batches.
        queue: The queue; only this worker uses it until ``stop``.
        schedule: Times and sizes of batches.
        report: Called after each attempt with its outcome and the size of the items that overflow has dropped so far.
        collect: Returns current data to put into the queue before each batch (metrics).
        endpoint: Health of the address, which other workers share.
        spool: Stores the items that cannot be sent.
    """

    def __init__(  # noqa: PLR0913 - the parts of a worker, each named
        self,
        *,
        name: str,
        exporter: SignalExporter[ItemT],
        queue: ExportQueue[ItemT],
        schedule: Schedule,
        report: Callable[[ExportOutcome, int], object],
        collect: Callable[[], ItemT | None] | None = None,
        endpoint: EndpointHealth | None = None,
        spool: WorkerSpool[ItemT] | None = None,
    ) -> None:
        super().__init__(
            queue=queue,
            schedule=schedule,
            thread=DaemonThread(name, self._run, what=f"the thread {name}", report=self._report_thread),
            exporter=ExporterCalls(exporter, collects=collect is not None),
            report=report,
            collect=collect,
            endpoint=endpoint,
            spool=spool,
        )
        self._name = name
        self._cut_off = False
        self._exporter_closing = False
        self._exporter_closed = False

    @property
    def name(self) -> str:
        """Name of the thread."""
        return self._name

    @property
    def is_running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread.is_active

    @property
    def needs_load(self) -> bool:
        """Whether the exporter has modules to load."""
        return self._exporter.needs_load

    def start(self) -> None:
        """Start the thread now. Without this call it starts with the first item."""
        with self._wake:
            if self._schedule.periodic:
                self._pace.start_interval()
            if self._exporter.needs_load:
                self._load_due = time.monotonic() + LOAD_DELAY_SECONDS
            self._thread.start()
        self._thread.report()

    def begin_flush(self) -> int:
        """Request to send all items queued until now, and return a ticket for ``wait_flushed``."""
        ticket = self._request_flush()
        self._thread.report()
        return ticket

    def wait_flushed(self, ticket: int, deadline: float) -> bool:
        """Wait, with retries, until the items of the ticket are sent; return whether they were before ``deadline``."""
        target: int | None = None

        def is_settled() -> bool:
            nonlocal target
            if target is None and (self._collect is None or self._flush_done >= ticket):
                target = self._queue.put_total
            if self._closed or target is None:
                return self._closed
            return self._queue.settled_total >= target and not self._has_spooled()

        self._send_here(is_settled, deadline)
        with self._wake:
            self._wait_until(is_settled, deadline)
            return self._queue.empty and not self._has_spooled() if self._closed else is_settled()

    def begin_drain(self, deadline: float) -> None:
        """Skip back-off and send each queued item, without retries, in attempts that end before ``deadline``."""
        with self._wake:
            self._attempt_deadline = deadline
            self._request_flush()
        self._thread.report()

    def wait_drained(self, deadline: float) -> bool:
        """Wait for the end of the drain, at most until ``deadline``, and return whether the queue is empty."""
        self._send_here(self._is_flushed, deadline)
        with self._wake:
            self._wait_until(self._is_flushed, deadline)
            self._flush_done = self._flush_requested
            self._attempt_deadline = inf
            return self._queue.empty

    def begin_close(self, deadline: float) -> None:
        """Request to send the remaining items and end before ``deadline`` (monotonic seconds)."""
        with self._wake:
            self._closing = True
            self._attempt_deadline = self._before(deadline)
            self._pace.skip_wait()
            if not self._closed:
                self._thread.start()  # if no item has started it: the exporter is closed there
            self._wake.notify_all()

    def wait_closed(self, deadline: float) -> bool:
        """Wait for the end, and drop the items left at ``deadline``. Return False when the exporter hangs in close."""
        if not self._exporter_closing and self._thread.borrow():
            try:
                self._run()  # an interpreter that ends cannot start threads
            finally:
                self._release()
        with self._wake:
            self._wait_until(lambda: self._exporter_closed or self._cut_off, self._before(deadline))
            self.drop_queued()
            if self._exporter_closing:  # an attempt that ended at the deadline: closing takes its time
                self._wait_until(lambda: self._exporter_closed, max(deadline, time.monotonic() + CLOSE_SECONDS))
            return self._exporter_closed or not self._exporter_closing

    def _before(self, deadline: float) -> float:
        """Return the deadline without the time for storing what is left."""
        return deadline if self._spool is None else max(deadline - STORE_RESERVE_SECONDS, time.monotonic())

    def drop_queued(self) -> None:
        """Store or drop the items that are not sent, the batch in flight included, and end. Idempotent."""
        with self._wake:
            if not self._closed:
                self._cut_off = True
                self.stop()
                self._store_or_drop("shutdown_deadline")

    def stop(self) -> None:
        """End without sending. The caller may use the queue from now on; a running attempt no longer counts."""
        with self._wake:
            self._end()
            self._wake.notify_all()

    def stop_if_hung(self, limit_seconds: float) -> float | None:
        """Stop if the current attempt has reached ``limit_seconds``, and return its duration; otherwise None."""
        with self._wake:
            seconds = time.monotonic() - self._attempt_began
            if seconds < limit_seconds:
                return None
            self.stop()
            return seconds

    def abandon(self) -> None:
        """End in a forked child, without using locks or sockets of the parent."""
        self._end()
        self._lock = RLock()
        self._wake = Condition(self._lock)
        self._thread.reinit_after_fork()

    def _report_thread(self, problem: str) -> None:
        if problem:
            fix = self._thread.fix
            outcome = ExportOutcome(retry=True, reached=False, reason="unavailable", message=problem, fix=fix)
            self._report(outcome, self._queue.overflow)
        else:
            self._report(ExportOutcome(), self._queue.overflow)

    def _request_flush(self) -> int:
        with self._wake:
            self._flush_requested += 1
            if not self._closed and (self._collect is not None or len(self._queue)):
                self._thread.start()
            elif not self._thread.is_active:
                self._flush_done = self._flush_requested
            self._wake.notify_all()
            return self._flush_requested

    def _run(self) -> None:
        wake = self._wake
        with wake:
            self._queue.complete(ExportOutcome(reason="error"))  # the batch of an attempt that ended a former thread
        try:
            with suppress_instrumentation():
                while self._wait_until_due():
                    self._step()
                    retry_threads()
        except BaseException:
            self._await(1)
            raise
        with self._wake:
            # If an export forks, this thread continues in the child, where `abandon` has replaced the lock.
            if not self._closed or self._exporter_closing or self._wake is not wake:
                return
            self._exporter_closing = True
        self._exporter.close()  # without the lock: it may hang, and counts stay readable
        with self._wake:
            self._exporter_closed = True
            self._wake.notify_all()

    def _send_here(self, is_done: Callable[[], bool], deadline: float) -> None:
        """Send in the calling thread, until ``deadline``, if the worker has no thread."""
        if not self._thread.borrow():
            return
        self._attempt_limit = deadline
        try:
            with suppress_instrumentation():
                while not is_done() and (now := time.monotonic()) < deadline:
                    if self._next_due() <= now:
                        self._step()
                    else:
                        with self._wake:
                            self._wake.wait(min(self._next_due(), deadline) - now)
        finally:
            with self._wake:
                self._attempt_limit = inf
                self._release()
                if len(self._queue) and not self._closed:
                    self._thread.start()

    def _wait_until_due(self) -> bool:
        """Wait for the next attempt. Return False when the thread ends: the worker is closed or idle."""
        wake = self._wake
        with wake:
            idle_at = time.monotonic() + self._schedule.idle_seconds
            while not self._closed:
                now = time.monotonic()
                self._await_item()
                due = self._next_due()
                if due <= now:
                    self._await(inf)
                    return True
                limit = due if len(self._queue) else min(due, idle_at)
                if limit <= now:
                    self._release()
                    return False
                wake.wait(min(limit - now, TIMEOUT_MAX))
            return False

    def _wait_until(self, reached: Callable[[], bool], deadline: float) -> None:
        self._wake.wait_for(reached, min(max(deadline - time.monotonic(), 0.0), TIMEOUT_MAX))
