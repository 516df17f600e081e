"""A sampler that fails drops no span."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.pipeline.sampling import CountingSampler


class Failing(Sampler):
    """A sampler that raises, or returns an object of another type."""

    def __init__(self, outcome: object) -> None:
        self._outcome = outcome

    def should_sample(self, *args: Any, **options: Any) -> Any:
        if isinstance(self._outcome, type) and issubclass(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def get_description(self) -> str:
        return "failing"


@pytest.mark.parametrize("outcome", [ValueError, SystemExit, GeneratorExit, None])
def test_the_parent_decides_instead_of_a_sampler_that_fails(outcome: object, caplog: pytest.LogCaptureFixture) -> None:
    counter = SignalCounter("traces")
    sampler = CountingSampler(Failing(outcome), counter)
    tracer = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("t")
    assert tracer.start_span("root").is_recording()
    parent = NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(0)))
    with use_span(parent):
        assert not tracer.start_span("child").is_recording()
    assert counter.counts().sampled_out == 1
    assert [record.message.partition(":")[0] for record in caplog.records] == ["Sampling a span failed"]


def test_the_description_is_that_of_the_sampler() -> None:
    assert CountingSampler(Failing(None), SignalCounter("traces")).get_description() == "failing"
