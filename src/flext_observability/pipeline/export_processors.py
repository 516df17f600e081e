"""Spans and log records from an SDK provider → tallies and the deliveries of every exporter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from flext_observability.adapters.correlation import current_correlation_id
from flext_observability.engine.compat import is_suppressed
from flext_observability.pipeline.export_worker import Delivery
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.values.names import CORRELATION_ATTRIBUTE, SERVICE_NAME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadWriteLogRecord


class ExportSpanProcessor(SpanProcessor):
    """Counts spans, marks them with the correlation id, and hands the sampled ones to every exporter by reference."""

    def __init__(self, tally: SignalCounter, deliveries: Sequence[Delivery[ReadableSpan]]) -> None:
        self._tally = tally
        self._deliveries = tuple(deliveries)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Count the span and mark it."""
        self._tally.start()
        correlation_id = current_correlation_id(parent_context)
        if correlation_id is not None:
            span.set_attribute(CORRELATION_ATTRIBUTE, correlation_id)
        scope = span.instrumentation_scope
        service = scope.attributes.get(SERVICE_NAME_ATTRIBUTE) if scope and scope.attributes else None
        if isinstance(service, str) and span.resource.attributes.get("service.name") != service:
            span.set_attribute(SERVICE_NAME_ATTRIBUTE, service)

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span for every exporter."""
        if span.context is None or not span.context.trace_flags.sampled:
            self._tally.sample_out()
            return
        self._tally.finish()
        for delivery in self._deliveries:
            delivery.offer(span)


class ExportLogRecordProcessor(LogRecordProcessor):
    """Counts log records, marks them with the correlation id, and hands them to every exporter by reference."""

    def __init__(self, tally: SignalCounter, deliveries: Sequence[Delivery[ReadableLogRecord]]) -> None:
        self._tally = tally
        self._deliveries = tuple(deliveries)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue the record for every exporter; records about exporting are not telemetry of the program."""
        if is_suppressed():
            return
        self._tally.pass_through()
        record = log_record.log_record
        correlation_id = current_correlation_id(record.context)
        if correlation_id is not None:
            record.attributes = {CORRELATION_ATTRIBUTE: correlation_id, **(record.attributes or {})}
        finished = ReadableLogRecord(
            log_record=record,
            resource=log_record.resource or Resource.get_empty(),
            instrumentation_scope=log_record.instrumentation_scope,
            limits=log_record.limits,
        )
        for delivery in self._deliveries:
            delivery.offer(finished)

    def shutdown(self) -> None:
        """Do nothing: the deliveries are closed by their owner, under one deadline."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Do nothing: flushing is the owner's, under one deadline."""
        return True
