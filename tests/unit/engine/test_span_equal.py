"""Random programs give the same spans with the tracer of the SDK and with ours, and the same bytes."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings, strategies as st
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ReadableSpan,
    Span as SdkSpan,
    SpanLimits,
    SpanProcessor,
    TracerProvider as SdkProvider,
)
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TracerProvider,
    TraceState,
    set_span_in_context,
)

from flext_observability.engine.span_ids import RandomIds
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.wire.otlp.encoder import RequestEncoder

EXAMPLES = 600
ON_ENDING = hasattr(SpanProcessor, "_on_ending")
RESOURCE = Resource({"service.name": "shop"})


class Recorder(SpanProcessor):
    """Records the calls of a provider."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        self.calls.append(("start", span.name, dict(span.attributes or {}), parent_context is None))

    def _on_ending(self, span: SdkSpan) -> None:
        self.calls.append(("ending", span.name))

    def on_end(self, span: ReadableSpan) -> None:
        self.calls.append(("end", *shown(span)))


class RecordOnly(Sampler):
    """Records every other span, without sampling it."""

    def should_sample(
        self, parent_context: Context | None, trace_id: int, name: str, *_: Any, **__: Any
    ) -> SamplingResult:
        decision = Decision.RECORD_ONLY if trace_id % 2 else Decision.DROP
        return SamplingResult(decision, {"by": "sampler"}, TraceState([("s", "1")]))

    def get_description(self) -> str:
        return "record only"


SAMPLERS: dict[str, tuple[Sampler, SamplingRule | None]] = {
    "on": (ALWAYS_ON, SamplingRule(1 << 64, parent_based=False)),
    "off": (ALWAYS_OFF, SamplingRule(0, parent_based=False)),
    "parent": (ParentBased(ALWAYS_ON), SamplingRule(1 << 64, parent_based=True)),
    "parent off": (ParentBased(ALWAYS_OFF), SamplingRule(0, parent_based=True)),
    "ratio": (TraceIdRatioBased(0.5), SamplingRule(TraceIdRatioBased(0.5).bound, parent_based=False)),
    "foreign": (RecordOnly(), None),
    "without a rule": (ParentBased(TraceIdRatioBased(0.5)), None),
}


def shown(span: ReadableSpan) -> tuple[object, ...]:
    """Return everything that an exporter can see."""
    dropped = span.dropped_attributes, span.dropped_events, span.dropped_links
    links = [(link.context, dict(link.attributes or {}), link.dropped_attributes) for link in span.links]
    events = [(each.name, each.timestamp, dict(each.attributes or {}), each.dropped_attributes) for each in span.events]
    scope, status = span.instrumentation_scope, span.status
    fields = span.name, span.get_span_context(), span.context, span.parent, span.kind, span.start_time, span.end_time
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        info = span.instrumentation_info
    state = status.status_code, status.description, scope, info, span.resource
    return (
        *fields,
        *state,
        list((span.attributes or {}).items()),
        events,
        links,
        *dropped,
        as_json(span),
        as_otlp(span),
    )


def as_json(span: ReadableSpan) -> str:
    """Return the JSON text; the SDK cannot write bytes."""
    try:
        return str(span.to_json())
    except TypeError as error:
        return str(error)


def as_otlp(span: ReadableSpan) -> bytes:
    """Return the span as the stock encoder writes it, and check that ours writes the same bytes."""
    stock: bytes = encode_spans([span]).SerializeToString()
    assert RequestEncoder("traces").encode([span]) == stock
    return stock


