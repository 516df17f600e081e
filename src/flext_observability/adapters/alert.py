"""FlextAlert → OTel log record `flext.alert` and counter `flext.alerts` (API only, never the SDK)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability.adapters import log_record
from flext_observability.adapters.metric import instrument
from flext_observability.values.encoding import encode_attributes
from flext_observability.values.names import ALERT_COUNTER_NAME, ALERT_EVENT_NAME
from flext_observability.values.timestamps import to_unix_nanos

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert


def emit(alert: FlextAlert, *, timestamp_ns: int | None = None, occurrences: int = 1) -> None:
    """Emit the current state of an alert.

    Args:
        alert: The alert. Its ``details`` become attributes ``flext.alert.details.*``.
        timestamp_ns: Time of the change of state, in nanoseconds since the epoch. Default: the time of the alert.
        occurrences: Number of times it was raised since it became active.
    """
    shared = {"flext.alert.severity": alert.severity, "flext.alert.status": alert.status}
    attributes = encode_attributes(
        {
            "flext.alert.id": alert.id,
            "flext.alert.name": alert.name,
            "flext.alert.fingerprint": alert.fingerprint,
            "flext.alert.occurrences": occurrences,
            **shared,
            "flext.alert.source": alert.source or None,
            "flext.alert.escalation_level": alert.escalation_level,
            **{f"flext.alert.details.{key}": value for key, value in alert.details.items()},
        }
    )
    log_record.emit(
        alert.severity,
        log_record.body(alert.message),
        attributes,
        event_name=ALERT_EVENT_NAME,
        timestamp_ns=to_unix_nanos(alert.timestamp) if timestamp_ns is None else timestamp_ns,
    )
    count = instrument(ALERT_COUNTER_NAME, "counter", "{alert}", description="Alerts raised, escalated and resolved")
    count(1, shared, None)
