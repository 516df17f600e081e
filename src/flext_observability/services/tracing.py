"""Trace entities, or names → spans that begin and end in different places (OTel API only)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, cast, final

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, Status, StatusCode, format_trace_id

from flext_observability.adapters import trace as adapter
from flext_observability.decorators.span_errors import end_span, record_error
from flext_observability.decorators.traced import SpanTemplate, detach, traced
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.services.dependencies import entity_factory, find_clock, never_raises
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.services.trace_registry import OpenTrace, started_traces
from flext_observability.values.encoding import encode_tag
from flext_observability.values.names import OUTCOME_ATTRIBUTE, UNKNOWN_PARENT_ATTRIBUTE
from flext_observability.values.timestamps import from_unix_nanos

if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span, SpanKind

    from flext_observability.decorators.span_arguments import Parent
    from flext_observability.domain.container import Container
    from flext_observability.domain.trace import FlextTrace

TraceStatus = Literal["ok", "error", "unset", "abandoned"]


@final
class FlextTracingService:
    """Start traces, and end them from anywhere: another function, thread or task.

    All services of a process share what is started. A trace that nobody ends is ended as ``abandoned`` when 10 000 newer ones are
    open, or when a trace starts after it is an hour old (settings ``trace_registry_size``, ``trace_registry_age_seconds``).
    """

    def __init__(self, container: Container | None = None, *, recording: bool = True) -> None:
        """Make a service.

        Args:
            container: Where to look up ``clock``, ``id_generator`` for new traces, and ``repository``, which keeps what is started and
                ended; optional.
            recording: Whether traces become spans; if not, they get ids and nothing is recorded.
        """
        self._container = container
        self._clock = find_clock(container)
        self._recording = recording
        self._persist: Persist[FlextTrace] = repository_writer(container, "store_trace")

    def create(
        self,
        operation_name: str,
        service_name: str,
        context: Mapping[str, object] | None = None,
        parent_trace_id: str | None = None,
    ) -> FlextResult[FlextTrace]:
        """Create a trace and start it. It is not made current.

        Args:
            operation_name: Name of the span.
            service_name: Name of the service that the span belongs to.
            context: Attributes.
            parent_trace_id: Id of another trace, or 32 hex digits of a known one. Default: the current span.

        Returns:
            The entity, or a failure as of ``start_trace``.
        """
        return self._create(operation_name, service_name, context, parent_trace_id).flat_map(self._persist)

    def start_trace(
        self,
        trace: FlextTrace | str,
        service_name: str | None = None,
        context: Mapping[str, object] | None = None,
        parent_trace_id: str | None = None,
    ) -> FlextResult[FlextTrace]:
        """Start a trace; it is not made current.

        Args:
            trace: Entity, or the name of the operation.
            service_name: With a name: who does it; by default this process.
            context: With a name: attributes.
            parent_trace_id: With a name: id of another trace, or 32 hex digits of a known one; by default the current span.

        Returns:
            The same entity with ``trace_id`` and ``span_id``; or a failure: ``invalid_trace``, and those of the container's
            repository, though the trace has been started. Starting a started trace succeeds and changes nothing.
        """
        return self._begin(trace, service_name, context, parent_trace_id).flat_map(self._persist)

    def complete_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """End a trace well.

        Returns:
            The same entity with ``end_time`` and the status ``ok``; or a failure: ``invalid_trace`` (not a trace),
            ``trace_not_started``, ``trace_ended`` (with another status), and those of the container's repository, though the trace
            has been ended. Completing a completed trace succeeds and changes nothing.
        """
        return self._end(trace, "ok", None).flat_map(self._persist)

    def error_trace(self, trace: FlextTrace, message: str | BaseException = "") -> FlextResult[FlextTrace]:
        """End a trace as failed.

        Args:
            trace: A started trace.
            message: What went wrong: the span's status description. An exception is recorded with its stack trace.

        Returns:
            As ``complete_trace``, with the status ``error``.
        """
        return self._end(trace, "error", message).flat_map(self._persist)

    @contextmanager
    def trace(
        self,
        trace: FlextTrace | str,
        service_name: str | None = None,
        context: Mapping[str, object] | None = None,
        parent_trace_id: str | None = None,
    ) -> Iterator[FlextResult[FlextTrace]]:
        """Start a trace, make it current in the body, and end it: as failed when the body raises (the exception goes on).

        Args:
            trace: As for ``start_trace``.
            service_name: As for ``start_trace``.
            context: As for ``start_trace``.
            parent_trace_id: As for ``start_trace``.

        Yields:
            The result of ``start_trace``; on failure the body runs all the same.
        """
        started = self._begin(trace, service_name, context, parent_trace_id)
        span = started_traces().span(started.data.id) if started.data is not None else None
        token = None if span is None else otel_context.attach(otel_trace.set_span_in_context(span))
        ending: TraceStatus = "ok"
        failure: BaseException | None = None
        try:
            yield started.flat_map(self._persist)
        except BaseException as error:
            ending, failure = "error" if isinstance(error, Exception) else "unset", error
            raise
        finally:
            detach(token)
            if started.data is not None:
                self._end(started.data, ending, failure).flat_map(self._persist)
            failure = None  # a frame that keeps the exception that keeps the frame is a cycle

    def span(
        self,
        name: str,
        attributes: Mapping[str, object] | None = None,
        /,
        *,
        span_kind: SpanKind | str | None = None,
        links: Iterable[Link | Span | SpanContext] = (),
        parent: Parent = None,
        **more: object,
    ) -> SpanTemplate:
        """Return a span for hot paths, as a context manager and decorator; same contract as ``traced``."""
        return traced(name, attributes, span_kind=span_kind, links=links, parent=parent, **more)

    @never_raises
    def _begin(
        self,
        trace: FlextTrace | str,
        service_name: str | None,
        context: Mapping[str, object] | None,
        parent_trace_id: str | None,
    ) -> FlextResult[FlextTrace]:
        from flext_observability.domain.trace import FlextTrace

        if isinstance(trace, FlextTrace):
            return trace.validate_business_rules().map(lambda _: trace).tap(self._start)
        service = adapter.process_service_name() if service_name is None else service_name
        return self._create(trace, service, context, parent_trace_id)

    @never_raises
    def _create(
        self, operation_name: str, service_name: str, context: Mapping[str, object] | None, parent_trace_id: str | None
    ) -> FlextResult[FlextTrace]:
        factory = entity_factory(self._container)
        return factory.create_trace(operation_name, service_name, context, parent_trace_id).tap(self._start)

    def _start(self, trace: FlextTrace) -> None:
        if not trace.mark_emitted():
            return
        parent_id = trace.parent_trace_id or trace.context.get(adapter.PARENT_KEY)
        parent = _known_parent(str(parent_id)) if parent_id else None
        unknown = bool(parent_id) and parent is None
        begin = adapter.start if self._recording else adapter.start_non_recording
        span = begin(trace, INVALID_SPAN_CONTEXT if unknown else parent)
        if unknown:
            span.set_attribute(UNKNOWN_PARENT_ATTRIBUTE, encode_tag(parent_id))
        plugin_hooks().dispatch("on_trace_started", trace)
        for forgotten in started_traces().open(OpenTrace(trace, span, self._clock.monotonic())):
            self._finish(forgotten, "abandoned", None)

    @never_raises
    def _end(
        self, trace: FlextTrace, ending: TraceStatus, cause: str | BaseException | None
    ) -> FlextResult[FlextTrace]:
        from flext_observability.domain.trace import FlextTrace

        if not isinstance(cast("object", trace), FlextTrace):
            message = f"Invalid trace: pass the FlextTrace that was started, not {type(trace).__name__}"
            return FlextResult[FlextTrace].fail(message, code="invalid_trace")
        entry = started_traces().close(trace.id, self._clock.monotonic())
        if entry is not None:
            ended = self._finish(entry, ending, cause)
            # The caller may hold a copy of what was started.
            trace.end_time, trace.status = ended.end_time, ended.status
        elif not trace.trace_id:
            return FlextResult[FlextTrace].fail(
                "The trace is not started: call start_trace first", code="trace_not_started"
            )
        elif trace.status != ending:
            message = f"The trace has ended as {trace.status} already: a trace ends once"
            return FlextResult[FlextTrace].fail(message, code="trace_ended")
        return FlextResult[FlextTrace].ok(trace)

    def _finish(self, entry: OpenTrace, ending: TraceStatus, cause: str | BaseException | None) -> FlextTrace:
        entry.trace.end_time = from_unix_nanos(self._clock.time_ns())
        entry.trace.status = ending
        if isinstance(cause, BaseException):
            record_error(entry.span, cause)
        elif ending == "abandoned":
            entry.span.set_attribute(OUTCOME_ATTRIBUTE, ending)
        else:
            status = StatusCode.ERROR if ending == "error" else StatusCode.OK
            entry.span.set_status(Status(status, encode_tag(cause) if cause else None))
        end_span(entry.span)
        plugin_hooks().dispatch("on_trace_completed", entry.trace)
        return entry.trace


def _known_parent(parent_id: str) -> SpanContext | None:
    current = otel_trace.get_current_span().get_span_context()
    if current.is_valid and format_trace_id(current.trace_id) == parent_id.lower():
        return started_traces().find(parent_id) or current
    return started_traces().find(parent_id)
