"""Items of one worker → requests on disk, and stored requests → outcomes of sending them; counts of both."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar, final

from flext_observability.domain.report import InheritedCounts
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import StoredBatch
from flext_observability.pipeline.spool.record import SpoolRecord
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal
    from flext_observability.extensions.ports import EncodedRequest, RequestExporter
    from flext_observability.pipeline.export_queue import QueueCounts
    from flext_observability.pipeline.spool.session import SpoolSession

ItemT = TypeVar("ItemT")


@final
class WorkerSpool(Generic[ItemT]):
    """The spool, as one worker uses it. Called by several threads; no method raises.

    Args:
        session: What the workers share.
        signal: Signal of the items.
        exporter: Name of the exporter: the next start sends the requests through the exporter of this name.
        endpoint: Address for people, without secrets.
        requests: Encodes the items, and sends requests.
        while_down: Whether to store batches at once while the back end is down.

    Attributes:
        while_down: See above.
    """

    def __init__(
        self,
        session: SpoolSession,
        signal: Signal,
        exporter: str,
        endpoint: str,
        requests: RequestExporter,
        *,
        while_down: bool = True,
    ) -> None:
        self.while_down = while_down
        session.store.register(signal, exporter)
        self._session = session
        self._store = session.store
        self._key: tuple[Signal, str] = signal, exporter
        self._endpoint = endpoint
        self._requests = requests
        self._encoding = Lock()  # encoders are for one thread
        self._rejected: Counter[str] = Counter()
        self._found_rejected: Counter[str] = Counter()

    @property
    def has_pending(self) -> bool:
        """Whether there are stored requests that may be sent now."""
        return self._store.pending(*self._key) > 0

    def submit(self, call: Callable[[], object]) -> bool:
        """Call a function on the thread of the spool; return whether there is a thread."""
        return self._session.submit(call)

    def check(self) -> None:
        """Look for what ended processes left, once in a while; never waits."""
        self._session.check()

    def adopt(self) -> None:
        """Look for what ended processes left, now."""
        self._session.adopt_now()

    def store(self, batch: Sequence[ItemT]) -> StoredBatch:
        """Store a batch. Items that cannot be encoded are rejected."""
        stored = rejected = 0
        reason = ""
        for part in self._encode(batch):
            if part.body and self._store.write(self._record(part.body, part.items, "")):
                break
            stored += part.items if part.body else 0
            rejected += 0 if part.body else part.items
            reason = reason or part.reason
        return StoredBatch(stored, rejected, reason)

    def records_of(self, batch: Sequence[ItemT]) -> list[SpoolRecord]:
        """Return a batch as records, without storing it. Items that cannot be encoded are left out."""
        return [self._record(part.body, part.items, "") for part in self._encode(batch) if part.body]

    def keep_refused(self, batch: Sequence[ItemT], outcome: ExportOutcome, *, with_single: bool) -> None:
        """Keep items that the back end refused for good, with the reason. They count as dropped.

        Args:
            batch: The items.
            outcome: Says why.
            with_single: Whether to keep the single items of the outcome, too.
        """
        requests = outcome.rejected_requests if with_single else ()
        for part in (*(self._encode(batch) if batch else ()), *requests):
            if part.body:
                self._store.write_dead(self._record(part.body, part.items, f"{outcome.reason}: {outcome.message}"))

    def _encode(self, batch: Sequence[ItemT]) -> Sequence[EncodedRequest]:
        try:
            with self._encoding:
                return self._requests.encode_request(batch)
        except BaseException as error:  # noqa: BLE001 - an exporter of another package, or a shortage
            reraise_interrupt(error)
            return ()

    def replay(self, timeout_seconds: float) -> ExportOutcome | None:
        """Send one stored request within the time limit, and return the outcome; None if there is none."""
        while (stored := self._store.lease(*self._key)) is not None:
            body = self._store.read(stored)
            if body is None:
                continue  # damaged: it is counted
            outcome = self._requests.send_request(body, stored.items, timeout_seconds)
            if outcome.retry:
                self._store.release(stored)
            elif outcome.accepted or not outcome.reason:
                rejected = self._rejected if stored.is_own else self._found_rejected
                rejected[outcome.reason] += outcome.rejected
                self.keep_refused((), outcome, with_single=True)
                self._store.settle(stored)
            else:
                self._store.settle(stored, f"{outcome.reason}: {outcome.message}")
            return outcome
        return None

    def complete_counts(self, counts: QueueCounts) -> QueueCounts:
        """Return the counts of the queue with those of the spool."""
        spool = self._store.counts(*self._key)
        dropped = Counter(counts.dropped)
        rejected = sum(self._rejected.values())
        dropped.update(spool.evicted)
        dropped.update(self._rejected)
        left = max(counts.spooled - spool.delivered - sum(spool.evicted.values()), 0)
        return counts._replace(
            exported=counts.exported + spool.delivered - rejected,
            spooled=left,
            dropped={reason: count for reason, count in dropped.items() if count},
            inherited=self._inherited(),
        )

    def _inherited(self) -> InheritedCounts:
        spool = self._store.counts(*self._key)
        dropped = Counter(spool.found_dropped)
        dropped.update(self._found_rejected)
        exported = spool.found_delivered - sum(self._found_rejected.values())
        left = spool.found - exported - sum(dropped.values())
        return InheritedCounts(spool.found, left, exported, {key: count for key, count in dropped.items() if count})

    def _record(self, body: bytes, items: int, reason: str) -> SpoolRecord:
        signal, exporter = self._key
        return SpoolRecord(signal, exporter, self._endpoint, items, time.time_ns(), body, reason)
