"""Items of one worker → requests on disk, and stored requests → outcomes of sending them; counts of both."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar, final

from flext_observability.domain.report import InheritedCounts
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import StoredBatch
from flext_observability.pipeline.spool.record import SpoolRecord
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.otlp.split import divide

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal
    from flext_observability.extensions.ports import EncodedRequest, RequestExporter
    from flext_observability.pipeline.export_queue import QueueCounts
    from flext_observability.pipeline.spool.segment import StoredRecord
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
        self._parts: dict[StoredRecord, ExportOutcome] = {}  # requests that were sent in parts, and not all of them

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
        why = f"{outcome.reason}: {outcome.message}"
        for part in (*(self._encode(batch) if batch else ()), *requests):
            if part.body:
                reason = why if part.reason in {"", outcome.reason} else part.reason
                self._store.write_dead(self._record(part.body, part.items, reason))

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
            before = self._parts.pop(stored, None)
            if before is not None:  # the first items were settled by an earlier attempt
                body = self._rest(body, before)
            left = stored.items - (before.accepted + before.rejected if before else 0)
            outcome = self._requests.send_request(body, left, timeout_seconds)
            self._settle(stored, body, outcome if before is None else _sum(before, outcome), outcome)
            return outcome
        return None

    def _settle(self, stored: StoredRecord, body: bytes, total: ExportOutcome, last: ExportOutcome) -> None:
        """Settle a request, or keep it with the number of items that are settled.

        Args:
            stored: The request.
            body: What was sent of it by the last attempt.
            total: Outcome of all attempts.
            last: Outcome of the last one.
        """
        done = total.accepted + total.rejected
        if last.retry:
            if done:
                self._parts[stored] = total
            self._store.release(stored)
        elif total.accepted or not total.reason:
            rest = max(stored.items - done, 0) if total.reason else 0
            if rest:
                reason = f"{total.reason}: {total.message}"
                self._store.write_dead(self._record(self._rest(body, last), rest, reason))
            rejected = self._rejected if stored.is_own else self._found_rejected
            for request in total.rejected_requests:
                rejected[request.reason] += request.items
            rejected[total.reason] += rest + total.rejected - sum(each.items for each in total.rejected_requests)
            self.keep_refused((), total, with_single=True)
            self._store.settle(stored)
        else:
            self._store.settle(stored, f"{total.reason}: {total.message}")

    def _rest(self, body: bytes, outcome: ExportOutcome) -> bytes:
        """Return a request without its first items, which an outcome counts."""
        try:
            return divide(self._key[0], body, outcome.accepted + outcome.rejected)[1]
        except ValueError:  # an exporter of another package made it, and it is not OTLP
            return body

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


def _sum(before: ExportOutcome, outcome: ExportOutcome) -> ExportOutcome:
    """Return the outcome of two attempts for the parts of one request."""
    return replace(
        outcome if outcome.reason or not before.rejected else before,
        accepted=before.accepted + outcome.accepted,
        rejected=before.rejected + outcome.rejected,
        rejected_requests=before.rejected_requests + outcome.rejected_requests,
    )
