"""Tracing service: entities or names → spans that start and end in different places (OTel API only)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, cast, final

from opentelemetry import context as otel_context, trace as otel_trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, SpanKind, Status, StatusCode, format_trace_id

from flext_observability.adapters import trace as adapter
from flext_observability.adapters.id_holder import context_with_span
from flext_observability.decorators.span_errors import end_span, record_error
from flext_observability.decorators.traced import SpanTemplate, detach, traced
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.services.dependencies import Attributes, entity_factory, find_clock
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.services.trace_registry import OpenTrace, started_traces
from flext_observability.values.encoding import encode_tag
from flext_observability.values.foreign import is_a, type_name
from flext_observability.values.names import OUTCOME_ATTRIBUTE, UNKNOWN_PARENT_ATTRIBUTE
from flext_observability.values.timestamps import from_unix_nanos

if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span

    from flext_observability.decorators.span_arguments import Parent
    from flext_observability.domain.container import Container
    from flext_observability.domain.trace import FlextTrace

TraceStatus = Literal["ok", "error", "unset", "abandoned"]


@final
class FlextTracingService:
    """Start traces, and end them in any function, thread or task.

    Operations return a result and never raise: an unexpected exception is the failure ``internal``.
    All tracing services of a process share the started traces. A trace that is not ended gets the status ``abandoned``
    when 10 000 newer ones are open, or when a trace starts after it is an hour old (settings ``trace_registry_size``,
    ``trace_registry_age_seconds``).
    """

    def __init__(self, container: Container | None = None, *, recording: bool = True) -> None:
        """Create a service.

        Args:
            container: Optional source of ``clock`` and ``id_generator`` for new traces, and of a ``repository`` that
                stores started and ended traces.
            recording: Whether traces become spans. If not, they get ids only.
        """
        self._container = container
        self._clock = find_clock(container)
        self._recording = recording
        self._persist: Persist[FlextTrace] = repository_writer(container, "store_trace")

    def create(
        self, operation_name: str, service_name: str, context: Attributes = None, parent_trace_id: str | None = None
    ) -> FlextResult[FlextTrace]:
        """Create a trace and start it. Arguments and failures: see ``start_trace``."""
        return self._create(operation_name, service_name, context, parent_trace_id).flat_map(self._persist)

    def start_trace(
        self,
        trace: FlextTrace | str,
        service_name: str | None = None,
        context: Attributes = None,
        parent_trace_id: str | None = None,
    ) -> FlextResult[FlextTrace]:
        """Start a trace. It is not made current. Idempotent.

        Args:
            trace: Entity, or operation name. The other arguments apply to a name only.
            service_name: Name of the service. Default: the service of this process.
            context: Attributes.
            parent_trace_id: Id of another trace, or 32 hex digits of a known one. Default: the current span.

        Returns:
            The same entity with ``trace_id`` and ``span_id``; or a failure: ``invalid_trace``, or one of the
            container's repository (the trace has been started).
        """
        return self._start(trace, service_name, context, parent_trace_id).flat_map(self._persist)

    def complete_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """End a trace with the status ``ok``. Idempotent.

        Returns:
            The same entity with ``end_time`` and ``status``; or a failure: ``invalid_trace`` (not a trace),
            ``trace_not_started``, ``trace_ended`` (with another status), or one of the container's repository (the
            trace has been ended).
        """
        return self._end(trace, "ok", None).flat_map(self._persist)

    def error_trace(self, trace: FlextTrace, message: str | BaseException = "") -> FlextResult[FlextTrace]:
        """End a trace with the status ``error``. Idempotent.

        Args:
            trace: A started trace.
            message: Status description of the span. An exception is recorded with its stack trace.

        Returns:
            As ``complete_trace``.
        """
        return self._end(trace, "error", message).flat_map(self._persist)

    @contextmanager
    def trace(
        self,
        trace: FlextTrace | str,
        service_name: str | None = None,
        context: Attributes = None,
        parent_trace_id: str | None = None,
    ) -> Iterator[FlextResult[FlextTrace]]:
        """Start a trace, make it current in the body, and end it. An exception of the body ends it as failed,
        a cancellation or an interruption as ``unset``.

        Arguments: see ``start_trace``.

        Yields:
            The result of ``start_trace``. The body also runs on failure.
        """
        started = self._start(trace, service_name, context, parent_trace_id)
        span = started_traces().span(started.data.id) if started.data is not None else None
        token = (
            None
            if span is None
            else otel_context.attach(context_with_span(span, otel_context.get_current(), None, SpanKind.INTERNAL))
        )
        status: TraceStatus = "ok"
        failure: BaseException | None = None
        try:
            yield started.flat_map(self._persist)
        except BaseException as error:
            status, failure = "error" if isinstance(error, Exception) else "unset", error
            raise
        finally:
            detach(token)
            if started.data is not None:
                self._end(started.data, status, failure).flat_map(self._persist)
            failure = None  # breaks the reference cycle of exception and frame

    def span(
        self,
        name: str,
        attributes: Attributes = None,
        /,
        *,
        span_kind: SpanKind | str | None = None,
        links: Iterable[Link | Span | SpanContext] = (),
        parent: Parent = None,
        **more: object,
    ) -> SpanTemplate:
        """Return a span for hot paths: a context manager and decorator, as ``traced``."""
        return traced(name, attributes, span_kind=span_kind, links=links, parent=parent, **more)

    @never_raises
    def _start(
        self, trace: FlextTrace | str, service_name: str | None, context: Attributes, parent_trace_id: str | None
    ) -> FlextResult[FlextTrace]:
        from flext_observability.domain.trace import FlextTrace

        if is_a(trace, FlextTrace):
            return trace.validate_business_rules().map(lambda _: trace).tap(self._start_span)
        service = adapter.process_service_name() if service_name is None else service_name
        return self._create(cast("str", trace), service, context, parent_trace_id)

    @never_raises
    def _create(
        self, operation_name: str, service_name: str, context: Attributes, parent_trace_id: str | None
    ) -> FlextResult[FlextTrace]:
        factory = entity_factory(self._container)
        return factory.create_trace(operation_name, service_name, context, parent_trace_id).tap(self._start_span)

    def _start_span(self, trace: FlextTrace) -> None:
        if not trace.mark_emitted():
            return
        given = trace.parent_trace_id or trace.context.get(adapter.PARENT_KEY)
        parent_id = "" if given is None else encode_tag(given)
        parent = _find_parent(parent_id) if parent_id else None
        unknown = bool(parent_id) and parent is None
        start = adapter.start if self._recording else adapter.start_non_recording
        span = start(trace, INVALID_SPAN_CONTEXT if unknown else parent)
        if unknown:
            span.set_attribute(UNKNOWN_PARENT_ATTRIBUTE, parent_id)
        plugin_hooks().dispatch("on_trace_started", trace)
        for evicted in started_traces().open(OpenTrace(trace, span, self._clock.monotonic())):
            self._finish(evicted, "abandoned", None)

    @never_raises
    def _end(
        self, trace: FlextTrace, status: TraceStatus, cause: str | BaseException | None
    ) -> FlextResult[FlextTrace]:
        from flext_observability.domain.trace import FlextTrace

        if not is_a(cast("object", trace), FlextTrace):
            return _invalid(
                f"{type_name(trace)} is not a FlextTrace", "invalid_trace", "Pass the trace that was started"
            )
        entry = started_traces().close(trace.id, self._clock.monotonic())
        if entry is not None:
            self._finish(entry, status, cause)
            # The caller may hold a copy of the started entity.
            trace.end_time, trace.status = entry.trace.end_time, entry.trace.status
        elif not trace.trace_id:
            return _invalid("it was not started", "trace_not_started", "Call start_trace first")
        elif trace.status != status:
            return _invalid(f"it has already ended as {trace.status}", "trace_ended", "End a trace once")
        return FlextResult.ok(trace)

    def _finish(self, entry: OpenTrace, status: TraceStatus, cause: str | BaseException | None) -> None:
        entry.trace.end_time = from_unix_nanos(self._clock.time_ns())
        entry.trace.status = status
        if is_a(cause, BaseException):
            record_error(entry.span, cause)
        elif status == "abandoned":
            entry.span.set_attribute(OUTCOME_ATTRIBUTE, status)
        else:
            code = StatusCode.ERROR if status == "error" else StatusCode.OK
            entry.span.set_status(Status(code, (None if cause is None else encode_tag(cause)) or None))
        end_span(entry.span)
        plugin_hooks().dispatch("on_trace_completed", entry.trace)


def _invalid(why: str, code: str, fix: str) -> FlextResult[FlextTrace]:
    return FlextResult["FlextTrace"].fail(f"Invalid trace: {why}", code=code, fix=fix)


def _find_parent(parent_id: str) -> SpanContext | None:
    current = otel_trace.get_current_span().get_span_context()
    is_current = current.is_valid and format_trace_id(current.trace_id) == parent_id.lower()
    return started_traces().find(parent_id) or (current if is_current else None)
