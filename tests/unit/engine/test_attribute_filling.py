"""Spans of the SDK whose attributes skip its check are equal to those that start with them."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, SamplingResult

from flext_observability import correlation_scope
from flext_observability.engine.attribute_filling import AttributeFilling, FilledProvider
from flext_observability.engine.compat import fill_attributes
from flext_observability.engine.delegating_tracer import DelegatingTracerProvider
from flext_observability.pipeline.export_processors import ExportSpanProcessor, SpanProcessors
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.values.names import CORRELATION_ATTRIBUTE, SERVICE_NAME_ATTRIBUTE

PLAIN: dict[str, Any] = {"a": 1, "b": "text", "c": 2.5, "d": True}


def provider_of(limits: SpanLimits, sampler: Sampler = ALWAYS_ON, *, filled: bool) -> FilledProvider:
    filling = AttributeFilling(limits) if filled else None
    first = ExportSpanProcessor(SignalCounter("traces"), [])
    provider = FilledProvider(
        sampler,
        Resource({"service.name": "shop"}),
        shutdown_on_exit=False,
        active_span_processor=SpanProcessors(first, filling),
        span_limits=limits,
    )
    provider.filling = filling
    return provider


def tracer_of(provider: FilledProvider, scope: dict[str, str] | None = None) -> Any:
    delegating = DelegatingTracerProvider()
    delegating.set_delegate(provider)
    return delegating.get_tracer("t", attributes=scope)


def result_of(span: Any) -> tuple[Any, ...]:
    span.set_attribute("later", 1)
    span.set_attribute("a", 2)
    span.end()
    return list(span.attributes.items()), span.dropped_attributes


@pytest.mark.parametrize("scope", [None, {SERVICE_NAME_ATTRIBUTE: "billing"}], ids=["own", "another service"])
@pytest.mark.parametrize(
    "raw",
    [
        {},
        PLAIN,
        {CORRELATION_ATTRIBUTE: "mine", **PLAIN, SERVICE_NAME_ATTRIBUTE: "mine"},
        {"a": {"b": 1}, "c": None},
        {f"name {number}": number for number in range(30)},
        {"text": "x" * 200},
    ],
    ids=["none", "plain", "names of ours", "unusual", "many", "long"],
)
@pytest.mark.parametrize(
    "limits",
    [
        SpanLimits(),
        SpanLimits(max_span_attributes=SpanLimits.UNSET),
        SpanLimits(max_span_attributes=6),
        SpanLimits(max_span_attributes=4),
        SpanLimits(max_span_attributes=0),
        SpanLimits(max_span_attribute_length=100),
    ],
    ids=["default", "unlimited", "six", "four", "zero", "short"],
)
def test_attributes_are_those_of_the_sdk(limits: SpanLimits, raw: dict[str, Any], scope: dict[str, str] | None) -> None:
    ours, theirs = (
        tracer_of(provider_of(limits, filled=filled), scope).start_span("work", raw=raw) for filled in (True, False)
    )
    assert result_of(ours) == result_of(theirs)
    with correlation_scope("order-7"):
        ours, theirs = (
            tracer_of(provider_of(limits, filled=filled), scope).start_span("work", raw=raw) for filled in (True, False)
        )
    assert result_of(ours) == result_of(theirs)


def test_limits_that_change_apply() -> None:
    limits = SpanLimits()
    ours, theirs = (tracer_of(provider_of(limits, filled=filled)) for filled in (True, False))
    limits.max_span_attributes = 3
    raw = {f"name {number}": number for number in range(5)}
    assert result_of(ours.start_span("work", raw=raw)) == result_of(theirs.start_span("work", raw=raw))


class Seeing(SpanProcessor):
    """Keeps the attributes of spans at their start."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        self.seen.append(dict(span.attributes))


def test_a_processor_that_is_added_sees_the_attributes() -> None:
    provider, processor = provider_of(SpanLimits(), filled=True), Seeing()
    tracer = tracer_of(provider)
    tracer.start_span("earlier", raw=PLAIN).end()
    provider.add_span_processor(processor)
    tracer.start_span("later", raw=PLAIN).end()
    assert processor.seen == [PLAIN]


class Asked(Sampler):
    """Samples all spans, and keeps the attributes that they start with."""

    def __init__(self) -> None:
        self.attributes: list[Any] = []

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
        self.attributes.append(attributes)
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        return "asked"


def test_the_sdk_does_not_receive_the_attributes_that_are_filled() -> None:
    sampler = Asked()
    span = tracer_of(provider_of(SpanLimits(), sampler, filled=True)).start_span("work", raw=PLAIN)
    assert sampler.attributes == [None]
    assert span.attributes == PLAIN


def test_a_span_that_is_not_recorded_has_no_attributes() -> None:
    span = tracer_of(provider_of(SpanLimits(), ALWAYS_OFF, filled=True)).start_span("work", raw=PLAIN)
    assert not span.is_recording()
    assert not isinstance(span, ReadableSpan)


class OtherFields:
    """Span of an SDK with other fields."""

    def __init__(self, attributes: object) -> None:
        self._attributes = attributes
        self.set: dict[str, Any] = {}

    def set_attributes(self, attributes: dict[str, Any]) -> None:
        self.set.update(attributes)


@pytest.mark.parametrize("attributes", [None, {}])
def test_an_sdk_with_other_fields_checks_the_attributes(attributes: object) -> None:
    span = OtherFields(attributes)
    fill_attributes(span, PLAIN.copy())
    assert span.set == PLAIN
