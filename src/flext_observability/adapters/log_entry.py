"""FlextLogEntry → OTel log record (API only, never the SDK)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from flext_observability.adapters import log_record
from flext_observability.adapters.instant import nanoseconds
from flext_observability.correlation import CORRELATION_ATTRIBUTE, correlation_scope
from flext_observability.domain.encoding import encode_attribute, encode_attributes

if TYPE_CHECKING:
    from flext_observability.domain.log_entry import FlextLogEntry


def emit(entry: FlextLogEntry) -> None:
    """Emit the entry in the current trace, under its own correlation id if it has one, else under the current one."""
    attributes = encode_attributes(entry.context)
    if entry.correlation_id:
        attributes[CORRELATION_ATTRIBUTE] = encode_attribute(entry.correlation_id)
    # The pipeline marks records with the id in force: for this record, that is the entry's own.
    with correlation_scope(entry.correlation_id) if entry.correlation_id else nullcontext():
        log_record.emit(
            entry.severity,
            log_record.body(entry.message),
            attributes,
            timestamp_ns=nanoseconds(entry.timestamp),
        )
