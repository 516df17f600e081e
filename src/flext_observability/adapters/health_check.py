"""FlextHealthCheck → OTel gauge `flext.health.status`, and log record `flext.health` on a change (API only)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from flext_observability.adapters import log_record
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import encode_attributes, encode_tag
from flext_observability.values.names import HEALTH_CHECK_ATTRIBUTE, HEALTH_EVENT_NAME, HEALTH_GAUGE_NAME, SCOPE_NAME
from flext_observability.values.timestamps import to_unix_nanos

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck

MAX_CHECKS = 2000
_VALUES: Mapping[str, float] = {"healthy": 1.0, "degraded": 0.5, "unhealthy": 0.0}
_LEVELS: Mapping[str, str] = {"healthy": "info", "degraded": "warning", "unhealthy": "error", "unknown": "warning"}


@dataclass(slots=True)
class _States:
    """Last status of each check by name, and whether the gauge exists."""

    lock: ForkSafeLock = field(default_factory=ForkSafeLock)
    by_name: dict[str, str] = field(default_factory=dict[str, str])
    observed: bool = False


def emit(check: FlextHealthCheck) -> bool:
    """Update the gauge. On a change of status, emit a log record and return True.

    The gauge has the newest ``MAX_CHECKS`` names.
    """
    states = current_runtime().get(_States)
    with states.lock:
        previous = states.by_name.pop(check.name, None)
        states.by_name[check.name] = check.status
        if len(states.by_name) > MAX_CHECKS:
            del states.by_name[next(iter(states.by_name))]
        first, states.observed = not states.observed, True
    if first:
        description = "1 healthy, 0.5 degraded, 0 unhealthy"
        metrics.get_meter(SCOPE_NAME).create_observable_gauge(HEALTH_GAUGE_NAME, [_observe], "1", description)
    if previous != check.status:
        _emit_change(check, previous)
    return previous != check.status


def remove(name: str) -> None:
    """Remove a check from the gauge."""
    states = current_runtime().get(_States)
    with states.lock:
        states.by_name.pop(name, None)


def _emit_change(check: FlextHealthCheck, previous: str | None) -> None:
    attributes = encode_attributes(
        {
            HEALTH_CHECK_ATTRIBUTE: check.name,
            "flext.health.status": check.status,
            "flext.health.previous_status": previous,
            "flext.health.duration": check.duration_seconds,
            **{f"flext.health.details.{key}": value for key, value in check.details.items()},
        }
    )
    log_record.emit(
        _LEVELS[check.status],
        log_record.body(check.message or f"{check.name} is {check.status}"),
        attributes,
        event_name=HEALTH_EVENT_NAME,
        timestamp_ns=to_unix_nanos(check.timestamp),
    )


def _observe(_: CallbackOptions) -> Iterable[Observation]:
    states = current_runtime().get(_States)
    with states.lock:
        by_name = list(states.by_name.items())
    return [
        Observation(_VALUES[status], {HEALTH_CHECK_ATTRIBUTE: encode_tag(name)})
        for name, status in by_name
        if status in _VALUES
    ]
