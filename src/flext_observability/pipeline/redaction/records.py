"""Finished log records → the same records; of those with a secret, copies with markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource

from flext_observability.engine.compat import make_log_record_limits
from flext_observability.engine.log_record import EngineLogRecord
from flext_observability.pipeline.redaction.cards import MIN_NUMBER
from flext_observability.pipeline.redaction.contexts import ContextRedactor
from flext_observability.pipeline.redaction.marker import FAILED
from flext_observability.pipeline.redaction.redactor import NUMBERS, Hits, Redactor
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.attributes import BoundedAttributes

    from flext_observability.pipeline.redaction.counts import RedactionCounts

_COPY: Final = "_flext_redacted"


@final
class RecordRedactor:
    """Redacts batches of log records. Thread-safe.

    Args:
        redactor: Rules of the signal.
        contexts: Redacts resources and scopes.
        counts: Counts the masked values.
    """

    __slots__ = ("_contexts", "_counts", "_redactor")

    def __init__(self, redactor: Redactor, contexts: ContextRedactor, counts: RedactionCounts) -> None:
        self._redactor = redactor
        self._contexts = contexts
        self._counts = counts

    def batch(self, batch: Sequence[ReadableLogRecord]) -> Sequence[ReadableLogRecord]:
        """Return the records; the batch itself if none has a secret."""
        is_clean, redacted = self._is_clean, self.record
        replaced = [each if is_clean(each) else redacted(each) for each in batch]
        return batch if all(map(is_, replaced, batch)) else replaced

    def _is_clean(self, record: ReadableLogRecord) -> bool:  # measured: benchmarks, redaction
        """Return whether a record with plain values has no secret. Fast."""
        fields: Any = record.log_record
        body, plain, clean = fields.body, self._redactor.plain, self._redactor.clean
        if type(body) is not str or not clean[body]:
            return False
        attributes: Any = fields.attributes
        if attributes is not None and type(attributes) is not dict:
            return False
        for key, value in cast("dict[str, Any]", attributes or {}).items():
            kind = type(value)  # pyright: ignore[reportUnknownVariableType]  # of any type
            if kind is str:
                if not (clean[value] and plain[key]):
                    return False
            elif kind not in NUMBERS or not plain[key] or (kind is int and value >= MIN_NUMBER):
                return False
        return self._contexts.is_clean(record.resource, record.instrumentation_scope)

    def apply(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord:
        """Replace the secrets of a record that is not finished, and return it."""
        fields, hits = record.log_record, Hits()
        body = self._redactor.value(fields.body, hits)
        attributes = self._redactor.attributes(fields.attributes, hits)
        if hits:
            fields.body, fields.attributes = body, _with_dropped(attributes or {}, record.dropped_attributes)
            self._counts.add(hits)
        return record

    def record(self, record: ReadableLogRecord) -> ReadableLogRecord:
        """Return a record, or its copy without secrets. One that cannot be examined loses its texts."""
        try:
            return self._redacted(record)
        except BaseException as error:  # noqa: BLE001 - values of the program, of any type
            reraise_interrupt(error)
            report_once("Redacting a log record", error)
            failed = EngineLogRecord(record.log_record, Resource({}))
            failed.body, failed.attributes, failed.exception, failed.event_name = FAILED, {}, None, None
            return failed

    def _redacted(self, record: ReadableLogRecord) -> ReadableLogRecord:
        known: ReadableLogRecord | None = vars(record).get(_COPY)
        if known is not None:
            return known
        fields, hits = record.log_record, Hits()
        body = self._redactor.value(fields.body, hits)
        attributes = self._redactor.attributes(fields.attributes, hits)
        resource, scope = self._contexts.resource(record.resource), self._contexts.scope(record.instrumentation_scope)
        if not hits and resource is record.resource and scope is record.instrumentation_scope:
            return record
        copied = EngineLogRecord(fields, resource, scope, record.limits)
        copied.body, copied.exception = body, None
        copied.attributes = _with_dropped(attributes or {}, record.dropped_attributes)
        vars(copied)[_COPY] = copied
        kept: ReadableLogRecord = vars(record).setdefault(_COPY, copied)
        if kept is copied:  # otherwise another exporter has counted them
            self._counts.add(hits)
        return kept


def _with_dropped(attributes: Mapping[str, Any], dropped: int) -> Mapping[str, Any]:
    """Return attributes that report a number of dropped ones."""
    if not dropped:
        return attributes
    unlimited = make_log_record_limits(None, None)
    kept = ReadWriteLogRecord(LogRecord(attributes=attributes), limits=unlimited).log_record.attributes
    bounded = cast("BoundedAttributes", kept)
    bounded.dropped = dropped
    return bounded
