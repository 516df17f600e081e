"""What a span starts with: attributes of a sampler of the program, and the service of its tracer."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import set_span_in_context

from flext_observability.engine.span_ids import RandomIds
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracer, EngineTracerProvider


class Keeping(Sampler):
    """Samples every span, and keeps the attributes that it receives."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        *_: Any,
        **__: Any,
    ) -> SamplingResult:
        self.received.append(dict(attributes))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        return "keeping"


def tracer_of(sampler: Sampler, rule: SamplingRule | None, **scope: Any) -> EngineTracer:
    provider = EngineTracerProvider(
        resource=Resource({"service.name": "shop"}), sampler=sampler, rule=rule, limits=SpanLimits(), sink=SpanSink()
    )
    return provider.get_tracer("lib", **scope)


def test_a_sampler_of_the_program_receives_encoded_attributes() -> None:
    sampler = Keeping()
    span: Any = tracer_of(sampler, None).start_span("work", raw={"a": 1, "b": {"c": 2}})
    assert sampler.received == [{"a": 1, "b": '{"c":2}'}]
    assert dict(span.attributes) == {"a": 1, "b": '{"c":2}'}


def test_a_child_of_a_dropped_span_has_it_as_parent() -> None:
    dropped = tracer_of(ALWAYS_OFF, SamplingRule(0, parent_based=True)).start_span("outer")
    sampled = tracer_of(ALWAYS_ON, SamplingRule(1 << 64, parent_based=False))
    child: Any = sampled.start_span("inner", set_span_in_context(dropped))
    assert child.is_recording()
    assert child.parent == dropped.get_span_context()
    assert child.parent.trace_id == child.context.trace_id


@pytest.mark.parametrize(("bound", "recorded"), [(0, False), (1 << 63, True), (1 << 64, True)])
def test_a_root_span_follows_the_rule(bound: int, *, recorded: bool) -> None:
    provider = EngineTracerProvider(
        resource=Resource({}),
        sampler=ALWAYS_ON,
        rule=SamplingRule(bound, parent_based=True),
        limits=SpanLimits(),
        sink=SpanSink(),
        ids=RandomIds(lambda _: (1 << 64) + (1 << 62)),
    )
    assert provider.get_tracer("lib").start_span("root").is_recording() is recorded


@pytest.mark.parametrize(("service", "added"), [("billing", {"flext.service.name": "billing"}), ("shop", {}), (5, {})])
def test_spans_of_another_service_have_its_name(service: object, added: dict[str, str]) -> None:
    rule = SamplingRule(1 << 64, parent_based=True)
    span: Any = tracer_of(ALWAYS_ON, rule, attributes={"flext.service.name": service}).start_span("work")
    assert dict(span.attributes) == added
