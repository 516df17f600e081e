from __future__ import annotations

from opentelemetry.trace import NonRecordingSpan, SpanContext

from flext_observability import FlextTrace
from flext_observability.adapters.trace import set_ids
from flext_observability.services.trace_registry import OpenTrace, TraceRegistry
from tests.threads import in_threads


def opened(number: int, *, trace_id: int | None = None, at_seconds: float = 0.0) -> OpenTrace:
    trace = FlextTrace(operation_name="a", service_name="b", id=f"entity {number}")
    context = SpanContext(number if trace_id is None else trace_id, number, is_remote=False)
    return OpenTrace(trace, set_ids(trace, NonRecordingSpan(context)), at_seconds)


def test_open_and_ended_traces_are_found_by_entity_id_and_trace_id() -> None:
    registry, entry = TraceRegistry(), opened(0xABC)
    registry.open(entry)
    context = entry.span.get_span_context()
    assert registry.span("entity 2748") is entry.span
    assert registry.find("entity 2748") == registry.find(f"{0xABC:032x}") == registry.find(f"{0xABC:032X}") == context
    assert registry.close("entity 2748", 0.0) is entry
    assert registry.span("entity 2748") is None
    assert registry.find("entity 2748") == registry.find(f"{0xABC:032x}") == context


def test_a_trace_id_finds_the_first_span_of_the_trace() -> None:
    registry = TraceRegistry()
    first, second = opened(1, trace_id=9), opened(2, trace_id=9)
    for entry in (first, second):
        registry.open(entry)
    assert registry.find(f"{9:032x}") == first.span.get_span_context()


def test_unknown_ids_are_not_found_and_closing_twice_returns_none() -> None:
    registry = TraceRegistry()
    registry.open(opened(1))
    assert registry.find("unknown") is None
    assert registry.close("entity 1", 0.0) is not None
    assert registry.close("entity 1", 0.0) is None


def test_the_oldest_open_traces_are_evicted_beyond_the_limit() -> None:
    registry = TraceRegistry(max_traces=2)
    entries = [opened(number) for number in (1, 2, 3)]
    assert [registry.open(entry) for entry in entries] == [[], [], [entries[0]]]
    assert registry.find("entity 1") is not None


def test_old_open_traces_are_evicted() -> None:
    registry = TraceRegistry(max_age_seconds=10)
    old, young = opened(1), opened(2, at_seconds=5)
    registry.open(old)
    registry.open(young)
    assert registry.evict(10) == []
    assert registry.evict(11) == [old]
    assert registry.evict(20) == [young]


def test_ended_traces_are_bounded() -> None:
    registry = TraceRegistry(max_traces=2, max_age_seconds=10)
    for number in (1, 2, 3):
        registry.open(opened(number, trace_id=7 if number < 3 else 8))
        registry.close(f"entity {number}", float(number))
    assert registry.find("entity 1") is None
    assert registry.find(f"{7:032x}") is None
    assert registry.find("entity 2") is not None
    registry.evict(12.5)
    assert registry.find("entity 2") is None
    assert registry.find("entity 3") is not None


def test_threads_evict_each_trace_once() -> None:
    registry = TraceRegistry(max_traces=50)
    evicted: list[OpenTrace] = []

    def work(thread: int) -> None:
        for number in range(100):
            evicted.extend(registry.open(opened(1 + 1000 * thread + number)))

    in_threads(work)
    assert len({entry.trace.id for entry in evicted}) == len(evicted) == 750
