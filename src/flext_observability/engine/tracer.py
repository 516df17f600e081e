"""Tracer and tracer provider of the engine, on public names only. They create ``EngineSpan``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, TraceFlags, Tracer, TracerProvider, get_current_span

from flext_observability.adapters.current_context import CURRENT, SPAN_KEY
from flext_observability.adapters.id_holder import HOLDER_KEY, NOT_ASKED, IdHolder, link_span
from flext_observability.engine.compat import fill_attributes, on_ending
from flext_observability.engine.current_span import BlockTracer
from flext_observability.engine.dropped_span import DroppedSpan
from flext_observability.engine.open_spans import PRUNE_MASK
from flext_observability.engine.shedding import Shedding
from flext_observability.engine.span import EngineSpan
from flext_observability.engine.span_ids import RANDOM_FLAG, GivenIds, RandomIds
from flext_observability.engine.span_options import SamplingRule, SpanOptions, SpanSink
from flext_observability.engine.span_values import scope_info, values_of
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.encoding import (
    EncodedAttributes,
    checked_copy,
    encode_attributes,
    encode_span_attributes,
)
from flext_observability.values.names import CORRELATION_ATTRIBUTE, SERVICE_NAME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.util.types import Attributes

    from flext_observability.engine.attribute_filling import AttributeFilling

_logger: Final = logging.getLogger("opentelemetry.sdk.trace")  # the messages of the SDK's tracer
_RATIO_MASK: Final = (1 << 64) - 1
_SAMPLED: Final[int] = TraceFlags.SAMPLED
_DECISIONS: Final = ((0, 0), (1, 0), (1, _SAMPLED))  # recorded and sampled, of each Decision
_NO_STATE: Final = SpanContext(0, 0, is_remote=False).trace_state
_current: Final = CURRENT.get


def _id_generator(ids: GivenIds | None) -> IdGenerator:
    return RandomIdGenerator() if ids is None else ids.generator


def _span_processor(options: SpanOptions) -> SpanProcessor:
    make: Callable[[], SynchronousMultiSpanProcessor] = SynchronousMultiSpanProcessor
    processor = make()
    for each in options.processors:
        processor.add_span_processor(each)
    return processor


def _sdk_attribute(name: str, read: Callable[[SpanOptions], object]) -> property:
    """Return a property that the tracers of the SDK have as an attribute."""

    def get(tracer: EngineTracer) -> object:
        options = tracer.options
        return getattr(tracer.delegate, name) if options is None else read(options)

    return property(get, doc=f"{name} of the provider; or of the delegate, if it has one.")


class EngineTracer(BlockTracer):
    """Creates spans of one scope.

    Attributes:
        options: Parts that its spans share; None while ``delegate`` creates the spans.
        delegate: A tracer of another implementation.
        filling: How its spans get checked attributes; None if it checks them itself.
    """

    delegate: Tracer
    options: SpanOptions | None
    filling: AttributeFilling | None = None

    def __init__(self, options: SpanOptions | None) -> None:
        self.options = options

    # Not `__getattr__`: with it, the interpreter reads each field of a tracer slowly.
    id_generator = _sdk_attribute("id_generator", lambda options: _id_generator(options.given_ids))
    instrumentation_info = _sdk_attribute("instrumentation_info", lambda options: scope_info(options.scope))
    resource = _sdk_attribute("resource", lambda options: options.resource)
    sampler = _sdk_attribute("sampler", lambda options: options.sampler)
    span_processor = _sdk_attribute("span_processor", _span_processor)

    def start_span(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 - OTel's signature; measured: recorded span
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - OTel's signature
        raw: dict[Any, Any] | None = None,
    ) -> Span:
        """Start a span. See ``BlockTracer.start_span``."""
        options = self.options
        if options is None:
            if raw is not None:
                attributes, filling = checked_copy(raw), self.filling
                if attributes is None:
                    attributes = encode_attributes(raw)
                elif filling is not None and filling.accepts(len(attributes)):
                    filled = self.delegate.start_span(
                        name, context, kind, None, links, start_time, record_exception, set_status_on_exception
                    )
                    fill_attributes(filled, attributes)
                    return filled
            return self.delegate.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        here = _current() if context is None else context
        outer: Any = here.get(SPAN_KEY)
        own: Any = type(outer)  # pyright: ignore[reportUnknownVariableType]  # of any class
        link: Any = here.get(HOLDER_KEY)
        bits, ids = options.bits, options.given_ids
        parent: SpanContext | None = None
        local: Any = None  # the parent, if it is a span of ours
        inherited: int | None = None  # whether the parent is sampled; None without one
        if own is EngineSpan or own is DroppedSpan:
            trace_id, flags, state = outer.trace_id, outer.flags & RANDOM_FLAG, outer.trace_state
            local, inherited = outer, outer.flags & _SAMPLED
            if link is None:
                link = outer._flext_correlation
                if link is NOT_ASKED:
                    link = outer
                elif type(link) is not IdHolder and link._flext_correlation is not NOT_ASKED:
                    link = None  # the holder of the local root span: link_span finds it
        else:
            if outer is not None:
                parent = get_current_span(context).get_span_context()
            if parent is not None and parent.is_valid:
                trace_id, state = parent.trace_id, parent.trace_state
                flags, inherited = parent.trace_flags & RANDOM_FLAG, parent.trace_flags & _SAMPLED
            else:
                parent, state = None, _NO_STATE
                if ids is None:
                    trace_id, flags = bits(128) or 1, RANDOM_FLAG
                else:
                    trace_id, flags = ids.trace_id(), ids.flags()
                if outer is link is context is None:
                    link = NOT_ASKED
        bound = options.bound
        if bound is None:
            if raw is not None:
                attributes, raw = encode_span_attributes(raw), None
            result: Any = options.sampler.should_sample(context, trace_id, name, kind, attributes, links or ())
            attributes, state = result.attributes, result.trace_state
            recorded, sampled = _DECISIONS[int(result.decision.value)]
            state = _NO_STATE if state is None else state
        else:
            if inherited is not None and options.parent_based:
                sampled = inherited
            elif (constant := options.constant) is not None:  # read once: another thread may set it
                sampled = constant
            else:
                sampled = _SAMPLED if trace_id & _RATIO_MASK < bound else 0
            recorded = sampled
        span: Any
        if recorded:
            if not next(options.started) & PRUNE_MASK:
                options.prune()
            span = EngineSpan()
        else:
            if bound is not None:
                next(options.dropped)
            span = DroppedSpan()
        span.trace_id = trace_id
        span.span_id = bits(64) or 1 if ids is None else ids.span_id()
        span.flags = flags | sampled
        span.trace_state = state
        span.made_context = None
        if link is None or (type(link) is IdHolder and (link.redirect is not None or link.ambient)):
            link = link_span(span, context, kind)
        else:
            span._flext_correlation = link
        if not recorded:
            dropped: DroppedSpan = span
            return dropped
        span._options = options
        span.name = name
        if local is not None:
            parent = local.made_context or local.get_span_context()
        span.parent = parent
        span.kind = kind
        span.end_time = None
        if raw is not None:
            values = checked_copy(raw)
            if values is None or len(values) > options.max_encoded:
                span._values = values_of(encode_span_attributes(raw) if values is None else values, options)
            else:
                span._values = values
        elif attributes is None:
            span._values = {}
        elif type(attributes) is EncodedAttributes and len(attributes) <= options.max_encoded:
            span._values = attributes.copy()
        else:
            span._values = values_of(attributes, options)
        if links:
            span.set_links(links)
        if not record_exception:
            span._record_exception = False
        if not set_status_on_exception:
            span._set_status_on_exception = False
        if type(link) is IdHolder and link.ids:
            span.set_attribute(CORRELATION_ATTRIBUTE, link.ids[0])
        if options.service is not None:
            span.set_attribute(SERVICE_NAME_ATTRIBUTE, options.service)
        span.start_time = time_ns() if start_time is None else start_time
        options.open[span] = span
        for call in options.on_start:
            call(span, context)
        new: EngineSpan = span
        return new


@final
class EngineTracerProvider(TracerProvider):
    """Creates tracers of one resource.

    Args:
        resource: Resource of all spans.
        sampler: Sampler, used without a rule.
        rule: The sampler in numbers; None for one that is not built in.
        limits: Limits of spans.
        sink: Functions and counters for spans.
        ids: Source of ids, or an id generator of the program.
        exporting: Flushed after the processors of the program.

    Attributes:
        resource: Resource of all spans.
        sampler: The sampler.
    """

    def __init__(  # noqa: PLR0913 - one call
        self,
        *,
        resource: Resource,
        sampler: Sampler,
        rule: SamplingRule | None,
        limits: SpanLimits,
        sink: SpanSink,
        ids: RandomIds | IdGenerator | None = None,
        exporting: SpanProcessor | None = None,
    ) -> None:
        self.resource = resource
        self.sampler = sampler
        self._rule = rule
        self._limits = limits
        self._sink = sink
        self._random = ids if isinstance(ids, RandomIds) else RandomIds()
        self._given_ids = None if ids is None or isinstance(ids, RandomIds) else GivenIds(ids, self._random)
        self._lock = ForkSafeLock()
        self._exporting = () if exporting is None else (exporting,)
        self._processors: tuple[SpanProcessor, ...] = ()
        self._shedding = Shedding()
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
                options = SpanOptions(
                    resource=self.resource,
                    scope=scope,
                    limits=self._limits,
                    sampler=self.sampler,
                    rule=self._rule,
                    bits=self._random.bits,
                    given_ids=self._given_ids,
                    sink=self._sink,
                )
                self._set_processors(options)
                options.shed(self._shedding)
                self._tracers[key] = known = EngineTracer(options), options
        return known[0]

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor, called after the earlier ones, for existing and new tracers."""
        with self._lock:
            self._processors = (*self._processors, span_processor)
            for _, options in self._tracers.values():
                self._set_processors(options)

    @property
    def id_generator(self) -> IdGenerator:
        """The id generator of the program, or one of random ids."""
        return _id_generator(self._given_ids)

    def shed(self, shedding: Shedding) -> None:
        """Set what spans leave out, of existing and new tracers."""
        with self._lock:
            self._shedding = shedding
            for _, options in self._tracers.values():
                options.shed(shedding)

    def redirect(self, sink: SpanSink) -> None:
        """Pass the spans that end from now on to another pipeline."""
        with self._lock:
            self._sink = sink
            for _, options in self._tracers.values():
                options.redirect(sink)

    def shutdown(self) -> None:
        """Shut the processors down, in order."""
        for processor in (*self._processors, *self._exporting):
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the processors, in order; return whether all were flushed in time."""
        deadline = monotonic() + timeout_millis / 1000
        complete = True
        for processor in (*self._processors, *self._exporting):
            left = int((deadline - monotonic()) * 1000)
            if left <= 0:
                return False
            complete = processor.force_flush(left) is not False and complete
        return complete

    def _set_processors(self, options: SpanOptions) -> None:
        added = self._processors
        ending = (call for each in added if (call := on_ending(each)) is not None)
        options.processors = (*added, *self._exporting)
        options.on_start = tuple(each.on_start for each in added)
        options.on_end = (*ending, *(each.on_end for each in added))


def _scope_key(scope: InstrumentationScope) -> tuple[object, ...]:
    """Return a key for the table of tracers. The hash of a scope ignores its attributes: many would be compared."""
    attributes = repr(sorted((scope.attributes or {}).items()))
    return scope.name, scope.version, scope.schema_url, attributes
