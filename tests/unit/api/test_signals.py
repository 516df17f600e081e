"""Signals and the active configuration: what is sent, and what the status shows."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

from flext_observability import Observability, get_observability, init_observability
from flext_observability.api.process import begin_flush, shut_down_at_signal
from flext_observability.exporters.memory import MemoryStore
from flext_observability.runtime.signals import termination_signals
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Let the programs of the tests handle SIGTERM, and restore its handler."""
    former = signal.signal(signal.SIGTERM, lambda *_: None)
    yield
    signal.signal(signal.SIGTERM, former)


def started(**settings: Any) -> Observability:
    return init_observability(exporters="memory", console=False, **settings).unwrap()


def test_a_flush_begins_at_a_signal_that_the_program_handles(store: MemoryStore) -> None:
    started(traces_schedule_delay_seconds=3600)
    tracer = trace.get_tracer("t")
    tracer.start_span("first").end()
    eventually(lambda: store.spans)
    tracer.start_span("second").end()
    signal.raise_signal(signal.SIGTERM)
    eventually(lambda: len(store.spans) == 2)


def test_a_signal_that_the_program_handled_is_the_cause_of_open_spans(store: MemoryStore) -> None:
    handle = started()
    trace.get_tracer("t").start_span("open")
    signal.raise_signal(signal.SIGTERM)
    handle.shutdown()
    (span,) = store.spans
    assert (span.attributes or {})["error.type"] == "SIGTERM"


def test_the_last_work_shuts_down(store: MemoryStore) -> None:
    started()
    trace.get_tracer("t").start_span("work").end()
    shut_down_at_signal()
    begin_flush()
    assert get_observability().is_failure
    assert [span.name for span in store.spans] == ["work"]


def test_signals_that_are_not_handled_are_in_the_status() -> None:
    handle = started()
    termination_signals().problem = "the main thread waits"
    notices = handle.status()["logs"].notices
    assert [str(each) for each in notices if "SIGTERM" in each.message] == [
        "What is queued or open is lost at SIGTERM: the main thread waits. Call init_observability in the main thread."
    ]


@pytest.mark.parametrize("settings", [{"handle_signals": False}, {"disabled": True}])
def test_signals_are_left_alone_by_a_setting(settings: dict[str, Any]) -> None:
    started()
    functions = signal.signal, signal.getsignal
    started(**settings)
    assert (signal.signal, signal.getsignal) != functions


@pytest.mark.parametrize("engines", [("lean", "lean", "lean"), ("sdk", "sdk", "sdk"), ("lean", "sdk", "lean")])
def test_spans_that_are_open_at_later_starts_arrive(engines: tuple[str, ...], store: MemoryStore) -> None:
    spans: list[Any] = []
    handle = started()
    for number, engine in enumerate(engines):
        handle = started(service_name=f"s{number}", engine=engine)
        spans.append(trace.get_tracer("t").start_span(f"open in {number}"))
    row = handle.status()["traces"].counts
    assert row is not None
    assert (row.started, row.open, row.finished) == (3, 3, 0)
    for span in spans:
        span.end()
    assert handle.flush().unwrap().complete
    row = handle.status()["traces"].counts
    assert row is not None
    assert (row.started, row.open, row.finished) == (3, 0, 3)
    assert [span.name for span in store.spans] == ["open in 0", "open in 1", "open in 2"]


def test_counts_of_many_starts_add_up(store: MemoryStore) -> None:
    spans: list[Any] = []
    handle = started()
    for number in range(12):
        handle = started(service_name=f"s{number}")
        spans.append(trace.get_tracer("t").start_span("open"))
        trace.get_tracer("t").start_span("done").end()
    for span in spans:
        span.end()
    handle.flush()
    row = handle.status()["traces"].counts
    assert row is not None
    assert (row.started, row.open, row.finished) == (13, 0, 13)
    assert [span.name for span in store.spans].count("open") == 12


def test_open_spans_end_if_the_next_start_has_no_traces(store: MemoryStore) -> None:
    started()
    trace.get_tracer("t").start_span("open")
    started(traces_enabled=False)
    (span,) = store.spans
    assert dict(span.attributes or {}) == {"flext.outcome": "abandoned"}
