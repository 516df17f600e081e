"""What programs of the SDK use of our tracer provider and its tracers, and arguments that no span can keep."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider


class Exporting(SpanProcessor):
    """The processor of this library, whose exporters are down."""

    ended = False

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return False

    def shutdown(self) -> None:
        self.ended = True


def make_provider(**options: Any) -> EngineTracerProvider:
    always = SamplingRule(1 << 64, parent_based=False)
    return EngineTracerProvider(
        resource=Resource.get_empty(), sampler=ALWAYS_ON, rule=always, limits=SpanLimits(), sink=SpanSink(), **options
    )


def test_exporters_are_flushed_and_shut_down_with_the_processors() -> None:
    exporting = Exporting()
    provider = make_provider(exporting=exporting)
    assert provider.force_flush() is False
    tracer: Any = provider.get_tracer("lib")
    tracer.span_processor.shutdown()
    assert exporting.ended


def test_the_id_generator_is_that_of_the_program() -> None:
    generator = RandomIdGenerator()
    provider = make_provider(ids=generator)
    tracer: Any = provider.get_tracer("lib")
    assert provider.id_generator is tracer.id_generator is generator
    assert not hasattr(tracer, "delegate")


@pytest.mark.parametrize("method", ["start_as_current_span", "start_span"])
def test_an_exception_without_a_text_reaches_the_program(method: str) -> None:
    class Unreadable(Exception):
        """An exception whose text cannot be read."""

        def __str__(self) -> str:
            raise RuntimeError("no text")

    start: Any = getattr(make_provider().get_tracer("lib"), method)
    with pytest.raises(Unreadable), start("work") as span:
        raise Unreadable
    assert span.end_time is not None
    assert span.status.description == "Unreadable: <no readable message>"


@pytest.mark.parametrize("attributes", [5, object(), [("a", 1)]])
def test_a_span_starts_without_attributes_that_cannot_be_read(attributes: Any) -> None:
    with make_provider().get_tracer("lib").start_as_current_span("work", attributes=attributes) as span:
        span.set_attribute("b", 2)
    assert isinstance(span, ReadableSpan)
    assert dict(span.attributes or {}) == {"b": 2}
