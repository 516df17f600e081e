"""Tracer and tracer provider of the engine, on public names only. They create ``EngineSpan``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from random import getrandbits
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, final

from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    TracerProvider,
    get_current_span,
)

from flext_observability.engine.compat import on_ending
from flext_observability.engine.current_span import BlockTracer
from flext_observability.engine.span import EngineSpan
from flext_observability.engine.span_values import SpanOptions
from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.util.types import Attributes

_logger: Final = logging.getLogger("opentelemetry.sdk.trace")  # the messages of the SDK's tracer
_RATIO_MASK: Final = (1 << 64) - 1
_SAMPLED: Final = TraceFlags.SAMPLED
_RANDOM: Final = getattr(TraceFlags, "RANDOM_TRACE_ID", 0)  # not in the oldest SDK
_DECISIONS: Final = ((0, 0), (1, 0), (1, _SAMPLED))  # recorded and sampled, of each Decision
_FLAGS: Final = tuple(TraceFlags(flags) for flags in range(_SAMPLED + _RANDOM + 1))


class SamplingRule(NamedTuple):
    """A built-in sampler in numbers.

    Attributes:
        bound: A root span is sampled if the lower 64 bits of its trace id are below it: 0 for none, 2**64 for all.
        parent_based: Whether a span with a parent has the decision of the parent.
    """

    bound: int
    parent_based: bool


def new_trace_id() -> int:
    """Return a random trace id."""
    return getrandbits(128) or new_trace_id()


def new_span_id() -> int:
    """Return a random span id."""
    return getrandbits(64) or new_span_id()


@final
class EngineTracer(BlockTracer):
    """Creates spans of one scope.

    Args:
        options: Parts that its spans share.
        sampler: Sampler, used without a rule.
        rule: The sampler in numbers; None for one that is not built in.
        dropped: Called for each span that the rule drops.
    """

    __slots__ = ("_dropped", "_options", "_rule", "_sampler")

    def __init__(
        self, options: SpanOptions, sampler: Sampler, rule: SamplingRule | None, dropped: Callable[[], object]
    ) -> None:
        self._options = options
        self._sampler = sampler
        self._rule = rule
        self._dropped = dropped

    def start_span(  # noqa: PLR0913, PLR0917 - OTel's signature; measured: benchmarks, recorded span
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
    ) -> Span:
        """Start a span. See OTel's ``Tracer.start_span``."""
        parent = cast("SpanContext | None", get_current_span(context).get_span_context())
        if parent is not None and parent.is_valid:
            trace_id, random, trace_state = parent.trace_id, parent.trace_flags & _RANDOM, parent.trace_state
        else:
            parent, trace_id, random, trace_state = None, new_trace_id(), _RANDOM, None
        rule = self._rule
        if rule is None:
            result: Any = self._sampler.should_sample(context, trace_id, name, kind, attributes, links or ())
            attributes, trace_state = result.attributes, result.trace_state
            recorded, sampled = _DECISIONS[int(result.decision.value)]
        elif parent is not None and rule.parent_based:
            recorded = sampled = parent.trace_flags & _SAMPLED
        else:
            recorded = sampled = _SAMPLED if trace_id & _RATIO_MASK < rule.bound else 0
        own = SpanContext(trace_id, new_span_id(), False, _FLAGS[sampled | random], trace_state)  # noqa: FBT003
        if not recorded:
            if rule is not None:
                self._dropped()
            return NonRecordingSpan(own)
        options = self._options
        span = EngineSpan(options, name, own, parent, kind, attributes, record_exception, set_status_on_exception)
        if links:
            span.set_links(links)
        span.start_time = time_ns() if start_time is None else start_time
        for call in options.on_start:
            call(span, context)
        return span


@final
class EngineTracerProvider(TracerProvider):
    """Creates tracers of one resource.

    Args:
        resource: Resource of all spans.
        sampler: Sampler, used without a rule.
        rule: The sampler in numbers; None for one that is not built in.
        limits: Limits of spans.
        dropped: Called for each span that the rule drops.
        exporting: The processor of this library, called first at the start and last at the end of a span. It never
            raises.

    Attributes:
        resource: Resource of all spans.
        sampler: The sampler.
    """

    def __init__(
        self,
        *,
        resource: Resource,
        sampler: Sampler,
        rule: SamplingRule | None,
        limits: SpanLimits,
        dropped: Callable[[], object],
        exporting: SpanProcessor,
    ) -> None:
        self.resource = resource
        self.sampler = sampler
        self._rule = rule
        self._limits = limits
        self._dropped = dropped
        self._lock = ForkSafeLock()
        self._exporting = exporting
        self._processors: tuple[SpanProcessor, ...] = ()
        self._tracers: dict[object, tuple[EngineTracer, SpanOptions]] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> EngineTracer:
        """Return the tracer of a scope."""
        if not instrumenting_module_name:
            _logger.error("get_tracer called with missing module name.")
        scope = InstrumentationScope(
            instrumenting_module_name or "", instrumenting_library_version or "", schema_url, attributes
        )
        key = _scope_key(scope)
        with self._lock:
            known = self._tracers.get(key)
            if known is None:
                options = SpanOptions(self.resource, scope, self._limits)
                self._set_processors(options)
                known = EngineTracer(options, self.sampler, self._rule, self._dropped), options
                self._tracers[key] = known
        return known[0]

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor, called after the earlier ones, for existing and new tracers."""
        with self._lock:
            self._processors = (*self._processors, span_processor)
            for _, options in self._tracers.values():
                self._set_processors(options)

    def shutdown(self) -> None:
        """Shut the processors down, in order."""
        for processor in (self._exporting, *self._processors):
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the processors, in order; return whether all were flushed in time."""
        deadline = monotonic() + timeout_millis / 1000
        complete = True
        for processor in (self._exporting, *self._processors):
            left = int((deadline - monotonic()) * 1000)
            if left <= 0:
                return False
            complete = processor.force_flush(left) is not False and complete
        return complete

    def _set_processors(self, options: SpanOptions) -> None:
        added = self._processors
        ending = (call for each in added if (call := on_ending(each)) is not None)
        options.on_start = (self._exporting.on_start, *(each.on_start for each in added))
        options.on_end = (*ending, *(each.on_end for each in added), self._exporting.on_end)


def _scope_key(scope: InstrumentationScope) -> tuple[object, ...]:
    """Return a key for the table of tracers. The hash of a scope ignores its attributes: many would be compared."""
    attributes = repr(sorted((scope.attributes or {}).items()))
    return scope.name, scope.version, scope.schema_url, attributes
