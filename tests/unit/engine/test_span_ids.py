"""Random ids, and ids of a generator of the program."""

from __future__ import annotations

import os
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from flext_observability.adapters.correlation import current_correlation_id, flext_get_correlation_id
from flext_observability.engine.span_ids import RANDOM_FLAG, RandomIds
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.providers.id_generator import ContainedIdGenerator


class Given(IdGenerator):
    """Returns or raises the given ids."""

    def __init__(self, trace_id: Any, span_id: Any, random: Any = True) -> None:
        self._given = trace_id, span_id, random

    def _give(self, number: int) -> Any:
        if isinstance(self._given[number], BaseException):
            raise self._given[number]
        return self._given[number]

    def generate_trace_id(self) -> int:
        return self._give(0)  # type: ignore[no-any-return]  # anything

    def generate_span_id(self) -> int:
        return self._give(1)  # type: ignore[no-any-return]  # anything

    def is_trace_id_random(self) -> bool:
        return self._give(2)  # type: ignore[no-any-return]  # anything


def provider(ids: IdGenerator) -> EngineTracerProvider:
    return EngineTracerProvider(
        resource=Resource({}),
        sampler=ALWAYS_ON,
        rule=SamplingRule(1 << 64, parent_based=True),
        limits=SpanLimits(),
        sink=SpanSink(),
        ids=ids,
    )


@pytest.mark.parametrize(("random", "flags"), [(True, 1 | RANDOM_FLAG), (False, 1), (KeyError(), 1), ("yes", 1)])
def test_spans_have_the_ids_of_the_generator(random: object, flags: int) -> None:
    context = provider(Given(5, 7, random)).get_tracer("t").start_span("work").get_span_context()
    assert (context.trace_id, context.span_id, context.trace_flags) == (5, 7, flags)


@pytest.mark.parametrize("bad", [0, -1, 1 << 128, 1 << 500, "5", None, 1.5, ValueError("broken"), SystemExit()])
def test_an_invalid_id_is_replaced(bad: object, caplog: pytest.LogCaptureFixture) -> None:
    sdk = TracerProvider(shutdown_on_exit=False, id_generator=ContainedIdGenerator(Given(bad, bad, bad)))
    for tracer in (provider(Given(bad, bad, bad)).get_tracer("t"), sdk.get_tracer("t")):
        assert tracer.start_span("work").get_span_context().is_valid
    assert "Generating a trace id failed" in caplog.text
    assert "Generating a span id failed" in caplog.text


def test_a_generator_serves_the_sdk() -> None:
    sdk = TracerProvider(shutdown_on_exit=False, id_generator=ContainedIdGenerator(Given(5, 7)))
    context = sdk.get_tracer("t").start_span("work").get_span_context()
    assert (context.trace_id, context.span_id) == (5, 7)


def test_a_forked_child_has_other_ids() -> None:
    ids = RandomIds()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ids.bits(128).to_bytes(16, "big"))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 16) != ids.bits(128).to_bytes(16, "big")
    os.close(reading)
    os.close(writing)


def test_an_id_that_is_created_in_a_child_is_that_of_the_local_root_span() -> None:
    tracer = provider(Given(5, 7)).get_tracer("t")
    with tracer.start_as_current_span("root"):
        with tracer.start_as_current_span("inner"):
            created = flext_get_correlation_id()
            deep: Any = tracer.start_span("deep")
        assert current_correlation_id() == created
        late: Any = tracer.start_span("late")
    assert current_correlation_id() is None
    assert dict(late.attributes) == dict(deep.attributes) == {"flext.correlation_id": created}
