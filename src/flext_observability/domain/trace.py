"""FlextTrace: one traced operation, with the ids of its span."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import AwareDatetime, ConfigDict, Field

from flext_observability.domain.entity import Details, Entity
from flext_observability.domain.rules import Violation, check_name, invalid_choice
from flext_observability.values.timestamps import now

TRACE_STATUSES: Final = ("unset", "ok", "error", "abandoned")


class FlextTrace(Entity):
    """One traced operation. The only mutable entity: its start and its end set the last fields.

    Rules: operation name and service name are not blank and have at most 1024 characters. The status is one of
    ``TRACE_STATUSES``.

    Attributes:
        operation_name: Name of the span.
        service_name: Service of the span.
        context: Attributes of the span. Its ``parent_trace_id`` is used when the field is None.
        parent_trace_id: Id of another trace, or the 32 hex digits of a known OpenTelemetry trace. None: the current
            span.
        start_time: Start, timezone-aware.
        end_time: End, timezone-aware; None before the end.
        status: ``unset`` before the end, then ``ok``, ``error``, or ``abandoned`` (not ended in time).
        trace_id: 32 hex digits after the start; empty before.
        span_id: 16 hex digits after the start; empty before.
        sampled: Whether the sampler records the span.
    """

    model_config = ConfigDict(frozen=False)
    kind: ClassVar[str] = "trace"
    time_field: ClassVar[str] = "start_time"

    operation_name: str
    service_name: str
    context: Details = Field(default_factory=dict)
    parent_trace_id: str | None = None
    start_time: AwareDatetime = Field(default_factory=now)
    end_time: AwareDatetime | None = None
    status: str = "unset"
    trace_id: str = ""
    span_id: str = ""
    sampled: bool = True

    def _find_violation(self) -> Violation | None:
        if violation := check_name("operation name", self.operation_name, "Name the operation, such as 'checkout'"):
            return violation
        if violation := check_name("service name", self.service_name, "Name the service, such as 'orders'"):
            return violation
        if self.status not in TRACE_STATUSES:
            return invalid_choice("trace status", self.status, TRACE_STATUSES)
        return None