texts = st.sampled_from(["", "a", "bb", "x" * 20])
keys = st.sampled_from("abc")
rare_keys = st.sampled_from(["a", "b", ""])
plain = texts | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False)
values = (
    plain | st.none() | st.binary(max_size=3) | st.lists(plain, max_size=3) | st.dictionaries(keys, plain, max_size=2)
)
unusual = st.sampled_from([object, 1j, {1}, (1, "a")])
attributes = (
    st.none() | st.dictionaries(keys, plain, max_size=3) | st.dictionaries(rare_keys, values | unusual, max_size=3)
)
times = st.integers(1, 10**12)
contexts = st.builds(
    SpanContext,
    st.sampled_from([0, 5, 6]),
    st.sampled_from([0, 9]),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    st.sampled_from([TraceState(), TraceState([("k", "v")])]),
)
links = st.none() | st.lists(st.tuples(contexts, attributes), max_size=4)
statuses = st.builds(Status, st.sampled_from(StatusCode)) | st.builds(Status, st.just(StatusCode.ERROR), texts)
limits = st.just(SpanLimits()) | st.builds(
    SpanLimits,
    max_span_attributes=st.sampled_from([0, 1, 3, SpanLimits.UNSET]),
    max_span_attribute_length=st.sampled_from([0, 1, SpanLimits.UNSET]),
    max_events=st.sampled_from([0, 1, SpanLimits.UNSET]),
    max_links=st.sampled_from([0, 1, SpanLimits.UNSET]),
    max_event_attributes=st.sampled_from([0, 1, SpanLimits.UNSET]),
    max_link_attributes=st.sampled_from([0, 1, SpanLimits.UNSET]),
    max_attribute_length=st.sampled_from([1, SpanLimits.UNSET]),
)
FAILURE = ValueError("broken")
Step = Callable[[Span], object]
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda key, value: lambda span: span.set_attribute(key, value), keys, plain),
    st.builds(lambda key, value: lambda span: span.set_attribute(key, value), rare_keys, values | unusual),
    st.builds(lambda given: lambda span: span.set_attributes(given or {}), attributes),
    st.builds(lambda name, given, time: lambda span: span.add_event(name, given, time), texts, attributes, times),
    st.builds(lambda context, given: lambda span: span.add_link(context, given), contexts, attributes),
    st.builds(lambda name: lambda span: span.update_name(name), texts),
    st.builds(lambda status: lambda span: span.set_status(status), statuses | st.sampled_from(StatusCode)),
    st.builds(
        lambda status, text: lambda span: span.set_status(status, text), statuses | st.sampled_from(StatusCode), texts
    ),
    st.builds(lambda given, time: lambda span: span.record_exception(FAILURE, given, time), attributes, times),
    st.builds(lambda time: lambda span: span.end(time), times),
    st.just(lambda span: span.is_recording()),
    st.just(repr),
)
spans = st.fixed_dictionaries(
    {
        "name": texts,
        "kind": st.sampled_from(SpanKind),
        "attributes": attributes,
        "links": links,
        "start_time": times,
        "parent": st.none() | contexts | st.just("previous"),
        "steps": st.lists(steps, min_size=2, max_size=8),
    }
)


def run(provider: TracerProvider, program: list[dict[str, Any]]) -> list[object]:
    """Run a program, and return what each step returned."""
    random.seed(1)
    tracer = provider.get_tracer("lib", "1", "https://schema", {"part": "x"})
    previous: Span | None = None
    seen: list[object] = []
    for each in program:
        parent = previous if each["parent"] == "previous" else each["parent"] and NonRecordingSpan(each["parent"])
        context = None if parent is None else set_span_in_context(parent, Context())
        given = None if each["links"] is None else [Link(*link) for link in each["links"]]
        previous = tracer.start_span(each["name"], context, each["kind"], each["attributes"], given, each["start_time"])
        seen.append((previous.get_span_context(), previous.is_recording(), isinstance(previous, SdkSpan)))
        seen += [str(step(previous)).replace("EngineSpan", "_Span") for step in each["steps"]]
        previous.end(10**12)
    return seen


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(sorted(SAMPLERS)), limits, st.lists(spans, min_size=1, max_size=4))
def test_programs(name: str, span_limits: SpanLimits, program: list[dict[str, Any]]) -> None:
    sampler, rule = SAMPLERS[name]
    stock = SdkProvider(sampler=sampler, resource=RESOURCE, span_limits=span_limits, shutdown_on_exit=False)
    expected, recorded = Recorder(), Recorder()
    ours = EngineTracerProvider(
        resource=RESOURCE,
        sampler=sampler,
        rule=rule,
        limits=span_limits,
        sink=SpanSink(),
        ids=RandomIds(random.getrandbits),
    )
    stock.add_span_processor(expected)
    ours.add_span_processor(recorded)
    assert run(ours, program) == run(stock, program)
    # The oldest SDK does not call ``_on_ending``.
    assert [call for call in recorded.calls if ON_ENDING or call[0] != "ending"] == expected.calls
