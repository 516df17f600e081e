"""Operation, service, context and parent → FlextTrace, one span's life as the caller sees it."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import AwareDatetime, ConfigDict, Field

from flext_observability.domain.entity import Details, Entity, now
from flext_observability.values.encoding import preview
from flext_observability.values.messages import describe_invalid_name

TRACE_STATUSES: Final = ("unset", "ok", "error", "abandoned")


class FlextTrace(Entity):
    """One operation that is traced; the only entity that changes: starting and ending it fill the last fields.

    Rules: operation name and service name are not blank and have at most 1024 characters, the status is one of ``TRACE_STATUSES``.

    Attributes:
        operation_name: Name of the span.
        service_name: Service that the span is recorded under.
        context: Attributes of the span; ``parent_trace_id`` in it counts as the field when that is None.
        parent_trace_id: Id of another trace, or 32 hex digits of a known OpenTelemetry trace; None for the current span.
        start_time: When it began, timezone-aware.
        end_time: When it ended, timezone-aware; None while it runs.
        status: ``unset`` until it ends, then ``ok``, ``error``, or ``abandoned`` when nobody ended it in time.
        trace_id: 32 hex digits once started, else empty.
        span_id: 16 hex digits once started, else empty.
        sampled: Whether its span is recorded: false when the sampler leaves the trace out.
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

    def _broken_rule(self) -> str:
        if wrong := describe_invalid_name(self.operation_name, "say what is done, such as 'checkout'"):
            return f"Invalid operation name: {wrong}"
        if wrong := describe_invalid_name(self.service_name, "say which service does it, such as 'orders'"):
            return f"Invalid service name: {wrong}"
        if self.status not in TRACE_STATUSES:
            return f"Invalid trace status: {preview(self.status)}; use one of {', '.join(TRACE_STATUSES)}"
        return ""
