"""EndpointHealth: one worker tries an address that is down, and the first success lets all send."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline import endpoint_health as module, retry
from flext_observability.pipeline.endpoint_health import EndpointHealth
from tests.fakes import BUSY, REFUSED, ScriptedExporter
from tests.unit.pipeline.workers import Make
from tests.waiting import eventually

OK = ExportOutcome(accepted=1)


class Member:
    """A worker that records how it was woken."""

    def __init__(self, endpoint: EndpointHealth) -> None:
        self.wakes: list[bool] = []
        endpoint.join(self, self.wakes.append)


@pytest.fixture
def endpoint() -> EndpointHealth:
    return EndpointHealth()


def test_an_address_that_responds_delays_no_worker(endpoint: EndpointHealth) -> None:
    first, second = Member(endpoint), Member(endpoint)
    endpoint.begin(first)
    endpoint.settle(first, OK)
    assert not endpoint.is_down
    assert (endpoint.may_send_at(first), endpoint.may_send_at(second)) == (0.0, 0.0)
    assert second.wakes == []


def test_one_worker_tries_an_address_that_is_down(endpoint: EndpointHealth) -> None:
    first, second = Member(endpoint), Member(endpoint)
    until = endpoint.settle(first, REFUSED)
    assert endpoint.is_down
    assert time.monotonic() < until == endpoint.may_send_at(first) == endpoint.may_send_at(second)
    endpoint.begin(second)
    assert endpoint.may_send_at(second) == until
    assert endpoint.may_send_at(first) > until + module.PROBE_LIMIT_SECONDS / 2
    endpoint.settle(second, REFUSED)
    assert first.wakes == [False]


def test_attempts_that_began_together_count_as_one(endpoint: EndpointHealth) -> None:
    members = [Member(endpoint) for _ in range(5)]
    until = {endpoint.settle(member, REFUSED) for member in members}
    assert len(until) == 1


def test_the_wait_at_an_address_is_short(endpoint: EndpointHealth) -> None:
    member = Member(endpoint)
    for _ in range(20):
        endpoint.begin(member)
        until = endpoint.settle(member, REFUSED)
        assert until - time.monotonic() <= module.PROBE_MAX_SECONDS * (1 + retry.JITTER)


def test_the_first_success_wakes_the_others(endpoint: EndpointHealth) -> None:
    first, second = Member(endpoint), Member(endpoint)
    endpoint.settle(first, REFUSED)
    endpoint.settle(second, REFUSED)
    endpoint.begin(first)
    endpoint.settle(first, OK)
    assert second.wakes == [True]
    assert first.wakes == []
    assert endpoint.may_send_at(second) == 0.0


@pytest.mark.parametrize("answer", [OK, ExportOutcome(reason="rejected", message="no")], ids=["accepted", "refused"])
def test_any_final_answer_shows_that_an_overloaded_back_end_is_back(
    endpoint: EndpointHealth, answer: ExportOutcome
) -> None:
    first, second = Member(endpoint), Member(endpoint)
    endpoint.settle(first, BUSY)
    endpoint.settle(second, BUSY)
    assert not endpoint.is_down
    endpoint.settle(first, answer)
    assert second.wakes == [True]


def test_a_worker_that_never_failed_does_not_wake_one_that_the_back_end_sends_away(endpoint: EndpointHealth) -> None:
    first, second = Member(endpoint), Member(endpoint)
    endpoint.settle(second, BUSY)
    endpoint.settle(first, OK)
    assert second.wakes == []


def two_workers(make: Make, *exporters: ScriptedExporter) -> list[Any]:
    endpoint = EndpointHealth()
    return [make(exporter, interval=0.01, endpoint=endpoint) for exporter in exporters]


@pytest.mark.parametrize("failure", [REFUSED, BUSY], ids=["refused", "busy"])
def test_the_recovery_of_one_signal_is_that_of_all(
    make: Make, monkeypatch: pytest.MonkeyPatch, failure: ExportOutcome
) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 200)
    monkeypatch.setattr(retry, "MAX_SECONDS", 200)
    monkeypatch.setattr(module, "PROBE_MAX_SECONDS", 200)
    traces, logs = ScriptedExporter(failure), ScriptedExporter(*[BUSY] * (failure is BUSY))
    first, second = two_workers(make, traces, logs)
    first.enqueue("span")
    assert eventually(lambda: len(traces.batches) == 1 and first.counts().queued == 1)
    second.enqueue("log")
    if failure is BUSY:
        assert eventually(lambda: len(logs.batches) == 1 and second.counts().queued == 1)
    flush_repeatedly(first)
    assert eventually(lambda: second.counts().exported == 1)


def flush_repeatedly(worker: Any) -> None:
    """Flush until all is sent, without waiting between attempts."""
    assert eventually(lambda: worker.wait_flushed(worker.begin_flush(), time.monotonic() + 0.2))


def test_a_retry_after_is_kept_when_the_address_is_back(make: Make) -> None:
    later = ExportOutcome(retry=True, retry_after_seconds=200, reason="unavailable")
    traces, logs = ScriptedExporter(REFUSED), ScriptedExporter(later)
    first, second = two_workers(make, traces, logs)
    second.enqueue("log")
    assert eventually(lambda: second.counts().queued == 1 and len(logs.batches) == 1)
    first.enqueue("span")
    flush_repeatedly(first)
    assert not logs.wait_for_batches(2, 0.3)


def test_one_worker_at_a_time_tries_a_silent_address(make: Make) -> None:
    silent = ExportOutcome(retry=True, reached=False, reason="timeout", message="no response")
    traces, logs = ScriptedExporter(silent), ScriptedExporter()
    first, second = two_workers(make, traces, logs)
    first.enqueue("span")
    assert traces.wait_for_batches(1)
    assert eventually(lambda: first.counts().queued == 1)
    traces.hold.clear()
    assert traces.wait_for_batches(2)
    second.enqueue("log")
    assert not logs.wait_for_batches(1, 0.3)
    traces.hold.set()
    assert logs.wait_for_batches(1)


def test_a_flush_does_not_wait_for_the_attempt_of_another_worker(make: Make) -> None:
    endpoint = EndpointHealth()
    other: Callable[..., object] = lambda _back: None  # noqa: E731 - the other worker only holds the attempt
    endpoint.join(other, other)
    endpoint.settle(other, REFUSED)
    endpoint.begin(other)
    worker = make(ScriptedExporter(), endpoint=endpoint)
    worker.enqueue(1)
    flush_repeatedly(worker)
    assert worker.counts().exported == 1
