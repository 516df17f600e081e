"""Sources asked → one answer for each collection, and what it was before."""

from __future__ import annotations

import os

import pytest

from flext_observability.instrumentation.host_metrics import source_cache as os_readings
from flext_observability.instrumentation.host_metrics.source_cache import LIFETIME_SECONDS, SourceCache


class Time:
    """Monotonic time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(os_readings, "monotonic", clock)
    return clock


def test_a_source_is_asked_once_in_a_collection(time: Time) -> None:
    readings, answers = SourceCache(), iter((1, 2))
    assert readings.ask("cpu", lambda: next(answers)) == 1
    time.now += LIFETIME_SECONDS / 2
    assert readings.ask("cpu", lambda: next(answers)) == 1
    time.now += LIFETIME_SECONDS
    assert readings.ask("cpu", lambda: next(answers)) == 2


def test_a_change_needs_two_readings(time: Time) -> None:
    readings, answers = SourceCache(), iter((10, 15, 18))
    assert readings.since_before("cpu", lambda: next(answers)) is None
    time.now += 2
    assert readings.since_before("cpu", lambda: next(answers)) == (2.0, 10, 15)
    assert readings.since_before("cpu", lambda: next(answers)) == (2.0, 10, 15)
    time.now += 1
    assert readings.since_before("cpu", lambda: next(answers)) == (1.0, 15, 18)


def test_a_source_that_was_not_asked_for_a_while_is_compared_with_its_last_answer(time: Time) -> None:
    readings = SourceCache()
    readings.ask("cpu", lambda: 10)
    for _ in range(3):
        time.now += 1
        readings.ask("other", lambda: 0)
    assert readings.since_before("cpu", lambda: 40) == (3.0, 10, 40)


def test_the_process_is_this_one_and_is_looked_up_once() -> None:
    readings = SourceCache()
    assert readings.process.pid == os.getpid()
    assert readings.process is readings.process
