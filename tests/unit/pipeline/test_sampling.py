"""A sampler that fails drops no span, and a rule gives the results of the sampler."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
    use_span,
)

from flext_observability.engine.shedding import LEVELS, SAMPLING_LEVEL
from flext_observability.engine.span_options import SamplingRule
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.pipeline.sampling import CountingSampler, RuleSampler


class Failing(Sampler):
    """A sampler that raises, or returns an object of another type, or with parts of another type."""

    def __init__(self, outcome: object) -> None:
        self._outcome = outcome

    def should_sample(self, *args: Any, **options: Any) -> Any:
        if isinstance(self._outcome, type) and issubclass(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def get_description(self) -> str:
        return "failing"


def result(decision: Any = Decision.RECORD_AND_SAMPLE, attributes: Any = None, trace_state: Any = None) -> Any:
    return SimpleNamespace(decision=decision, attributes=attributes, trace_state=trace_state)


PARTS = [result("yes"), result(None), result(attributes=[1]), result(trace_state="a=b")]


@pytest.mark.parametrize("outcome", [ValueError, SystemExit, GeneratorExit, None, *PARTS])
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


def test_attributes_that_cannot_be_read_are_left_out() -> None:
    sampler = CountingSampler(ALWAYS_ON, SignalCounter("traces"))
    attributes: Any = 5
    result = sampler.should_sample(None, 1, "root", attributes=attributes)
    assert (result.decision, dict(result.attributes)) == (Decision.RECORD_AND_SAMPLE, {})


def test_the_description_is_that_of_the_sampler() -> None:
    assert CountingSampler(Failing(None), SignalCounter("traces")).get_description() == "failing"


SAMPLERS: list[tuple[Sampler, SamplingRule]] = [
    (ALWAYS_ON, SamplingRule(1 << 64, parent_based=False)),
    (ALWAYS_OFF, SamplingRule(0, parent_based=False)),
    (TraceIdRatioBased(0.5), SamplingRule(TraceIdRatioBased(0.5).bound, parent_based=False)),
    (ParentBased(ALWAYS_ON), SamplingRule(1 << 64, parent_based=True)),
    (ParentBased(ALWAYS_OFF), SamplingRule(0, parent_based=True)),
    (ParentBasedTraceIdRatio(0.5), SamplingRule(TraceIdRatioBased(0.5).bound, parent_based=True)),
]


@given(
    st.sampled_from(SAMPLERS),
    st.integers(1, (1 << 128) - 1),
    st.booleans(),
    st.none() | st.tuples(st.integers(0, 2), st.booleans(), st.booleans()),
)
def test_a_rule_gives_the_results_of_the_sampler(
    given_sampler: tuple[Sampler, SamplingRule], trace_id: int, current: bool, parent: tuple[int, bool, bool] | None
) -> None:
    sampler, rule = given_sampler
    counter = SignalCounter("traces")
    ours = RuleSampler(sampler, rule, counter)
    context = Context({"other": 1})
    if parent is not None:
        span_id, sampled, remote = parent
        flags, state = TraceFlags(int(sampled)), TraceState([("k", "v")])
        context = set_span_in_context(NonRecordingSpan(SpanContext(trace_id, span_id, remote, flags, state)), context)
    token = attach(context)
    arguments = None if current else context, trace_id, "work", None, {"a": 1}
    found, expected = ours.should_sample(*arguments), sampler.should_sample(*arguments)
    detach(token)
    assert (found.decision, found.attributes, found.trace_state) == (
        expected.decision,
        expected.attributes,
        expected.trace_state,
    )
    assert counter.counts().sampled_out == (expected.decision is Decision.DROP)
    assert ours.get_description() == sampler.get_description()


@pytest.mark.parametrize("parent_based", [True, False])
def test_children_follow_their_parents_while_the_ratio_is_lowered(parent_based: bool) -> None:
    counter = SignalCounter("traces")
    sampler = RuleSampler(ALWAYS_ON, SamplingRule(1 << 64, parent_based=parent_based), counter)
    never = (1 << 64) - 1  # the last one that a ratio of 1 samples

    def decisions() -> list[bool]:
        parents = [SpanContext(never, 1, is_remote=True, trace_flags=TraceFlags(flags)) for flags in (0, 1)]
        contexts = [Context(), *(set_span_in_context(NonRecordingSpan(each), Context()) for each in parents)]
        return [sampler.should_sample(each, never, "s").decision is Decision.RECORD_AND_SAMPLE for each in contexts]

    before = [True, not parent_based, True]
    assert decisions() == before
    sampler.shed(LEVELS[SAMPLING_LEVEL])
    assert decisions() == [False, False, True]
    assert (counter.left_out(), counter.unrecorded()) == ({"spans": 2}, 2 + before.count(False))
    sampler.shed(LEVELS[0])
    assert decisions() == before
