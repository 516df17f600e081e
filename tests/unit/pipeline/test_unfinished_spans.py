"""Open spans are ended with an outcome and a cause; processors that raise or hang cost only themselves."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import StatusCode

from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.pipeline.unfinished_spans import Ending, describe_names, end_spans

ABORTED = Ending("aborted", "SIGTERM")


def lean_provider() -> Any:
    rule = SamplingRule(1 << 64, parent_based=False)
    resource, limits = Resource({}), SpanLimits()
    return EngineTracerProvider(resource=resource, sampler=ALWAYS_ON, rule=rule, limits=limits, sink=SpanSink())


def sdk_provider() -> Any:
    return TracerProvider(shutdown_on_exit=False)


@pytest.fixture(params=[lean_provider, sdk_provider])
def provider(request: pytest.FixtureRequest) -> Any:
    make: Callable[[], Any] = request.param
    return make()


def spans_of(provider: Any, *names: str) -> list[Any]:
    return [provider.get_tracer("t").start_span(name) for name in names]


def soon() -> float:
    return time.monotonic() + 5


def test_an_aborted_span_has_its_cause(provider: Any) -> None:
    (span,) = spans_of(provider, "work")
    assert end_spans([span], ABORTED, soon()) == Counter(work=1)
    assert not span.is_recording()
    assert dict(span.attributes) == {"flext.outcome": "aborted", "error.type": "SIGTERM"}
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "SIGTERM ended the process")


def test_an_abandoned_span_has_no_error(provider: Any) -> None:
    (span,) = spans_of(provider, "work")
    end_spans([span], Ending("abandoned"), soon())
    assert dict(span.attributes) == {"flext.outcome": "abandoned"}
    assert span.status.status_code is StatusCode.UNSET


def test_an_error_of_the_program_is_kept(provider: Any) -> None:
    (span,) = spans_of(provider, "work")
    span.set_attribute("error.type", "timeout")
    end_spans([span], ABORTED, soon())
    assert span.attributes["error.type"] == "timeout"


def test_the_latest_spans_end_first(provider: Any) -> None:
    ended: list[str] = []

    class Listing(SpanProcessor):
        def on_end(self, span: Any) -> None:
            ended.append(span.name)

    provider.add_span_processor(Listing())
    outer, other, inner = spans_of(provider, "outer", "other", "inner")
    other.end()
    assert end_spans([outer, other, inner], ABORTED, soon()) == Counter(outer=1, inner=1)
    assert ended == ["other", "inner", "outer"]


def test_a_processor_that_raises_costs_one_span(provider: Any) -> None:
    class Raising(SpanProcessor):
        def on_end(self, span: Any) -> None:
            if span.name == "bad":
                raise RuntimeError("broken")

    provider.add_span_processor(Raising())
    assert end_spans(spans_of(provider, "good", "bad"), ABORTED, soon()) == Counter(good=1)


def test_a_processor_that_hangs_costs_half_of_the_time(provider: Any) -> None:
    released = threading.Event()

    class Hanging(SpanProcessor):
        def on_end(self, span: Any) -> None:
            if span.name == "bad":
                released.wait(20)

    provider.add_span_processor(Hanging())
    began = time.monotonic()
    assert end_spans(spans_of(provider, "left", "bad", "good"), ABORTED, began + 0.2) == Counter(good=1)
    assert time.monotonic() - began >= 0.1
    released.set()


def test_names_are_described_up_to_a_limit() -> None:
    names = Counter({"GET": 3, "x" * 200: 2, **{str(number): 1 for number in range(5)}})
    assert describe_names(names) == f"3 GET, 2 {'x' * 80}, 1 0, 1 1, 1 2 and 2 more"
    assert describe_names(Counter(work=1)) == "1 work"
