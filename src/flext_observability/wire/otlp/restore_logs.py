"""Body of an OTLP request → log records, equal to those that were encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import TraceFlags

from flext_observability.wire.otlp.restore_values import (
    restored_attributes,
    restored_resource,
    restored_scope,
    restored_value,
)

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage

_SEVERITIES = {number.value: number for number in SeverityNumber}
_FLAGS = 0xFF


@dataclass(frozen=True)
class RestoredLogRecord(ReadableLogRecord):
    """Log record that keeps its number of dropped attributes."""

    dropped: int = 0

    @property
    def dropped_attributes(self) -> int:
        """Number of dropped attributes."""
        return self.dropped


def restored_records(request: ExportLogsServiceRequest) -> list[ReadableLogRecord]:
    """Return the log records of a request, in order."""
    records: list[ReadableLogRecord] = []
    for of_resource in request.resource_logs:
        resource = restored_resource(of_resource.resource, of_resource.schema_url)
        for of_scope in of_resource.scope_logs:
            scope = restored_scope(of_scope.scope, of_scope.schema_url)
            records += [
                RestoredLogRecord(_record(each), resource, scope, dropped=each.dropped_attributes_count)
                for each in of_scope.log_records
            ]
    return records


def _record(message: LogMessage) -> LogRecord:
    record = LogRecord(
        timestamp=message.time_unix_nano or None,
        observed_timestamp=message.observed_time_unix_nano,
        severity_text=message.severity_text or None,
        severity_number=_SEVERITIES.get(message.severity_number),
        body=restored_value(message.body) if message.HasField("body") else None,
        attributes=restored_attributes(message.attributes),
        event_name=message.event_name or None,
    )
    # Without ids the constructor uses those of the current span.
    record.trace_id = int.from_bytes(message.trace_id, "big")
    record.span_id = int.from_bytes(message.span_id, "big")
    record.trace_flags = TraceFlags(message.flags & _FLAGS)
    return record
