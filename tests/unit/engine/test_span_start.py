"""What a span starts with: attributes of a sampler of the program, and the service of its tracer."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import Tracer

from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.values.encoding import RawAttributes


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


def tracer_of(sampler: Sampler, rule: SamplingRule | None, **scope: Any) -> Tracer:
    provider = EngineTracerProvider(
        resource=Resource({"service.name": "shop"}), sampler=sampler, rule=rule, limits=SpanLimits(), sink=SpanSink()
    )
    return provider.get_tracer("lib", **scope)


def test_a_sampler_of_the_program_receives_encoded_attributes() -> None:
    sampler = Keeping()
    span: Any = tracer_of(sampler, None).start_span("work", attributes=RawAttributes({"a": 1, "b": {"c": 2}}))
    assert sampler.received == [{"a": 1, "b": '{"c":2}'}]
    assert dict(span.attributes) == {"a": 1, "b": '{"c":2}'}


@pytest.mark.parametrize(("service", "added"), [("billing", {"flext.service.name": "billing"}), ("shop", {}), (5, {})])
def test_spans_of_another_service_have_its_name(service: object, added: dict[str, str]) -> None:
    rule = SamplingRule(1 << 64, parent_based=True)
    span: Any = tracer_of(ALWAYS_ON, rule, attributes={"flext.service.name": service}).start_span("work")
    assert dict(span.attributes) == added
