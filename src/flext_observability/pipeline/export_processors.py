"""Ended spans and log records of an SDK provider → counters, and the worker of every exporter."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import WeakSet

from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, SynchronousMultiSpanProcessor
from opentelemetry.trace import TraceFlags

from flext_observability.adapters.correlation import current_correlation_id
from flext_observability.adapters.id_holder import link_span
from flext_observability.engine.compat import SPAN_CALLS, is_suppressed, make_log_record_limits
from flext_observability.engine.open_spans import OpenSpans
from flext_observability.engine.span_options import SpanSink
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.pipeline.unfinished_spans import Ending, end_spans
from flext_observability.values.names import CORRELATION_ATTRIBUTE, SERVICE_NAME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.util.types import Attributes

    from flext_observability.engine.attribute_filling import AttributeFilling

ItemT = TypeVar("ItemT")
SHUTDOWN_SECONDS = 2.0
"""Time for the queued items when the program shuts a provider down; that of a shutdown by default."""
_SAMPLED: Final[int] = TraceFlags.SAMPLED


class ExportSpanProcessor(SpanProcessor):
    """Counts spans of the SDK, adds the correlation id, and queues sampled spans for every exporter, by reference.

    Attributes:
        sink: The functions for spans of the engine.
        open: Registry of open spans.
        counter: Counts of spans.
        followed: Processors of earlier pipelines, while there are spans of theirs.
        target: The processor of a later pipeline, which receives the spans; this one before its end; None if later
            ones get the spans from the provider.
    """

    def __init__(self, counter: SignalCounter, workers: Sequence[ExportWorker[ReadableSpan]]) -> None:
        self.counter = counter
        self._workers = workers
        self._plain_scope: InstrumentationScope | None = None  # the last one without attributes
        self._queue = queue_of(workers, counter.finished)
        self.open = OpenSpans()
        counters = counter.started, counter.sampled_out, counter.skipped, counter.shed
        self.sink = SpanSink(self._queue, *counters, self.open.engine)
        self.followed: WeakSet[ExportSpanProcessor] = WeakSet()
        self.target: ExportSpanProcessor | None = self

    @property
    def is_followed(self) -> bool:
        """Whether a later pipeline receives the spans that are open."""
        return self.target is not self

    def end_spans(self, ending: Ending, deadline: float) -> Counter[str]:
        """End the open spans, unless a later pipeline receives them, before ``deadline`` (monotonic seconds).

        Returns:
            The names of the spans.
        """
        if self.is_followed or not len(self.open):
            return Counter()
        ended = end_spans(self.open.spans(), ending, deadline)
        self.counter.cut_short[ending.outcome] = self.counter.cut_short.get(ending.outcome, 0) + ended.total()
        return ended

    def follow(self, previous: ExportSpanProcessor, *, is_added: bool) -> None:
        """Receive the spans that are open in the previous pipeline.

        Args:
            previous: The processor of that pipeline.
            is_added: Whether both are processors of one provider, which passes all spans to both.
        """
        self.open.follow(previous.open)
        self.counter.follow(previous.counter)
        self.open.redirect_former(self.sink)
        for each in (previous, *previous.followed):
            each.target = None if is_added else self
        self.followed.add(previous)
        self.followed.update(previous.followed)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Count the span, and add the correlation id and the service name of its tracer."""
        target = self.target
        if target is not self:
            if target is not None:
                target.on_start(span, parent_context)
            return
        next(self.counter.started)
        self.open.add_sdk(span.get_span_context().span_id, span)
        holder = link_span(span, parent_context, span.kind)
        if holder is not None and holder.value is not None:
            span.set_attribute(CORRELATION_ATTRIBUTE, holder.value)
        scope = span.instrumentation_scope
        if scope is not self._plain_scope and scope is not None:
            if scope.attributes:
                _add_service_name(span, scope)
            else:
                self._plain_scope = scope

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span for every exporter."""
        context = span.context
        if context is not None:
            self.open.end_sdk(context.span_id)
        target = self.target
        if target is not self:
            if target is not None:
                target.on_end(span)
        elif context is None or not context.trace_flags & _SAMPLED:
            next(self.counter.sampled_out)
        else:
            self._queue(span)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export all queued spans; return whether all were sent in time."""
        return flush_workers(self._workers, time.monotonic() + timeout_millis / 1000)

    def shutdown(self) -> None:
        """Export all queued spans, within 2 s. The owner of the workers closes them."""
        flush_workers(self._workers, time.monotonic() + SHUTDOWN_SECONDS)


