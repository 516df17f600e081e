"""One step of a worker: send a batch, store what cannot be sent, or send what was stored → counts, next step."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final, TypeVar, cast

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import StoredBatch
from flext_observability.pipeline.intake import Intake
from flext_observability.pipeline.retry import Backoff
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.pipeline.endpoint_health import EndpointHealth
    from flext_observability.pipeline.export_queue import ExportQueue, QueueCounts
    from flext_observability.pipeline.exporter_calls import ExporterCalls
    from flext_observability.pipeline.schedule import Schedule
    from flext_observability.pipeline.spool.worker_spool import WorkerSpool
    from flext_observability.runtime.daemon import DaemonThread

ItemT = TypeVar("ItemT")
MIN_ATTEMPT_SECONDS: Final = 0.05
STORE_SECONDS: Final = 0.3
"""Time for storing the remaining items after the deadline of closing."""
STORE_RESERVE_SECONDS: Final = 0.15
"""Part of the time of closing in which nothing is sent any more, so that what is left can be stored."""
REPLAY_AT_CLOSE_SECONDS: Final = 1.0
"""Time for sending what was stored before, at the end of a program."""
MAX_REPLAY_PAUSE_SECONDS: Final = 0.25
"""Pause after the first stored request that is sent; it halves with each further one, down to a hundredth of it."""
_FULL_SHARE: Final = 4
"""Items are stored during an attempt when all but one of this many parts of the queue are full."""


class Sending(Intake[ItemT]):
    """Base of a worker: what it does with the items of its queue, one step at a time.

    Args:
        queue: The queue.
        schedule: Times and sizes of batches.
        thread: The thread of the worker.
        exporter: Receives the batches.
        report: Called after each attempt with its outcome and the size of the items that overflow has dropped so far.
        collect: Returns current data to put into the queue before each batch (metrics).
        endpoint: Health of the address, which other workers share; None for a back end without an address.
        spool: Stores the items that cannot be sent; None: they stay in the queue.
    """

    def __init__(  # noqa: PLR0913 - the parts of a worker, each named
        self,
        *,
        queue: ExportQueue[ItemT],
        schedule: Schedule,
        thread: DaemonThread,
        exporter: ExporterCalls[ItemT],
        report: Callable[[ExportOutcome, int], object],
        collect: Callable[[], ItemT | None] | None,
        endpoint: EndpointHealth | None,
        spool: WorkerSpool[ItemT] | None,
    ) -> None:
        super().__init__(queue, schedule, thread)
        self._exporter = exporter
        self._report = report
        self._collect = collect
        self._endpoint = endpoint
        self._spool = spool
        self._load_due = inf
        self._load_failed = False
        self._load_backoff = Backoff()
        self._flush_requested: int = 0
        self._flush_done: int = 0
        self._attempt_deadline = inf
        self._attempt_limit = inf
        self._attempt_began = inf
        self._closing = False
        self._store_at = 0.0
        self._store_requested = False
        self._replay_at = 0.0
        self._replay_until = 0.0  # closing: end of the time for stored requests
        self._replay_pause = MAX_REPLAY_PAUSE_SECONDS
        if endpoint is not None:
            endpoint.join(self, self._endpoint_changed)

    def counts(self) -> QueueCounts:
        """Return the current counts."""
        with self._wake:
            counts = self._queue.counts()
        return counts if self._spool is None else self._spool.complete_counts(counts)

    def attend(self, item: ItemT) -> None:
        """Do what a new item needs: a place in the queue, a thread, a batch, or a place on disk."""
        super().attend(item)
        with self._wake:
            if self._queue.pending >= self._store_from and not self._store_requested and not self._closed:
                self._request_store()

    def kick(self) -> None:
        """Start the thread if there are stored requests to send, which it does not know of."""
        with self._wake:
            if not self._closed and self._spool is not None and self._spool.has_pending:
                self._thread.start()
                self._wake.notify_all()
        self._thread.report()

    def _has_spooled(self) -> bool:
        """Return whether items of this worker are on disk, not yet sent."""
        return self._spool is not None and self._spool.complete_counts(self._queue.counts()).spooled > 0

    def _endpoint_changed(self, is_back: bool) -> None:  # noqa: FBT001 - a callback
        with self._wake:
            if is_back:
                self._pace.end_back_off()
            self._wake.notify_all()

    def _step(self) -> None:
        """Do what is due."""
        with self._wake:
            action = self._due_action()
        action()

    def _due_action(self) -> Callable[[], object]:
        now = time.monotonic()
        if self._load_due <= now and not self._closing:
            return self._load_early
        if self._closing and self._replay_until:
            return self._replay_last
        if self._is_flushed() and not self._closing:
            if self._store_due() <= now:
                return self._store_batch
            if self._replay_due() <= now < self._send_due():
                return self._replay
        return self._send_once

    def _is_flushed(self) -> bool:
        return self._closed or self._flush_done >= self._flush_requested

    def _next_due(self) -> float:
        """Return the time of the next step, monotonic seconds."""
        if not self._is_flushed():
            draining = self._attempt_deadline < inf and not self._closing
            return 0.0 if draining else self._pace.retry_after_until  # a flush skips back-off, but not a Retry-After
        if self._closing:
            return min(self._pace.not_before, self._attempt_deadline)
        return min(self._load_due, self._send_due(), self._store_due(), self._replay_due())

    def _may_send_at(self) -> float:
        """Return the end of the wait after a failure, of this worker or at its address."""
        not_before = self._pace.not_before
        return not_before if self._endpoint is None else max(not_before, self._endpoint.may_send_at(self))

    def _send_due(self) -> float:
        return max(self._pace.next_due(self._queue.pending, self._schedule), self._may_send_at())

    def _store_due(self) -> float:
        """Return when to store items: at the times of batches, while none may be sent."""
        if self._spool is None or self._queue.is_being_stored or self._may_send_at() <= time.monotonic():
            return inf
        queued, periodic = self._queue.pending, self._schedule.periodic
        if not self._spool.while_down:
            return 0.0 if queued >= self._full_from() else inf
        if queued == 0 and not periodic:
            return inf
        return 0.0 if queued >= self._schedule.max_batch and not periodic else self._store_at

    def _replay_due(self) -> float:
        if self._spool is None or not self._spool.has_pending:
            return inf
        return max(self._replay_at, self._may_send_at())

    def _load_early(self) -> None:
        failure = self._exporter.load()
        if failure is not None or self._load_failed:  # else the report would end a failure of an export
            self._report(failure or ExportOutcome(), self._queue.overflow)
        with self._wake:
            self._load_failed = failure is not None
            self._load_due = inf if failure is None else time.monotonic() + self._load_backoff.next_seconds()

    def _send_once(self) -> None:
        """Send one batch. While flushing or closing, the caller repeats this until the queue is empty."""
        with self._wake:
            final, requested = self._closing, self._flush_requested
        if final and self._spool is not None:
            self._spool.adopt()
        data = None if self._collect is None else self._collect_data(self._collect)
        with self._wake:
            if self._closed:
                return
            if data is not None:
                self._queue.put(data)
            batch = self._queue.pop_batch(self._schedule.max_batch)
            self._begin_attempt(bool(batch))
        outcome = self._export(batch) if batch else ExportOutcome()
        cut_short = self._is_cut_short(outcome)
        # A batch that is sent without the thread does not end the problem of the thread.
        if batch and not cut_short and (outcome.reason or not self._thread.problem) and not self._closed:
            self._report(outcome, self._queue.overflow)
        until = self._settle_endpoint(outcome) if batch else inf
        refused = list[ItemT]()
        wake = self._wake
        with wake:
            if not self._closed:
                self._attempt_began = inf
                refused = self._complete(outcome, until, final=final, requested=requested, cut_short=cut_short)
                wake.notify_all()
        if self._spool is not None and batch:
            self._spool.check()
            self._spool.keep_refused(refused, outcome, with_single=len(refused) < len(batch))

    def _begin_attempt(self, is_export: bool) -> None:  # noqa: FBT001 - whether there is a batch
        self._attempt_began = time.monotonic() if is_export else inf
        if is_export and self._endpoint is not None:
            self._endpoint.begin(self)
        if self._spool is not None:
            is_down = self._endpoint is not None and self._endpoint.is_down
            is_eager = is_down and self._spool.while_down
            self._store_from = min(self._schedule.max_batch, self._full_from()) if is_eager else self._full_from()
            self._await(self._awaited)

    def _full_from(self) -> int:
        size = self._queue.max_queue_size
        return max(size - size // _FULL_SHARE, 1)

    def _settle_endpoint(self, outcome: ExportOutcome) -> float:
        return inf if self._endpoint is None else self._endpoint.settle(self, outcome)

    def _complete(
        self, outcome: ExportOutcome, until: float, *, final: bool, requested: int, cut_short: bool
    ) -> list[ItemT]:
        """Settle the batch and plan the next attempt.

        Args:
            outcome: Outcome of the attempt.
            until: When the address may be tried again, if it does not respond.
            final: Whether closing had begun before the attempt.
            requested: Flush requests made before the attempt.
            cut_short: Whether the closing deadline ended the attempt.

        Returns:
            The items that the back end refused for good.
        """
        if cut_short:
            self._store_or_drop("shutdown_deadline")
        refused = self._queue.complete(outcome)
        self._pace.settle(outcome, until)
        self._store_at = 0.0
        if self._collect is not None or len(self._queue) == 0 or outcome.retry:
            self._flush_done = max(self._flush_done, requested)
        if self._closing:
            self._complete_closing(outcome, final=final)
        return refused

    def _complete_closing(self, outcome: ExportOutcome, *, final: bool) -> None:
        if outcome.retry and (not outcome.reached or self._pace.not_before >= self._attempt_deadline):
            self._end()
            self._store_or_drop(outcome.reason or "unavailable")
        elif final and self._may_replay_last(outcome):
            self._replay_until = min(self._attempt_deadline, time.monotonic() + REPLAY_AT_CLOSE_SECONDS)
        elif final:
            self._end()
            self._closed = self._queue.empty  # after the end: an item that was added before it is sent

    def _may_replay_last(self, outcome: ExportOutcome) -> bool:
        if self._spool is None or outcome.retry or len(self._queue):
            return False
        return self._spool.has_pending and (self._endpoint is None or not self._endpoint.is_down)

    def _collect_data(self, collect: Callable[[], ItemT | None]) -> ItemT | None:
        try:
            return collect()
        except BaseException as error:  # noqa: BLE001 - callbacks of the program run in it
            reraise_interrupt(error)
            message = f"reading metrics raised {describe_error(error)}"
            self._report(ExportOutcome(reason="error", message=message), self._queue.overflow)
            return None

    def _export(self, batch: list[ItemT]) -> ExportOutcome:
        try:
            failure = self._exporter.load()
            return self._exporter.export(batch, self._timeout_seconds()) if failure is None else failure
        except BaseException:  # an interrupt
            with self._wake:
                self._queue.complete(ExportOutcome(retry=True))
            raise

    def _timeout_seconds(self) -> float:
        left = max(min(self._attempt_deadline, self._attempt_limit) - time.monotonic(), MIN_ATTEMPT_SECONDS)
        return min(self._schedule.request_timeout_seconds, left)

    def _is_cut_short(self, outcome: ExportOutcome) -> bool:
        """Return whether the closing deadline, rather than the back end's own limit, ended the attempt."""
        late = self._closing and time.monotonic() > self._attempt_deadline - MIN_ATTEMPT_SECONDS
        return late and outcome.reason == "timeout"

    def _request_store(self) -> None:
        """Let the thread of the spool store items, while an attempt keeps the thread of the worker."""
        if self._spool is not None and self._attempt_began < inf:
            self._store_requested = self._spool.submit(self.store_queued)
        else:
            self._wake.notify_all()

    def store_queued(self) -> None:
        """Store the items that are queued during an attempt."""
        works = True
        while self._continues(works):
            works = self._store_batch()

    def _continues(self, works: bool) -> bool:  # noqa: FBT001 - whether the last batch was stored
        with self._wake:
            self._store_requested = works and self._must_store()
            self._await(self._awaited)
            return self._store_requested

    def _must_store(self) -> bool:
        return self._queue.pending >= self._store_from and self._attempt_began < inf and not self._closed

    def _store_batch(self) -> bool:
        """Store one batch, or the data of a collection. Return whether something was stored."""
        spool = self._spool
        data = self._collect_data(self._collect) if self._collect is not None and not len(self._queue) else None
        with self._wake:
            if spool is None or self._closed or self._queue.is_being_stored:
                return False
            if data is not None:
                self._queue.put(data)
            batch = self._queue.pop_to_store(self._schedule.max_batch)
        stored = self._store(spool, batch)
        failure = None if self._endpoint is None else self._endpoint.failure
        if failure is not None:  # another worker has found the address down
            self._report(failure, self._queue.overflow)
        with self._wake:
            self._queue.settle_storing(stored)
            self._store_at = time.monotonic() + self._schedule.interval_seconds
            self._wake.notify_all()
        return stored.stored + stored.rejected > 0

    def _store(self, spool: WorkerSpool[ItemT], batch: list[ItemT]) -> StoredBatch:
        return spool.store(batch) if self._exporter.load() is None else StoredBatch()

    def _store_or_drop(self, reason: str) -> None:
        """Store the items that are not sent, and drop those that cannot be stored. The caller has the lock."""
        spool = self._spool
        if spool is not None:
            limit = time.monotonic() + STORE_SECONDS
            self._wake.wait_for(lambda: not self._queue.is_being_stored, STORE_SECONDS)
            self._queue.return_in_flight()
            while len(self._queue) and time.monotonic() < limit:
                stored = self._store(spool, self._queue.pop_to_store(self._schedule.max_batch))
                self._queue.settle_storing(stored)
                if not stored.stored + stored.rejected:
                    break
        self._queue.drop_all(reason)

    def _replay(self) -> None:
        """Send one stored request."""
        spool = cast("WorkerSpool[ItemT]", self._spool)
        failure = self._exporter.load()
        with self._wake:
            self._begin_attempt(is_export=True)
        outcome = spool.replay(self._timeout_seconds()) if failure is None else failure
        if outcome is None:  # another process or a command has settled the rest
            outcome = ExportOutcome()
        elif not self._closed:
            self._report(outcome, self._queue.overflow)
        until = self._settle_endpoint(outcome)
        with self._wake:
            self._attempt_began = inf
            self._pace.settle_replay(outcome, until)
            self._replay_pause = MAX_REPLAY_PAUSE_SECONDS if outcome.retry else self._replay_pause / 2
            self._replay_pause = max(self._replay_pause, MAX_REPLAY_PAUSE_SECONDS / 100)
            self._replay_at = time.monotonic() + self._replay_pause
            self._wake.notify_all()

    def _replay_last(self) -> None:
        """Send one stored request at the end of the program, and end after the last one."""
        spool, left = self._spool, self._replay_until - time.monotonic()
        outcome: ExportOutcome | None = None
        if spool is not None and spool.has_pending and left > MIN_ATTEMPT_SECONDS:
            outcome = spool.replay(min(left, self._schedule.request_timeout_seconds))
        with self._wake:
            if outcome is None or outcome.retry:
                self._replay_until = 0.0
                self._end()
                self._closed = self._queue.empty
            self._wake.notify_all()
