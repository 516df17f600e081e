from __future__ import annotations

import asyncio
import logging
import threading
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.context import get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span as SdkSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NoOpTracer,
    NoOpTracerProvider,
    Span,
    SpanContext,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
)

from flext_observability.adapters.correlation import correlation_scope
from flext_observability.engine.delegating_tracer import DelegatingTracerProvider
from flext_observability.engine.span import EngineSpan
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider


class Finished(SpanProcessor):
    """Keeps finished spans."""

    def __init__(self, *, flushed: object = True) -> None:
        self.spans: list[ReadableSpan] = []
        self.flushed = flushed
        self.ended = False

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    def shutdown(self) -> None:
        self.ended = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self.flushed  # type: ignore[return-value]  # foreign processors return anything


class Failing(SpanProcessor):
    """Raises in every call."""

    def on_start(self, span: SdkSpan, parent_context: object = None) -> None:
        raise SystemExit

    def _on_ending(self, span: SdkSpan) -> None:
        raise ValueError

    def on_end(self, span: ReadableSpan) -> None:
        raise asyncio.CancelledError


@pytest.fixture
def finished() -> Finished:
    return Finished()


@pytest.fixture
def provider(finished: Finished) -> EngineTracerProvider:
    rule = SamplingRule(1 << 64, parent_based=True)
    return EngineTracerProvider(
        resource=Resource({"service.name": "shop"}),
        sampler=ALWAYS_ON,
        rule=rule,
        limits=SpanLimits(),
        sink=SpanSink(finished.on_end),
    )


@pytest.fixture
def tracer(provider: EngineTracerProvider) -> Tracer:
    return provider.get_tracer("lib")


def test_a_scope_has_one_tracer(provider: EngineTracerProvider) -> None:
    assert provider.get_tracer("lib", "1") is provider.get_tracer("lib", "1")
    assert provider.get_tracer("lib", "1") is not provider.get_tracer("lib", "2")


def test_scopes_differ_by_their_attributes(provider: EngineTracerProvider) -> None:
    def tracer(attributes: Any) -> Tracer:
        return provider.get_tracer("lib", attributes=attributes)

    given: list[Any] = [None, {"a": 1}, {"a": 2}, {"a": [1, 2]}, {"a": 1, "b": "x"}]
    assert len({tracer(attributes) for attributes in given}) == len(given)
    assert tracer({"b": "x", "a": 1}) is tracer({"a": 1, "b": "x"})


def test_a_missing_name_is_logged(provider: EngineTracerProvider, caplog: pytest.LogCaptureFixture) -> None:
    span = provider.get_tracer("").start_span("work")
    assert isinstance(span, ReadableSpan)
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == ""
    assert "missing module name" in caplog.text


def test_a_processor_receives_spans_of_earlier_tracers(provider: EngineTracerProvider, tracer: Tracer) -> None:
    added = Finished()
    provider.add_span_processor(added)
    tracer.start_span("work").end()
    assert [span.name for span in added.spans] == ["work"]