def flush_workers(workers: Sequence[ExportWorker[Any]], deadline: float) -> bool:
    """Export all queued items in parallel; return whether all were sent before ``deadline`` (monotonic seconds)."""
    tickets = [(worker, worker.begin_flush()) for worker in workers]
    flushed = [worker.wait_flushed(ticket, deadline) for worker, ticket in tickets]
    return all(flushed)


class SpanProcessors(SynchronousMultiSpanProcessor):
    """Processors of one provider of the SDK. A single one is called without the loop over all.

    Args:
        first: The first processor.
        filling: Stopped when another one is added.
    """

    def __init__(self, first: SpanProcessor, filling: AttributeFilling | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # OTel has no types here
        super().add_span_processor(first)
        self._direct = {name: getattr(first, name) for name in SPAN_CALLS if hasattr(first, name)}
        vars(self).update(self._direct)
        self._filling = filling

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor, called after the earlier ones."""
        if self._filling is not None:
            self._filling.stop()
        super().add_span_processor(span_processor)
        for name in self._direct:
            vars(self).pop(name, None)


def queue_of(workers: Sequence[ExportWorker[ItemT]], counter: Iterator[object]) -> Callable[[ItemT], object]:
    """Return a function that counts a span or log record and queues it for every worker, as ``enqueue`` does."""
    targets = tuple((worker.items.append, worker.items, worker) for worker in workers)
    if len(targets) == 1:
        (only,) = targets
        return _queue_of_one(counter, *only)

    def queue(item: ItemT) -> None:  # measured: benchmarks, recorded span
        next(counter)
        for append, items, worker in targets:
            append(item)
            if len(items) >= worker.attention:
                worker.attend(item)

    return queue


def _queue_of_one(
    counter: Iterator[object], append: Callable[[ItemT], object], items: Sized, worker: ExportWorker[ItemT]
) -> Callable[[ItemT], object]:
    """Return ``queue_of`` one worker, without a loop."""

    def queue(item: ItemT) -> None:  # measured: benchmarks, recorded span
        next(counter)
        append(item)
        if len(items) >= worker.attention:
            worker.attend(item)

    return queue


def _add_service_name(span: Span, scope: InstrumentationScope) -> None:
    service = (scope.attributes or {}).get(SERVICE_NAME_ATTRIBUTE)
    if isinstance(service, str) and span.resource.attributes.get("service.name") != service:
        span.set_attribute(SERVICE_NAME_ATTRIBUTE, service)


class ExportLogRecordProcessor(LogRecordProcessor):
    """Counts log records, adds the correlation id, and queues them for every exporter, by reference.

    Attributes:
        export: The function for records of the engine, which are finished.
    """

    def __init__(self, counter: SignalCounter, workers: Sequence[ExportWorker[ReadableLogRecord]]) -> None:
        self.export = queue_of(workers, counter.passed)
        self._workers = workers

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue the record for every exporter. Records about exporting are ignored."""
        if is_suppressed():
            return
        record = log_record.log_record
        correlation_id = current_correlation_id(record.context)
        if correlation_id is not None:
            record.attributes = _with_correlation_id(record.attributes, correlation_id)
        finished = ReadableLogRecord(
            log_record=record,
            resource=log_record.resource or Resource.get_empty(),
            instrumentation_scope=log_record.instrumentation_scope,
            limits=log_record.limits,
        )
        self.export(finished)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export all queued records; return whether all were sent in time."""
        return flush_workers(self._workers, time.monotonic() + timeout_millis / 1000)

    def shutdown(self) -> None:
        """Export all queued records, within 2 s. The owner of the workers closes them."""
        flush_workers(self._workers, time.monotonic() + SHUTDOWN_SECONDS)


def _with_correlation_id(attributes: Attributes, value: str) -> Attributes:
    """Return the attributes with a correlation id. They have precedence, and the number of dropped ones is kept."""
    merged = {CORRELATION_ATTRIBUTE: value, **(attributes or {})}
    dropped = attributes.dropped if isinstance(attributes, BoundedAttributes) else 0
    if dropped == 0:
        return merged
    unlimited = make_log_record_limits(None, None)
    kept = ReadWriteLogRecord(LogRecord(attributes=merged), limits=unlimited).log_record.attributes
    cast("BoundedAttributes", kept).dropped = dropped
    return kept
