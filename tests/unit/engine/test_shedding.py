"""What spans leave out while telemetry costs more than its budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, cast

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, set_span_in_context

from flext_observability.engine.shedding import ESSENTIAL, LEVELS, SAMPLING_LEVEL, ShedCounts, Shedding
from flext_observability.engine.span import EngineSpan
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracer, EngineTracerProvider
from flext_observability.values.encoding import encode_span_attributes
from flext_observability.values.names import CORRELATION_ATTRIBUTE
from flext_observability.wire.otlp.encoder import RequestEncoder

TEN: Mapping[str, Any] = {f"key{number}": number for number in range(10)}
FIRST: Mapping[str, Any] = {f"key{number}": number for number in range(8)}


class Traced:
    """A provider whose ids are random or given, with its finished spans and the numbers of items left out."""

    def __init__(self, rule: SamplingRule | None = None, limits: SpanLimits | None = None) -> None:
        self.finished: list[ReadableSpan] = []
        self._dropped: Any = count()
        self._shed = ShedCounts(count(), count(), count())
        self.provider = EngineTracerProvider(
            resource=Resource({"service.name": "shop"}),
            sampler=ParentBased(ALWAYS_ON),
            rule=rule,
            limits=limits or SpanLimits(),
            sink=SpanSink(self.finished.append, dropped=self._dropped, shed=self._shed),
        )
        self.tracer = self.provider.get_tracer("before")

    def left_out(self) -> tuple[int, ...]:
        return tuple(int(repr(each)[6:-1]) for each in self._shed)

    def dropped(self) -> int:
        return int(repr(self._dropped)[6:-1])


ALL = SamplingRule(1 << 64, parent_based=True)


@pytest.fixture
def traced() -> Traced:
    return Traced(ALL)


def readable(span: Span) -> EngineSpan:
    return cast("EngineSpan", span)


def test_each_level_leaves_out_more() -> None:
    assert [level.describe() for level in LEVELS[:4]] == [
        (),
        ("span events",),
        ("span events", "span attributes beyond 8"),
        ("span events", "span attributes beyond 8", "1 of 2 traces"),
    ]
    assert LEVELS[-1].describe()[-1] == "63 of 64 traces"
    assert LEVELS[SAMPLING_LEVEL].halvings == 1


def test_events_are_counted_but_those_of_exceptions_are_kept(traced: Traced) -> None:
    span = readable(traced.tracer.start_span("work"))
    span.add_event("before")
    traced.provider.shed(Shedding(events=True))
    span.add_event("left out", {"key": 1})
    span.add_event(object())  # type: ignore[arg-type]  # of another type
    span.record_exception(ValueError("wrong"))
    span.end()
    span.add_event("too late")
    assert [event.name for event in span.events] == ["before", "exception"]
    assert (span.dropped_events, traced.left_out()) == (2, (2, 0, 0))
    span = readable(traced.tracer.start_span("work"))
    span.add_event("left out")
    assert (span.events, span.dropped_events, span.plain_attributes) == ((), 1, None)
    traced.provider.shed(Shedding())
    span.add_event("kept")
    assert [event.name for event in span.events] == ["kept"]


def plain(tracer: EngineTracer) -> Span:
    return tracer.start_span("work", attributes=TEN)


def encoded(tracer: EngineTracer) -> Span:
    return tracer.start_span("work", attributes=encode_span_attributes(dict(TEN)))


def raw(tracer: EngineTracer) -> Span:
    return tracer.start_span("work", raw=dict(TEN))


@pytest.mark.parametrize("start", [plain, encoded, raw])
def test_the_first_attributes_are_kept(traced: Traced, start: Callable[[EngineTracer], Span]) -> None:
    traced.provider.shed(LEVELS[2])
    span = readable(start(traced.tracer))
    assert (dict(span.attributes), span.dropped_attributes) == (dict(FIRST), 2)
    span.set_attribute("another", 1)
    span.set_attributes({"key7": "new", "one more": 1, CORRELATION_ATTRIBUTE: "id"})
    assert dict(span.attributes) == {**FIRST, "key7": "new", CORRELATION_ATTRIBUTE: "id"}
    assert (span.dropped_attributes, traced.left_out()) == (4, (0, 4, 0))
    span.set_attribute("last", 1)
    assert (span.dropped_attributes, traced.left_out()) == (5, (0, 5, 0))


def test_attributes_set_one_after_another(traced: Traced) -> None:
    traced.provider.shed(LEVELS[2])
    span = readable(traced.tracer.start_span("work"))
    for key, value in TEN.items():
        span.set_attribute(key, value)
    span.set_attribute("key0", "new")
    assert dict(span.attributes) == {**FIRST, "key0": "new"}
    assert (span.dropped_attributes, traced.left_out()) == (2, (0, 2, 0))


def test_essential_attributes_are_kept(traced: Traced) -> None:
    traced.provider.shed(LEVELS[2])
    essential = dict.fromkeys(sorted(ESSENTIAL), "kept")
    span = readable(traced.tracer.start_span("work", attributes={**TEN, **essential}))
    assert (dict(span.attributes), span.dropped_attributes) == ({**FIRST, **essential}, 2)


def test_values_and_keys_of_any_type(traced: Traced) -> None:
    class Key:
        def __hash__(self) -> int:
            raise RuntimeError("no hash")

    class Attributes(dict[str, Any]):
        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("no keys")

    traced.provider.shed(LEVELS[2])
    span = readable(traced.tracer.start_span("work", attributes={"list": [1, 2], **TEN}))
    assert (len(span.attributes), span.attributes["list"], span.dropped_attributes) == (8, (1, 2), 3)
    few = readable(traced.tracer.start_span("work", attributes={"list": [1, 2]}))
    assert (few.attributes["list"], few.dropped_attributes) == ((1, 2), 0)
    many: Any = Attributes(TEN)
    assert readable(traced.tracer.start_span("work", attributes=many)).attributes
    span.set_attribute(Key(), 1)  # type: ignore[arg-type]  # of another type
    span.set_attribute(3, 1)  # type: ignore[arg-type]  # of another type
    assert len(span.attributes) == 8
    assert readable(traced.tracer.start_span("work", attributes=None)).attributes == {}


def test_open_spans_follow(traced: Traced) -> None:
    span = readable(traced.tracer.start_span("work", attributes=TEN))
    traced.provider.shed(LEVELS[2])
    span.set_attribute("left out", 1)
    traced.provider.shed(LEVELS[0])
    span.set_attribute("kept", 1)
    assert (dict(span.attributes), span.dropped_attributes) == ({**TEN, "kept": 1}, 1)
    span = readable(traced.provider.get_tracer("new").start_span("work", attributes=TEN))
    assert len(span.attributes) == 10


def test_configured_limits_apply_below() -> None:
    traced = Traced(ALL, SpanLimits(max_span_attributes=3))
    traced.provider.shed(LEVELS[2])
    span = readable(traced.tracer.start_span("work", attributes=TEN))
    assert (len(span.attributes), span.dropped_attributes, traced.left_out()) == (3, 7, (0, 2, 0))


def test_counts_are_exported(traced: Traced) -> None:
    traced.provider.shed(LEVELS[2])
    span = readable(traced.provider.get_tracer("new").start_span("work", attributes=TEN))
    span.add_event("left out")
    span.end()
    body = RequestEncoder("traces", "protobuf").encode(traced.finished)
    assert body == encode_spans([span]).SerializeToString()
    assert span.to_sdk().dropped_attributes == 2
    (sent,) = encode_spans([span]).resource_spans[0].scope_spans[0].spans
    assert (sent.dropped_attributes_count, sent.dropped_events_count, len(sent.attributes)) == (2, 1, 8)


def started(traced: Traced, trace_id: int | None = None, flags: int = TraceFlags.SAMPLED) -> bool:
    """Return whether a span is recorded: a root span, or the child of a remote one."""
    if trace_id is None:
        return traced.tracer.start_span("root").is_recording()
    parent = SpanContext(trace_id, 1, is_remote=True, trace_flags=TraceFlags(flags))
    return traced.tracer.start_span("child", set_span_in_context(NonRecordingSpan(parent))).is_recording()


def test_the_ratio_of_root_spans_is_halved(traced: Traced) -> None:
    traced.provider.shed(LEVELS[SAMPLING_LEVEL + 1])
    recorded = sum(started(traced) for _ in range(2000))
    assert 400 < recorded < 600
    assert traced.left_out() == (0, 0, 2000 - recorded)
    assert traced.dropped() == 2000 - recorded
    traced.provider.shed(LEVELS[2])
    assert all(started(traced) for _ in range(20))


@pytest.mark.parametrize("parent_based", [True, False])
def test_children_follow_their_parents(parent_based: bool) -> None:
    traced = Traced(SamplingRule(1 << 64, parent_based=parent_based))
    never = (1 << 128) - 1  # beyond each bound
    traced.provider.shed(LEVELS[-1])
    assert started(traced, never)
    assert not started(traced, never, flags=0)
    traced.provider.shed(LEVELS[0])
    assert started(traced, never, flags=0) is not parent_based


def test_a_sampler_of_another_package_decides() -> None:
    traced = Traced(None)
    traced.provider.shed(LEVELS[-1])
    assert all(started(traced) for _ in range(50))