def test_a_processor_that_raises_costs_only_itself(
    provider: EngineTracerProvider, finished: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    added, globals_ = Finished(), DelegatingTracerProvider()
    globals_.set_delegate(provider)
    add: Callable[[SpanProcessor], None] = vars(type(globals_))["__getattr__"](globals_, "add_span_processor")
    add(Failing())
    add(added)
    globals_.get_tracer("lib").start_span("work").end()
    assert [span.name for span in (*finished.spans, *added.spans)] == ["work", "work"]
    assert "on_start of the processor Failing failed: SystemExit" in caplog.text
    assert "_on_ending of the processor Failing failed: ValueError" in caplog.text
    assert "on_end of the processor Failing failed: CancelledError" in caplog.text


@pytest.mark.parametrize(("flushed", "complete"), [(True, True), (None, True), (False, False)])
def test_flush_asks_every_processor(provider: EngineTracerProvider, flushed: object, complete: bool) -> None:
    provider.add_span_processor(Finished(flushed=flushed))
    assert provider.force_flush() is complete


def test_flush_without_time_is_incomplete(provider: EngineTracerProvider) -> None:
    provider.add_span_processor(Finished())
    assert provider.force_flush(0) is False


def test_shutdown_ends_every_processor(provider: EngineTracerProvider) -> None:
    added = Finished(), Finished()
    for each in added:
        provider.add_span_processor(each)
    provider.shutdown()
    assert [each.ended for each in added] == [True, True]


def test_the_current_span_is_restored(tracer: Tracer) -> None:
    with tracer.start_as_current_span("outer") as outer:
        with tracer.start_as_current_span("inner") as inner:
            assert get_current_span() is inner
            assert inner.parent == outer.get_span_context()  # type: ignore[attr-defined]  # of the SDK's span
        assert get_current_span() is outer
    assert not outer.is_recording()


def fail(tracer: Tracer, **options: Any) -> Span:
    with pytest.raises(ValueError, match="broken"), tracer.start_as_current_span("work", **options) as span:
        raise ValueError("broken")
    return span


def test_an_exception_becomes_event_and_status(tracer: Tracer, finished: Finished) -> None:
    fail(tracer)
    span = finished.spans[0]
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ValueError: broken"
    assert [event.name for event in span.events] == ["exception"]


def test_an_exception_is_not_recorded_when_the_options_exclude_it(tracer: Tracer, finished: Finished) -> None:
    fail(tracer, record_exception=False, set_status_on_exception=False)
    assert finished.spans[0].status.status_code is StatusCode.UNSET
    assert finished.spans[0].events == ()


def test_an_interrupted_span_is_not_an_error(tracer: Tracer, finished: Finished) -> None:
    with pytest.raises(KeyboardInterrupt), tracer.start_as_current_span("work"):
        raise KeyboardInterrupt
    assert finished.spans[0].status.status_code is StatusCode.UNSET


def test_a_span_may_continue_after_the_block(tracer: Tracer) -> None:
    with tracer.start_as_current_span("work", end_on_exit=False) as span:
        pass
    assert span.is_recording()


def test_a_block_may_end_in_another_context(tracer: Tracer, finished: Finished) -> None:
    block = tracer.start_as_current_span("work")
    thread = threading.Thread(target=block.__enter__)
    thread.start()
    thread.join()
    block.__exit__(None, None, None)
    assert [span.name for span in finished.spans] == ["work"]


def test_a_decorated_function_has_a_span_for_each_call(tracer: Tracer, finished: Finished) -> None:
    @tracer.start_as_current_span("call")
    def double(number: int) -> int:
        return 2 * number

    assert [double(1), double(2)] == [2, 4]
    assert len(finished.spans) == 2


def test_the_span_of_a_coroutine_ends_with_it(tracer: Tracer, finished: Finished) -> None:
    @tracer.start_as_current_span("call")
    async def double(number: int) -> int:
        assert get_current_span().is_recording()
        await asyncio.sleep(0)
        assert finished.spans == []
        return 2 * number

    assert asyncio.run(double(2)) == 4
    assert len(finished.spans) == 1


@pytest.mark.parametrize(("end", "error"), [(None, False), (ValueError("broken"), True)])
def test_a_span_is_a_context_manager(tracer: Tracer, finished: Finished, end: Exception | None, error: bool) -> None:
    span = tracer.start_span("work")
    with span:
        pass
    span = tracer.start_span("work", record_exception=error, set_status_on_exception=error)
    span.__exit__(None if end is None else type(end), end, None)
    assert (finished.spans[1].status.status_code is StatusCode.ERROR) is error
    assert len(finished.spans[1].events) == error


def test_an_exception_is_not_recorded_on_a_span_whose_options_exclude_it(tracer: Tracer, finished: Finished) -> None:
    span = tracer.start_span("work", record_exception=False, set_status_on_exception=False)
    span.__exit__(ValueError, ValueError("broken"), None)
    span.__exit__(ValueError, ValueError("broken"), None)  # has ended
    assert [(len(each.events), each.status.status_code) for each in finished.spans] == [(0, StatusCode.UNSET)]


def after_end(call: Callable[[Span], object]) -> Callable[[Span], object]:
    return call


@pytest.mark.parametrize(
    "call",
    [
        after_end(lambda span: span.set_attribute("a", 1)),
        after_end(lambda span: span.set_attributes({"a": 1})),
        after_end(lambda span: span.add_event("late")),
        after_end(lambda span: span.add_link(SpanContext(1, 2, is_remote=False))),
        after_end(lambda span: span.update_name("late")),
        after_end(lambda span: span.set_status(StatusCode.ERROR)),
        after_end(lambda span: span.end()),
    ],
)
def test_a_call_after_the_end_is_logged_and_changes_nothing(
    tracer: Tracer, finished: Finished, caplog: pytest.LogCaptureFixture, call: Callable[[Span], object]
) -> None:
    span = tracer.start_span("work")
    span.end(5)
    before = finished.spans[0].to_json()
    with caplog.at_level(logging.WARNING):
        call(span)
    assert finished.spans[0].to_json() == before
    assert len(finished.spans) == 1
    assert "ended span" in caplog.text


def test_of_two_threads_one_ends_a_span(tracer: Tracer, finished: Finished) -> None:
    for _ in range(200):
        span = tracer.start_span("work")
        barrier = threading.Barrier(2)

        def end(span: Span = span, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            span.end()

        threads = [threading.Thread(target=end) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(finished.spans) == 200


def test_no_attribute_of_another_thread_is_lost(tracer: Tracer) -> None:
    span = tracer.start_span("work")

    def set_all(prefix: str, values: list[Any]) -> None:
        for number, value in enumerate(values):
            span.set_attribute(f"{prefix}{number}", value)

    plain = [1] * 40
    unusual = [[1, 2]] * 40
    threads = [threading.Thread(target=set_all, args=each) for each in (("a", plain), ("b", unusual), ("c", plain))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert isinstance(span, ReadableSpan)
    assert len(span.attributes or {}) == 120
    assert span.dropped_attributes == 0


def test_spans_of_an_unsampled_parent_are_not_recorded(tracer: Tracer) -> None:
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    parent = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(0))
    span = tracer.start_span("work", set_span_in_context(NonRecordingSpan(parent)))
    assert not span.is_recording()
    assert span.get_span_context().trace_id == 1


class BrokenTracer(NoOpTracer):
    """Raises when a span starts."""

    def start_span(self, *arguments: Any, **options: Any) -> Span:
        raise ValueError("broken")


class BrokenProvider(NoOpTracerProvider):
    """Its tracers raise."""

    def get_tracer(self, *arguments: Any, **options: Any) -> Tracer:
        return BrokenTracer()


def test_a_span_that_cannot_start_leaves_the_context_as_it_was() -> None:
    provider = DelegatingTracerProvider()
    provider.set_delegate(BrokenProvider())
    tracer, before = provider.get_tracer("lib"), get_current()
    with pytest.raises(ValueError, match="broken"), tracer.start_as_current_span("work"):
        pass
    assert get_current() is before
    with correlation_scope("request-1"), pytest.raises(ValueError, match="broken"):
        tracer.start_as_current_span("work").__enter__()
    assert get_current() is before


def test_values_that_raise_are_left_out_and_logged(tracer: Tracer, caplog: pytest.LogCaptureFixture) -> None:
    class Unreadable:
        def __bool__(self) -> bool:
            raise SystemExit

        def items(self) -> object:
            raise SystemExit

    span: Any = tracer.start_span("work")
    span.set_attributes(Unreadable())
    span.add_event("late", Unreadable())
    span.add_link(SpanContext(1, 2, is_remote=False), Unreadable())
    span.set_links([None])
    span.set_status("broken")
    assert isinstance(span, EngineSpan)
    assert (dict(span.attributes), span.events, span.links) == ({}, (), ())
    assert span.status.status_code is StatusCode.UNSET
    for action in ("Setting attributes", "Adding an event", "Adding a link"):
        assert f"{action} failed" in caplog.text


def test_attributes_of_any_mapping_are_kept(tracer: Tracer, finished: Finished) -> None:
    span = tracer.start_span("work", attributes=ChainMap({"a": 1}))
    span.add_event("paid", ChainMap({"b": 2}))
    span.end()
    assert dict(finished.spans[0].attributes or {}) == {"a": 1}
    assert dict(finished.spans[0].events[0].attributes or {}) == {"b": 2}


class ReplacingLimit(float):
    """Replaces the dict of a span while an attribute is compared with the limit, as another thread may do."""

    span: EngineSpan

    def __gt__(self, other: float) -> bool:
        self.span._complete()
        return True


def test_an_attribute_that_is_set_while_the_dict_is_replaced_is_kept(tracer: Tracer) -> None:
    span = tracer.start_span("work", attributes={"a": 1})
    assert isinstance(span, EngineSpan)
    limit = ReplacingLimit(9)
    limit.span, span._options.max_attributes = span, limit
    span.set_attribute("b", 2)
    assert dict(span.attributes) == {"a": 1, "b": 2}


def test_an_attribute_that_is_set_again_is_the_last_one(tracer: Tracer) -> None:
    span = tracer.start_span("work", attributes={"a": 1, "b": 2})
    span.set_attribute("a", 3)
    assert isinstance(span, EngineSpan)
    assert list(span.attributes.items()) == [("b", 2), ("a", 3)]
