"""Log records → bytes of an OTLP export request. Anything unusual raises: the stock encoder encodes the batch.

Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.wire.otlp.encode_attributes import (
    AttributeEncoder,
    ContextEncoder,
    Grouping,
    NotEncodableError,
    any_value,
)
from flext_observability.wire.otlp.protobuf import field, fixed64_field, number_field, text_field

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord

_flags: Final = Struct("<BI").pack
_TIME: Final = 0x09
_OBSERVED_TIME: Final = 0x59
_FLAGS: Final = 0x45


@final
class LogEncoder:
    """Encodes batches of log records. Not thread-safe: one for each exporter."""

    __slots__ = ("_attributes", "_contexts")

    def __init__(self) -> None:
        self._contexts = ContextEncoder()
        self._attributes = AttributeEncoder(b"\x32")

    def encode(self, batch: Sequence[ReadableLogRecord]) -> bytes:
        """Return the request, equal to that of the stock encoder.

        Raises:
            Exception: A record has something unusual.
        """
        grouping = Grouping()
        for record in batch:
            items = grouping.items_of(record.resource, record.instrumentation_scope or None)
            items.append(field(b"\x12", self._record(record)))
        return grouping.encode(self._contexts)

    def _record(self, readable: ReadableLogRecord) -> bytes:  # measured: benchmarks, OTLP encoding
        record: Any = readable.log_record
        if record.body is None:
            raise NotEncodableError("without a body")
        trace_id, span_id, flags = record.trace_id, record.span_id, int(record.trace_flags)
        return b"".join(
            (
                fixed64_field(_TIME, record.timestamp),
                number_field(b"\x10", getattr(record.severity_number, "value", 0)),
                text_field(b"\x1a", record.severity_text),
                field(b"\x2a", any_value(record.body)),
                self._attributes.encode(record.attributes),
                number_field(b"\x38", readable.dropped_attributes),
                _flags(_FLAGS, flags) if flags else b"",
                b"" if trace_id == 0 else b"\x4a\x10" + trace_id.to_bytes(16, "big"),
                b"" if span_id == 0 else b"\x52\x08" + span_id.to_bytes(8, "big"),
                fixed64_field(_OBSERVED_TIME, record.observed_timestamp),
                text_field(b"\x62", record.event_name),
            )
        )
