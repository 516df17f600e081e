"""FlextLogEntry → OTel log record (API only, never the SDK)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability.adapters import log_record
from flext_observability.adapters.correlation import CORRELATION_ATTRIBUTE
from flext_observability.values.encoding import encode_attribute, encode_attributes
from flext_observability.values.timestamps import to_unix_nanos

if TYPE_CHECKING:
    from flext_observability.domain.log_entry import FlextLogEntry


def emit(entry: FlextLogEntry) -> None:
    """Emit the entry in the current trace, under its own correlation id if it has one, else under the current one."""
    attributes = encode_attributes(entry.context)
    if entry.correlation_id:
        attributes[CORRELATION_ATTRIBUTE] = encode_attribute(entry.correlation_id)
    log_record.emit(
        entry.severity, log_record.body(entry.message), attributes, timestamp_ns=to_unix_nanos(entry.timestamp)
    )
