"""Spans that have been open for long → a file that outlives a kill: the next start sends them as aborted.

A span of the file that ends normally is settled in it first, so that it is not sent twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Status, StatusCode

from flext_observability.pipeline.spool.snapshot import Snapshot
from flext_observability.pipeline.unfinished_spans import ERROR_TYPE
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import OUTCOME_ATTRIBUTE

if TYPE_CHECKING:
    from pathlib import Path

    from flext_observability.engine.open_spans import OpenSpans
    from flext_observability.pipeline.spool.record import SpoolRecord
    from flext_observability.pipeline.spool.worker_spool import WorkerSpool

MAX_SPANS: Final = 500
"""Maximum number of spans in the file: those that started first."""
KILLED: Final = "killed"
_DESCRIPTION: Final = "The process ended before the span"


@final
class SpanSnapshots:
    """Keeps the file up to date. Thread-safe; a forked child has none of the spans of its parent.

    Args:
        spans: Registry of the open spans.
        spools: Spools of the workers of spans: the file has a record of each span for each of them.
        folder: Returns the folder of the file; None if there is none.
        after_seconds: Time after which a span is kept.

    Attributes:
        is_closed: Whether the file belongs to a pipeline that has ended, or to the parent process.
    """

    def __init__(
        self,
        spans: OpenSpans,
        spools: Sequence[WorkerSpool[Any]],
        folder: Callable[[], Path | None],
        after_seconds: float,
    ) -> None:
        self._spans = spans
        self._spools = spools
        self._folder = folder
        self._after_ns = int(after_seconds * 1e9)
        self._lock = ForkSafeLock()
        self._file = Snapshot()
        self._offsets: dict[int, list[int]] = {}
        self.is_closed = False
        spans.before_end = self.settle
        register_fork_aware(self)

    def update(self) -> None:
        """Write the spans that are open for long. Never raises."""
        if self.is_closed:
            return
        try:
            now = time.time_ns()
            spans = self._spans.long_open(now - self._after_ns, MAX_SPANS)
            self._write([(span.get_span_context().span_id, self._records(span, now)) for span in spans])
        except BaseException as error:  # noqa: BLE001 - spans with values of the program; a disk that is full
            reraise_interrupt(error)
            report_once("Keeping open spans", error)

    def settle(self, span_id: int) -> None:
        """Note that a span ends."""
        with self._lock:
            for offset in self._offsets.pop(span_id, ()):
                self._file.settle(offset)

    def close(self) -> None:
        """Delete the file. Spans that are open have ended, or are kept by a later configuration."""
        with self._lock:
            self.is_closed = True
            self._offsets.clear()
            self._file.delete()

    def reinit_after_fork(self) -> None:
        """Leave the file to the parent."""
        self._lock = ForkSafeLock()
        self._offsets.clear()
        self._file.abandon()
        self.is_closed = True

    def _write(self, found: Sequence[tuple[int, list[SpoolRecord]]]) -> None:
        with self._lock:
            open_now = [(span_id, records) for span_id, records in found if span_id in self._spans.long and records]
            if self.is_closed:
                return
            if not open_now:
                self._offsets.clear()
                self._file.delete()
                return
            folder = self._folder()
            if folder is None:
                return
            offsets = iter(self._file.write(folder, [record for _, records in open_now for record in records]))
            self._offsets = {span_id: [next(offsets) for _ in records] for span_id, records in open_now}

    def _records(self, span: Any, now: int) -> list[SpoolRecord]:  # noqa: ANN401 - of the engine, or of the SDK
        copy = _aborted(span, now)
        return [record for spool in self._spools for record in spool.records_of([copy])]


def _aborted(span: Any, now: int) -> ReadableSpan:  # noqa: ANN401 - of the engine, or of the SDK
    """Return a copy of an open span that ends now, as aborted."""
    attributes = {ERROR_TYPE: KILLED, **dict(span.attributes), OUTCOME_ATTRIBUTE: "aborted"}
    status = span.status if span.status.status_code is StatusCode.OK else Status(StatusCode.ERROR, _DESCRIPTION)
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=status,
        start_time=span.start_time,
        end_time=now,
        instrumentation_scope=span.instrumentation_scope,
    )
